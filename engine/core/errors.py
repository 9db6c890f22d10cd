"""Everything that can go wrong, as one tree.

    AtelierError
    ├── UserError            the person can mend it
    │   ├── BadInput         an option, a word or a file that does not fit
    │   ├── RateLimited      too many jobs in the window; `wait` says how long
    │   ├── TooMany          too many jobs of the person wait or run
    │   ├── TooLarge         a file or a picture over its bound
    │   └── NotAllowed       not yours, or for admins only
    ├── JobError             this job failed; the next one is fine
    │   ├── Cancelled        somebody ended it on purpose
    │   ├── OutOfMemory      the device could not hold it
    │   ├── Unsafe           refused by a safety check
    │   ├── TimedOut         it took longer than the configured limit
    │   ├── MissingModel     weights are not there and cannot be had
    │   └── Broken           a fault in a task: ours to mend, told without its traceback
    ├── EngineDied           the worker process is gone or cannot start
    └── Unwritten            nothing can be written down for now
        ├── DiskFull         until somebody makes room
        └── Locked           while another program holds the database

An error is an English template and the facts that fill it, so that it can cross a process and be said in any language.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class UserMessage(BaseModel):
    """One thing to say to a person: `template` is English with `{names}`, `facts` fills the names."""

    model_config = ConfigDict(frozen=True)

    template: str
    facts: dict[str, str | int | float] = {}

    def __str__(self) -> str:
        return self.template.format(**self.facts)


class AtelierError(Exception):
    """The root. `str(error)` is fit to show a person and says what to do next."""

    kinds: ClassVar[dict[str, type["AtelierError"]]] = {}

    def __init_subclass__(cls) -> None:
        AtelierError.kinds[cls.__name__] = cls

    def __init__(self, template: str, /, **facts: str | float) -> None:
        whole = {name: _whole(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
        super().__init__(template, whole)
        self.sentence = UserMessage(template=template, facts=whole)

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def kind(self) -> str:
        """The class's name: what the wire, the database and the HTTP API call this error."""
        return type(self).__name__

    @staticmethod
    def revive(kind: str, sentence: UserMessage) -> "AtelierError":
        """The error again, from what `kind` and `sentence` said of it in another process or an earlier run."""
        return AtelierError.kinds[kind](sentence.template, **sentence.facts)


def _whole(text: str) -> str:
    """Return the text with a ? for each lone surrogate, which no file, database or platform takes."""
    return text.encode(errors="replace").decode()


class UserError(AtelierError):
    """The person can mend it."""


class BadInput(UserError):
    """An option, a word or a file that does not fit. Names the option, the value and the bound."""


class RateLimited(UserError):
    """Too many jobs in the window. `wait` is in seconds."""

    @property
    def wait(self) -> float:
        return float(self.sentence.facts["wait"])


class TooMany(UserError):
    """Too many jobs of the person wait or run already."""


class TooLarge(UserError):
    """A file or a picture over its bound."""


class NotAllowed(UserError):
    """Not the person's own, or for admins only."""


class JobError(AtelierError):
    """This job failed; the worker lives and the next job runs."""


class Cancelled(JobError):
    """Somebody ended the job on purpose."""


class OutOfMemory(JobError):
    """The device could not hold the job."""


class Unsafe(JobError):
    """Refused by a safety check."""


class TimedOut(JobError):
    """The job took longer than the configured limit."""


class MissingModel(JobError):
    """Weights are not there and cannot be had. Says how to get them."""


class Broken(JobError):
    """A fault in a task. The traceback is in the log, never in the chat."""


class EngineDied(AtelierError):
    """The worker process is gone, or cannot start."""


class Unwritten(AtelierError):
    """Nothing can be written down for now."""


class DiskFull(Unwritten):
    """Until somebody makes room."""


class Locked(Unwritten):
    """While another program holds the database, as a backup may."""


def disk_full() -> DiskFull:
    return DiskFull("The studio's disk is full. Ask an admin to make room, then try again.")


def out_of_memory(error: Exception) -> bool:
    """Torch's error by name, since it may not be installed; what it did not allocate itself it tells in words.

    A graph that is being captured, cuBLAS and cuDNN take memory of their own; ONNX Runtime wraps `bad_alloc`.
    """
    said = str(error)
    words = ("bad_alloc", "CUDA error: out of memory", "_ALLOC_FAILED")
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or any(each in said for each in words)
