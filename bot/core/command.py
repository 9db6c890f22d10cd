"""What users ask for and what answers them: Request, Reply, Ask and Command."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.i18n.translate import Language
from engine.core.job import Done, Job, Media
from engine.core.params import Option, TaskParams
from storage.store import Question


@dataclass(frozen=True)
class Attachment:
    """A file that a person sent, not fetched yet: at `url`, or already on disk at `path`. `url` may hold a token.

    `result` names instead what a job made, as a button does: `3f9a1c20be`, or `3f9a1c20be.2` for its second file; the
    other fields then stand in for it once it is no longer kept here.
    """

    name: str
    size: int | None = None
    url: str | None = field(default=None, repr=False)
    path: Path | None = None
    result: str = ""


@dataclass(frozen=True)
class Request:
    """Untrusted words and attachments. `user` is `"discord:42"`; only the adapter that wrote `origin` reads it back.

    `scope` is the server or group in which it was asked, as `"discord:81384788765712384"`; empty where there is none.
    `admin` rules the studio; who `manages` rules `scope` alone.
    `extra_identities` are further identities that limits count, such as a web user's address. `id` names the message
    that asked, where its platform may tell of it twice. `new_message_origin` is the origin of an answer in a message of
    its own, where `origin` is that of one which takes the place of the message that asked.
    """

    command: str
    raw_options: Mapping[str, Any]
    user: str
    origin: str
    files: Mapping[str, Attachment] = field(default_factory=dict)
    language: Language = "en"
    admin: bool = False
    manages: bool = False
    private: bool = False
    scope: str = ""
    extra_identities: tuple[str, ...] = ()
    id: str | None = None
    new_message_origin: str = ""


@dataclass(frozen=True)
class Button:
    """A press is the request `command` about one job, one file that it made, or one question. It holds after a restart.

    `edit` is a text that the person changes or, where it is empty, writes first; None where a press says all.
    """

    label: str
    command: str
    argument: str
    edit: str | None = None

    @property
    def id(self) -> str:
        return f"{self.command}:{self.argument}"


@dataclass(frozen=True)
class Reply:
    """An answer that needs no engine. `facts` is the same for programs: what the HTTP API returns as JSON.

    `jobs` are the jobs that were made with it, each to be shown in a message of its own.
    """

    text: str
    media: tuple[Media, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[Button, ...] = ()
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True)
class Confirm:
    """A question before `job`, and `also_jobs` of them, are made: `text`, a button that says `accept_label`, and one
    that leaves it.

    Jobs are kept, with their files, until the person who asked presses `accept_label`, once, or for
    `bot.requests.confirmations.CONFIRMATION_SECONDS` seconds.
    """

    text: str
    accept_label: str
    job: Job
    media: tuple[Media, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    also_jobs: tuple[Job, ...] = ()


@dataclass(frozen=True)
class Confirmed:
    """The person's yes to the `question`: its `jobs` as they are made now, all or none of them."""

    question: Question
    jobs: tuple[Job, ...]


Answer = Job | Reply | Confirm | Confirmed


class Replied(Done):
    """A `Reply` on its way to the person: the end of a request that never was a job."""

    buttons: tuple[Button, ...] = ()
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True)
class Command:
    """One command as every platform sees it.

    `button` labels it under results whose facts have the names in `required_facts`: once, or once for each file that
    its first file option accepts. `menu` labels it among what can be done with any picture that somebody posted. A
    `hidden` one is reached by its button alone. A `ephemeral` one answers for the person's eyes only. Where a
    `deletes_message` one succeeds, the message under which it was pressed goes; the answer of a `replaces_message` one
    takes its place. A button that stands `single_file` is there only under a result of a single file.
    A `without_files` one has its button also under a result without files. `edited_option` names the text option whose
    value a press opens for editing, as the result's facts have it under that name; it is empty where they do not.
    `consent` is what a person agrees to before the command's first job for them.
    """

    name: str
    description: str
    params: type[TaskParams]
    run: Callable[[Any, Any], Awaitable[Answer]]
    admin: bool = False
    button: str = ""
    required_facts: tuple[str, ...] = ()
    menu: str = ""
    hidden: bool = False
    ephemeral: bool = False
    deletes_message: bool = False
    replaces_message: bool = False
    single_file: bool = False
    without_files: bool = False
    edited_option: str = ""
    consent: str = ""

    @property
    def source(self) -> Option | None:
        """The file option that a result, or a picture that somebody posted, is given to."""
        return next((option for option in self.params.options() if option.kind == "media"), None)
