"""Choose between a causal language model (full tier) and the grammar (embedded tier) for writing prompts."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend, Backends
from engine.tasks.magic.contract import Report, Writer, Writing, style_notes
from engine.tasks.magic.grammar.grammar import write
from engine.weights import fingerprint, registry

if TYPE_CHECKING:
    from engine.tasks.magic.params import Params

VERSION = 4
"""Version of the task. Raise it when the same parameters would give another prompt."""
WEIGHT = registry.find_weight("magicprompt")
MAGIC_PROMPT = WEIGHT.hub.hub
"""The hub repository that `auto` uses once it has been downloaded to the `hub` folder of the weights."""


class GrammarWriter:
    """Writes prompts with the grammar, which needs no memory besides its lexicon."""

    size = 0

    def close(self) -> None:
        """Do nothing, since there is nothing to release."""

    def write(self, params: "Params", report: Report) -> Writing:  # noqa: ARG002  # done before anything can be told
        """Return a prompt written by the grammar. It is too quick to report progress."""
        written = write(params.idea, params.seed or 0, params.style, params.language, short=params.short)
        return Writing(written.prompt, written.style, style_notes(params.style, written.style))


def _source(settings: WorkerSettings) -> str:
    """Return the folder or repository of the language model."""
    named = settings.models.get("magic", "auto")
    folder = Path(named).expanduser()
    return MAGIC_PROMPT if named == "auto" else str(folder) if folder.is_dir() else named


def _identity(settings: WorkerSettings) -> str:
    source = _source(settings)
    return fingerprint.name_with_fingerprint(Path(source)) if Path(source).is_dir() else source


def _has_magic_prompt(settings: WorkerSettings) -> bool:
    """Return whether MagicPrompt's files are here, whether we or the library fetched them."""
    files = {path.name for path in WEIGHT.path(settings.weights).glob("*")}
    return {"config.json", "tokenizer.json"} <= files and any(name.endswith((".bin", ".safetensors")) for name in files)


def _load_language_model(settings: WorkerSettings) -> Writer:
    from engine.tasks.magic.language_model import LanguageModelWriter  # loads torch

    source, cache = _source(settings), settings.weights / registry.HUB
    if source != MAGIC_PROMPT:
        return LanguageModelWriter(source, _identity(settings), cache)
    # From the fetched folder it loads without asking the hub.
    local = str(WEIGHT.path(settings.weights)) if _has_magic_prompt(settings) else source
    return LanguageModelWriter(local, _identity(settings), cache, WEIGHT.hub.revision)


LANGUAGE_MODEL = Backend(
    name="transformers",
    title="MagicPrompt",
    tier="full",
    requirements=("torch", "transformers"),
    weights=(WEIGHT.name,),
    has_weights=_has_magic_prompt,
    identity=_identity,
    load=_load_language_model,
)
GRAMMAR = Backend(
    name="grammar", title="grammar", tier="embedded", identity=lambda _: "grammar", load=lambda _: GrammarWriter()
)

BACKENDS = Backends("magic", VERSION, (LANGUAGE_MODEL, GRAMMAR))
choose, load = BACKENDS.choose, BACKENDS.load
