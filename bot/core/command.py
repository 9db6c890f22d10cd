"""The values that adapters and commands exchange: Request, Reply, Confirm and Command."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.core.markup import PLAIN, Markup
from bot.core.route import Report, Route
from bot.i18n.translate import Language
from engine.core.job import Done, Failed, Job, Media
from engine.core.options import Option
from engine.core.params import TaskParams
from storage.store import Question, Rate


@dataclass(frozen=True)
class Attachment:
    """A file that a user sent: not downloaded yet, at `url`, or already on disk at `path`. `url` may hold a token.

    `result` refers to a job's result instead, as a button does: `3f9a1c20be`, or `3f9a1c20be.2` for its second file.
    `url` and `path` are then the fallback for a result that has been deleted.
    """

    name: str
    size: int | None = None
    url: str | None = field(default=None, repr=False)
    path: Path | None = None
    result: str = ""


async def manage_nothing() -> bool:
    """Return False: the default of `Request.manages`."""
    return False


@dataclass(frozen=True)
class Request:
    """What a user asked for: untrusted words and attachments.

    `user` is an identity such as `"discord:42"`. `origin` says where to post the answer; only the adapter that wrote
    it can read it. `new_message_origin` says where to post a new message when `origin` is a message to be replaced.
    `scope` is the server or group, such as `"discord:81384788765712384"`, or empty in a private chat.
    An `admin` administers the whole studio. `manages` returns whether the user administers `scope`; it may ask the
    platform, so it is called only where the answer matters.
    `extra_identities` also count towards rate limits, such as a web user's address.
    `reply_token` is a secret of the platform that allows answering where the bot may not write by itself.
    `id` identifies the message, so that a message that its platform delivers twice is served once.
    `user_name` is what the platform calls the user, such as "Ana"; people choose it themselves.
    `markup` writes times and links as the request's platform shows them.
    A request `answers_elsewhere` if its user alone sees the message at `origin`, and others may see its jobs: each job
    then gets a new message.
    A request is `from_program` if no person waits in a conversation: repeated, it is answered from the cache.
    """

    command: str
    raw_options: Mapping[str, Any]
    user: str
    origin: str
    files: Mapping[str, Attachment] = field(default_factory=dict)
    language: Language = "en"
    admin: bool = False
    manages: Callable[[], Awaitable[bool]] = manage_nothing
    private: bool = False
    scope: str = ""
    extra_identities: tuple[str, ...] = ()
    id: str | None = None
    new_message_origin: str = ""
    answers_elsewhere: bool = False
    from_program: bool = False
    reply_token: str = field(default="", repr=False)
    markup: Markup = PLAIN
    user_name: str = ""


@dataclass(frozen=True)
class Button:
    """A button that requests `command` for one job, one of its files, or one question. It still works after a restart.

    `edit` is text for the user to edit first, or to write if it is empty. None if a press needs no text.
    """

    label: str
    command: str
    argument: str
    edit: str | None = None

    @property
    def id(self) -> str:
        """Return the text that stands for the button on its platform, such as `again:3f9a1c20be`."""
        return f"{self.command}:{self.argument}"


@dataclass(frozen=True)
class Reply:
    """An answer that needs no engine. `facts` holds the same for programs: the HTTP API returns it as JSON.

    `jobs` are jobs that were created along with it. Each is shown in a message of its own. `outcome` is the end of an
    earlier job, which is shown in place of all the rest.
    """

    text: str
    media: tuple[Media, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[Button, ...] = ()
    jobs: tuple[Job, ...] = ()
    outcome: Done | Failed | None = None


@dataclass(frozen=True)
class Confirm:
    """A question to answer before `job` and `also_jobs` are created.

    It shows `text`, a button labelled `accept_label`, and one that cancels. The jobs and their files are stored until
    the user who asked answers, for at most `bot.requests.confirmations.CONFIRMATION_SECONDS` seconds.
    """

    text: str
    accept_label: str
    job: Job
    media: tuple[Media, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    also_jobs: tuple[Job, ...] = ()


@dataclass(frozen=True)
class Confirmed:
    """A `question` that its user accepted. Its `jobs` are created in one transaction: all of them or none."""

    question: Question
    jobs: tuple[Job, ...]


Answer = Job | Reply | Confirm | Confirmed


class Replied(Done):
    """The final update of a request that was answered with a `Reply`, without a job."""

    buttons: tuple[Button, ...] = ()
    jobs: tuple[Job, ...] = ()


class ButtonAction(StrEnum):
    """What a press of a button does to the conversation."""

    NEW = "new"
    """The answer is a new message."""
    REPLACE = "replace"
    """The answer replaces the message with the button."""
    DELETE = "delete"
    """The message with the button is deleted once the command succeeds."""
    EDIT = "edit"
    """A text opens for editing. The answer to the edited text is a new message."""


@dataclass(frozen=True)
class ButtonSpec:
    """The button of a command.

    `label` is its text under results; without one it stands only under questions, which label their own buttons.
    It is shown under results whose facts include `required_facts`: once, or once for each file that the command's first
    file option accepts. With `single_file` it is shown only under results of one file. With `without_files` it is also
    shown under results without files. `edited_option` is the text option that the action EDIT opens; the text starts as
    the result's fact of that name, or empty.
    """

    label: str = ""
    required_facts: tuple[str, ...] = ()
    action: ButtonAction = ButtonAction.NEW
    single_file: bool = False
    without_files: bool = False
    edited_option: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError unless the action EDIT and an option to edit come together."""
        if (self.action is ButtonAction.EDIT) != bool(self.edited_option):
            raise ValueError("a button with the action EDIT, and no other, names its edited_option")


@dataclass(frozen=True)
class Command:
    """One command as every platform sees it.

    `rate` is how often each person may use it, unless config.toml says otherwise. None if it is free.
    `route` is its own address in the HTTP API, if it has one; `reports` are addresses that show its facts.
    An `admin` command is for admins only.
    `button` is its button under results or questions, if it has one.
    `menu` is its label in the menu of a picture that somebody posted, on platforms that have such menus.
    A `hidden` command can be reached only through a button.
    An `ephemeral` command's answer is shown only to the user who asked.
    `consent` is the question that a user has to accept before the command's first job for them.
    A command that `may_ask` may answer with a question, that one or another.
    """

    name: str
    description: str
    params: type[TaskParams]
    run: Callable[[Any, Any], Awaitable[Answer]]
    rate: Rate | None = None
    route: Route | None = None
    reports: tuple[Report, ...] = ()
    admin: bool = False
    button: ButtonSpec | None = None
    menu: str = ""
    hidden: bool = False
    ephemeral: bool = False
    consent: str = ""
    may_ask: bool = False

    @property
    def source(self) -> Option | None:
        """Return the file option that takes the result under a button, or the picture under a menu entry."""
        return next((option for option in self.params.options() if option.kind == "media"), None)
