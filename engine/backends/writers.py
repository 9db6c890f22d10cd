"""Who writes prompts: the choice between a causal language model (full tier) and the grammar (embedded)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.backends.magic.grammar import write
from engine.errors import Sentence
from engine.job import Fact
from engine.task import EngineSettings
from engine.wire import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.tasks.magic import Params

    Report = Callable[[str, float], None]

VERSION = 1
"""Of the task: raised when the same parameters would come out differently."""


@dataclass(frozen=True)
class Writing:
    """A prompt, the style that it is in, and what a person should know of it."""

    prompt: str
    style: str
    notes: tuple[Sentence, ...] = ()
    facts: dict[str, Fact] | None = None


class Writer(Protocol):
    """What writes. `report(stage, fraction)` raises when the job was cancelled."""

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...

    def write(self, params: "Params", report: "Report") -> Writing: ...


class GrammarWriter:
    """The grammar holds nothing but its lexicon."""

    size = 0

    def close(self) -> None:
        """Nothing to give back."""

    def write(self, params: "Params", report: "Report") -> Writing:  # noqa: ARG002  # done before anything can be told
        written = write(params.idea, params.seed or 0, params.style, params.language, short=params.short)
        return Writing(written.prompt, written.style, style_notes(params.style, written.style))


def style_notes(wanted: str, style: str) -> tuple[Sentence, ...]:
    """That the idea's own medium went before the style that was asked for."""
    if wanted in ("auto", style):
        return ()
    template = "The idea itself says {style}, so style {wanted} was left out."
    return (Sentence(template=template, facts={"style": style, "wanted": wanted}),)


def choose(settings: EngineSettings) -> Service:
    wanted = settings.models.get("magic", "auto")
    template = "config.toml asks for it." if wanted == "grammar" else "The grammar writes the prompts."
    return _service("grammar", "embedded", "grammar", Sentence(template=template))


def load(_: EngineSettings) -> Writer:
    return GrammarWriter()


def _service(backend: str, tier: str, model: str, why: Sentence) -> Service:
    return Service.model_validate(
        {"task": "magic", "version": VERSION, "backend": backend, "tier": tier, "model": model, "why": why}
    )
