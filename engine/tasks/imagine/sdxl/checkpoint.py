"""Resolves the SDXL checkpoint: the catalogue's, a folder, or a hub repository. Loads nothing heavy."""

import json
from dataclasses import dataclass
from pathlib import Path

from engine.core.protocol import NamedChoice
from engine.core.settings import WorkerSettings
from engine.tasks.backend import Support
from engine.tasks.imagine.sdxl import lora
from engine.tasks.imagine.sdxl.control import controlnet
from engine.weights import fingerprint

LIGHTNING = ("sdxl", "sdxl-lightning", "sdxl-vae-fp16-fix")
"""Catalogue entries in one folder: SDXL, Lightning's UNet for 4 steps, and a VAE that is safe in fp16."""
FEW_STEPS = ("lightning", "turbo", "hyper", "lcm")
"""Words in the repository names of distilled checkpoints."""

MAX_BATCH = 16
"""Jobs in one run: four chunks, so that finished pictures are encoded while the next are drawn."""


@dataclass(frozen=True)
class Checkpoint:
    """`source` is a folder or hub repository. A `distilled` checkpoint takes few steps, trailing timesteps and no
    guidance.
    """

    name: str
    source: str
    distilled: bool

    @property
    def steps(self) -> int:
        """Return the default number of steps."""
        return 4 if self.distilled else 30

    @property
    def guidance(self) -> float:
        """Return the default guidance scale. Source: the model cards of SDXL-Lightning (0) and SDXL 1.0 (5)."""
        return 0.0 if self.distilled else 5.0

    @property
    def local(self) -> bool:
        """Return whether the source is a folder."""
        return Path(self.source).is_dir()


def checkpoint(settings: WorkerSettings, name: str = "") -> Checkpoint:
    """Return the configured checkpoint `name`, or the default one. "auto" and "sdxl" are SDXL-Lightning."""
    named = settings.models.get(f"checkpoint:{name}" if name else "imagine", "auto")
    if named in ("auto", "sdxl"):
        return Checkpoint("sdxl-lightning-4step", str(settings.weights / "sdxl"), distilled=True)
    folder = Path(named).expanduser()
    if folder.is_dir():
        return Checkpoint(fingerprint.name_with_fingerprint(folder), str(folder), _trailing(folder))
    return Checkpoint(named, named, any(word in named.lower() for word in FEW_STEPS))


def support(settings: WorkerSettings) -> Support:
    """Return what the default checkpoint supports.

    Distilled checkpoints draw without guidance, so a negative prompt has no effect, and only they batch jobs.
    """
    chosen = checkpoint(settings)
    return Support(
        unsupported=_find_unsupported_options(chosen),
        max_batch=MAX_BATCH if chosen.distilled else 1,
        choices={
            "model": checkpoints(settings),
            "lora": lora.list_loras(settings),
            "control": controlnet.list_networks(settings),
        },
    )


def checkpoints(settings: WorkerSettings) -> dict[str, NamedChoice]:
    """Return the configured checkpoints by name."""
    names = [key.removeprefix("checkpoint:") for key in settings.models if key.startswith("checkpoint:")]
    found = {name: checkpoint(settings, name) for name in names}
    return {
        name: NamedChoice(identity=each.name, refuses=_find_unsupported_options(each)) for name, each in found.items()
    }


def _find_unsupported_options(chosen: Checkpoint) -> tuple[str, ...]:
    return ("negative", "guidance") if chosen.distilled else ()


def _trailing(folder: Path) -> bool:
    """Return whether the scheduler's configuration says `trailing`, as in checkpoints distilled to few steps."""
    path = folder / "scheduler" / "scheduler_config.json"
    return path.is_file() and json.loads(path.read_text()).get("timestep_spacing") == "trailing"
