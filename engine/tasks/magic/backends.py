"""Who writes prompts: the choice between a causal language model (full tier) and the grammar (embedded)."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.core.errors import UserMessage
from engine.core.protocol import Capability
from engine.core.task import EngineSettings
from engine.tasks.magic.contract import Report, Writer, Writing, style_notes
from engine.tasks.magic.grammar.grammar import write
from engine.weights import fingerprint, registry

if TYPE_CHECKING:
    from engine.tasks.magic.params import Params

VERSION = 4
"""Of the task: raised when the same parameters would come out differently."""
WEIGHT = registry.find_weight("magicprompt")
MAGIC_PROMPT = WEIGHT.hub.hub
"""The repository that `auto` takes where it has been fetched, under the weights' `hub` folder."""


class GrammarWriter:
    """The grammar holds nothing but its lexicon."""

    size = 0

    def close(self) -> None:
        """Nothing to give back."""

    def write(self, params: "Params", report: Report) -> Writing:  # noqa: ARG002  # done before anything can be told
        written = write(params.idea, params.seed or 0, params.style, params.language, short=params.short)
        return Writing(written.prompt, written.style, style_notes(params.style, written.style))


def choose(settings: EngineSettings) -> Capability:
    """The backend for `magic`: what the owner named; for `auto` MagicPrompt where libraries and weights are here."""
    wanted = settings.models.get("magic", "auto")
    if wanted == "auto":
        obstacle = _obstacle(settings)
        if obstacle is None:
            return _by_model(settings, UserMessage(template="MagicPrompt and torch are here."))
        return _service("grammar", "embedded", "grammar", obstacle)
    asked = UserMessage(template="config.toml asks for it.")
    return _service("grammar", "embedded", "grammar", asked) if wanted == "grammar" else _by_model(settings, asked)


def load(settings: EngineSettings) -> Writer:
    """The writer that `choose` names. Raises MissingModel."""
    chosen = choose(settings)
    if chosen.backend == "grammar":
        return GrammarWriter()
    from engine.tasks.magic.language_model import LanguageModelWriter  # loads torch

    source, place = _source(settings), settings.weights / registry.HUB
    if source != MAGIC_PROMPT:
        return LanguageModelWriter(source, chosen.model, place)
    fetched = WEIGHT.path(settings.weights)  # read there, nothing is asked of the hub
    held = str(fetched) if _has_files(settings) else source
    return LanguageModelWriter(held, chosen.model, place, WEIGHT.hub.revision)


def _source(settings: EngineSettings) -> str:
    named = settings.models.get("magic", "auto")
    folder = Path(named).expanduser()
    return MAGIC_PROMPT if named == "auto" else str(folder) if folder.is_dir() else named


def _by_model(settings: EngineSettings, why: UserMessage) -> Capability:
    source = _source(settings)
    folder = Path(source)
    name = fingerprint.name_with_fingerprint(folder) if folder.is_dir() else source
    return _service("transformers", "full", name, why)


def _obstacle(settings: EngineSettings) -> UserMessage | None:
    if any(find_spec(name) is None for name in ("torch", "transformers")):
        return UserMessage(template="torch is not installed, so the grammar writes. Run scripts/setup --full.")
    if _has_files(settings):
        return None
    template = 'MagicPrompt is not here, so the grammar writes. Set models.magic = "{name}" to fetch it.'
    return UserMessage(template=template, facts={"name": MAGIC_PROMPT})


def _has_files(settings: EngineSettings) -> bool:
    """Also by the library itself, at MagicPrompt's first use."""
    files = {path.name for path in WEIGHT.path(settings.weights).glob("*")}
    return {"config.json", "tokenizer.json"} <= files and any(name.endswith((".bin", ".safetensors")) for name in files)


def _service(backend: str, tier: Literal["full", "embedded"], model: str, why: UserMessage) -> Capability:
    return Capability(task="magic", version=VERSION, backend=backend, tier=tier, model=model, why=why)
