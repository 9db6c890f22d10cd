"""What commands see of the application: one Protocol for each kind of command. `AppContext` implements all of them.

A command names the Protocol that it needs in the type of its call, such as `Call[ResultReader]`. What only one command
needs is declared beside that command.
"""

from collections.abc import Mapping, MutableMapping
from typing import Protocol

from bot.app import Prompt
from bot.config.sections import BotSection, Role
from bot.core.command import Command
from bot.jobs.coalescing import JobCoalescer
from engine.core.job import Job, Media
from engine.core.protocol import Capability
from engine.host.engine import Mode
from storage.store import Consent, JobRecord, Question, Rate


class Models(Protocol):
    """The part of the engine that knows which models do its tasks."""

    @property
    def mode(self) -> Mode:
        """Return whether jobs start and whether new ones are accepted."""

    async def service(self, task: str) -> Capability:
        """Return the backend that does `task`. Raises EngineDied if none can."""


class Roles(Protocol):
    """The part of the settings that knows what each user may use."""

    def role(self, user: str, *, admin: bool) -> Role:
        """Return the role of the user."""


class JobBuilder(Protocol):
    """What a command needs to build a job."""

    @property
    def settings(self) -> Roles:
        """Return the roles."""

    @property
    def engine(self) -> Models:
        """Return the models."""


class JobReader(Protocol):
    """The part of the store that reads jobs."""

    async def job(self, job_id: str) -> JobRecord | None:
        """Return the row of a job, or None."""

    async def jobs_of(self, user: str) -> list[JobRecord]:
        """Return the rows of the user's unfinished jobs."""

    async def finished_jobs_of(self, user: str, seconds: float, count: int) -> list[JobRecord]:
        """Return the user's last `count` jobs of the last `seconds` that have a result, newest first."""


class FileChecker(Protocol):
    """The part of the media folder that checks files."""

    def intact(self, media: Media) -> bool:
        """Return whether the file exists and still has the content of its hash."""


class StoredResults(Protocol):
    """What a command needs to read the results of jobs."""

    @property
    def store(self) -> JobReader:
        """Return the rows of jobs."""

    @property
    def files(self) -> FileChecker:
        """Return the media folder."""


class ResultReader(JobBuilder, StoredResults, Protocol):
    """What a command needs to build a job from the result of an earlier one."""


class QuestionStore(JobReader, Protocol):
    """The part of the store that holds questions and consent."""

    async def add_question(self, question: Question) -> None:
        """Store an open question."""

    async def get_question(self, name: str) -> Question | None:
        """Return an open question, or None."""

    async def delete_question(self, name: str) -> bool:
        """Close a question. Returns False if it is not open."""

    async def add_consent(self, job: Job, statement: str) -> None:
        """Record that the job's user accepted the statement of this hash."""

    async def find_consent(self, user: str, command: str, statement: str) -> Consent | None:
        """Return when the user accepted the statement of this hash, or None."""


class CommandFinder(Protocol):
    """What is needed to find a command by its name."""

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return all commands."""

    def command(self, name: str) -> Command | None:
        """Return the command of this name, or None."""


class QuestionKeeper(ResultReader, CommandFinder, Protocol):
    """What a command needs to ask, and to act on the answer."""

    @property
    def store(self) -> QuestionStore:
        """Return the questions and the consent."""


class PromptSettings(Roles, Protocol):
    """The part of the settings that concerns prompts."""

    @property
    def bot(self) -> BotSection:
        """Return the folders, with that of the wildcard lists."""

    @property
    def styles(self) -> Mapping[str, str]:
        """Return the template of each of the owner's styles."""


class PromptStore(JobReader, Protocol):
    """The part of the store that remembers whether magic is always on."""

    async def get_note(self, name: str) -> str | None:
        """Return a note, or None."""

    async def set_note(self, name: str, value: str) -> None:
        """Store a note."""


class PromptWriter(ResultReader, Protocol):
    """What a command needs to expand a prompt and to let magic write it."""

    @property
    def settings(self) -> PromptSettings:
        """Return the roles, the styles and the folder of the wildcard lists."""

    @property
    def store(self) -> PromptStore:
        """Return the notes."""

    @property
    def coalescer(self) -> JobCoalescer:
        """Return what runs magic while the user waits."""

    @property
    def prompts(self) -> MutableMapping[str, Prompt]:
        """Return the newest prompts, by the key of the job that wrote them."""

    @property
    def rates(self) -> Mapping[str, Rate | None]:
        """Return the rate of each limited command."""
