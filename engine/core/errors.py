"""The tree of errors.

    AtelierError
    ├── UserError            the user can fix it
    │   ├── BadInput         an option, a word or a file is not valid
    │   ├── RateLimited      too many jobs in the window; `wait` is the seconds until the next one
    │   ├── TooMany          too many of the user's jobs are queued or running
    │   ├── TooLarge         a file or a picture exceeds its limit
    │   └── NotAllowed       the job or the command is not this user's
    ├── JobError             this job failed; the next one is not affected
    │   ├── Cancelled        someone cancelled it
    │   ├── OutOfMemory      it does not fit on the device
    │   ├── Unsafe           a safety check rejected it
    │   ├── TimedOut         it took longer than the configured limit
    │   ├── MissingModel     its weights are missing and cannot be downloaded
    │   └── Broken           a bug in a task; the traceback is only in the log
    ├── EngineDied           the worker process has died or cannot start
    └── Unwritten            the database or the disk cannot be written to for now
        ├── DiskFull         until someone frees some space
        └── Locked           while another program holds the database

An error is an English template and the facts that fill it, so it can cross a process and be translated:

    raise TooLarge("{file} is {size:bytes}; the limit is {limit:bytes}.", file="a.png", size=64e6, limit=25e6)

A sentence that states a count has a plural too:

    raise TooMany("{count} job is waiting.", plural="{count} jobs are waiting.", count=3)
"""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from engine.core.message_format import ENGLISH


class UserMessage(BaseModel):
    """A message for a user: an English `template` with `{names}`, and the `facts` that fill them.

    `engine.core.message_format` says how a template shows numbers. If the message states a count, `plural` is the
    template for every `count` in its facts but 1.
    """

    model_config = ConfigDict(frozen=True)

    template: str
    facts: dict[str, str | int | float] = {}
    plural: str = ""

    def __str__(self) -> str:
        is_plural = self.plural and self.facts["count"] != 1
        return ENGLISH.format(self.plural if is_plural else self.template, **self.facts)


class AtelierError(Exception):
    """Base of all our errors. `str(error)` can be shown to a user, and says what to do next."""

    kinds: ClassVar[dict[str, type["AtelierError"]]] = {}

    def __init_subclass__(cls) -> None:
        AtelierError.kinds[cls.__name__] = cls

    def __init__(self, template: str, /, *, plural: str = "", **facts: str | float) -> None:
        clean = {name: _replace_surrogates(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
        super().__init__(template, clean)
        self.sentence = UserMessage(template=template, facts=clean, plural=plural)

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def kind(self) -> str:
        """Return the class's name, which identifies the error on the wire, in the database and in the HTTP API."""
        return type(self).__name__

    @classmethod
    def of(cls, sentence: UserMessage) -> Self:
        """Return an error of this class that says `sentence`."""
        return cls(sentence.template, plural=sentence.plural, **sentence.facts)

    @staticmethod
    def revive(kind: str, sentence: UserMessage) -> "AtelierError":
        """Rebuild an error from its `kind` and `sentence`. Raises KeyError if no class has that name."""
        return AtelierError.kinds[kind].of(sentence)


def _replace_surrogates(text: str) -> str:
    """Replace each lone surrogate with "?", because no file, database or platform accepts one."""
    return text.encode(errors="replace").decode()


class UserError(AtelierError):
    """The user can fix this."""


class BadInput(UserError):
    """An option, a word or a file is not valid. The message names the option, the value and the bound."""


class RateLimited(UserError):
    """The user has started too many jobs in the window of a rate limit."""

    @property
    def wait(self) -> float:
        """Return the seconds until the user may start another job."""
        return float(self.sentence.facts["wait"])


class TooMany(UserError):
    """Too many of the user's jobs are queued or running."""


class TooLarge(UserError):
    """A file or a picture exceeds its limit."""


class NotAllowed(UserError):
    """The job belongs to someone else, or the command is for admins."""


class JobError(AtelierError):
    """This job failed. The worker survives and runs the next one."""


class Cancelled(JobError):
    """Someone cancelled the job."""


class OutOfMemory(JobError):
    """The job does not fit in the device's memory."""


class Unsafe(JobError):
    """A safety check rejected the job."""


class TimedOut(JobError):
    """The job took longer than the configured limit."""


class MissingModel(JobError):
    """The weights are missing and cannot be downloaded. The message says how to get them."""


class Broken(JobError):
    """A bug in a task. The traceback is in the log, never in the chat."""


class EngineDied(AtelierError):
    """The worker process has died, or cannot start."""


class Unwritten(AtelierError):
    """The database or the disk cannot be written to for now."""


class DiskFull(Unwritten):
    """The disk is full, until someone frees some space."""


class Locked(Unwritten):
    """Another program, such as a backup, holds the database."""


def disk_full() -> DiskFull:
    """Return the error for a write that failed because the disk is full."""
    return DiskFull("The studio's disk is full. Ask an admin to free some space, then try again.")


def crashed_twice() -> EngineDied:
    """Return the error for a job whose worker died in both of its runs, so that the job is the likely cause."""
    return EngineDied("The engine died twice while running this job, so it will not be tried again. Try other options.")


def out_of_memory(error: Exception) -> bool:
    """Return whether `error` means that memory ran out, on the host or on the device.

    Torch's exception is matched by name, because torch may not be installed. Memory that torch does not allocate itself
    is recognised by the message: CUDA graph capture, cuBLAS and cuDNN, and ONNX Runtime's wrapped `bad_alloc`.
    """
    message = str(error)
    phrases = ("bad_alloc", "CUDA error: out of memory", "_ALLOC_FAILED")
    has_type = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return has_type or any(phrase in message for phrase in phrases)
