"""The choice among a task's backends, and the family of image checkpoints."""

import json
from pathlib import Path

import pytest

from engine.core.errors import MissingModel
from engine.core.protocol import Capability
from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend, Backends
from engine.tasks.imagine import backends as imagine
from engine.weights import model_index

LARGE = Backend(
    name="large",
    title="Large",
    tier="full",
    aliases=("big",),
    requirements=("json",),
    weights=("realesr-animevideov3.pth",),
    needs_gpu=True,
    identity=lambda _: "large-1",
    load=lambda _: "large",
)
TINY = Backend(name="tiny", title="Tiny", tier="embedded", identity=lambda _: "tiny-1", load=lambda _: "tiny")
TASK = Backends("draw", 7, (LARGE, TINY))


def settings(folder: Path, wanted: str = "auto", device: str = "cpu", task: str = "draw") -> WorkerSettings:
    return WorkerSettings(device=device, folder=folder, memory=10**9, models={task: wanted})


def choice(capability: Capability) -> tuple[str, str]:
    return capability.backend, str(capability.why)


@pytest.fixture(autouse=True)
def _empty_weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def save_checkpoint(folder: Path, class_name: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": class_name}))
    return folder


def save_repository(cache: Path, class_name: str) -> str:
    """Put a repository into the hub's cache, as the hub's library does."""
    home = cache / "models--someone--model"
    save_checkpoint(home / "snapshots" / "abc", class_name)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("abc")
    return "someone/model"


def test_auto_takes_the_first_backend_that_can_run(tmp_path: Path) -> None:
    assert choice(TASK.choose(settings(tmp_path))) == ("tiny", "Large needs an NVIDIA GPU, and none was found.")
    name, reason = choice(TASK.choose(settings(tmp_path, device="cuda:0")))
    assert name == "tiny"
    assert "--fetch realesr-animevideov3.pth, then restart" in reason
    without_json = Backends("draw", 7, (Backend(**{**vars(LARGE), "requirements": ("no_such_module",)}), TINY))
    assert "scripts/setup --full" in choice(without_json.choose(settings(tmp_path, device="cuda:0")))[1]
    installed = Backends("draw", 7, (Backend(**{**vars(LARGE), "weights": ()}), TINY))
    assert choice(installed.choose(settings(tmp_path, device="cuda:0"))) == ("large", "Large is installed.")


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("tiny", "tiny"), ("large", "large"), ("big", "large"), ("/x", "large")]
)
def test_config_toml_names_a_backend_or_other_weights_for_the_first(tmp_path: Path, wanted: str, chosen: str) -> None:
    asked = settings(tmp_path, wanted)
    assert choice(TASK.choose(asked)) == (chosen, "Chosen in config.toml.")
    assert TASK.load(asked) == chosen


def test_a_named_embedded_backend_without_weights_gives_way_to_the_next(tmp_path: Path) -> None:
    small = Backend(**{**vars(TINY), "name": "small", "title": "Small", "weights": ("minilm",)})
    name, reason = choice(Backends("draw", 7, (LARGE, small, TINY)).choose(settings(tmp_path, "small")))
    assert (name, "The weights of Small are missing" in reason) == ("tiny", True)


def test_noncommercial_weights_wait_for_the_owner_to_accept_them(tmp_path: Path) -> None:
    licensed = Backends("draw", 7, (Backend(**{**vars(LARGE), "weights": (), "noncommercial": True}), TINY))
    refused = settings(tmp_path, device="cuda:0")
    assert "models.accept_noncommercial_weights = true" in choice(licensed.choose(refused))[1]
    accepted = WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9, noncommercial=True)
    assert choice(licensed.choose(accepted))[0] == "large"


@pytest.mark.parametrize("family", ["FluxPipeline", "StableDiffusionPipeline", "StableDiffusionXLInpaintPipeline"])
def test_an_image_checkpoint_of_another_family_is_refused_by_its_family(tmp_path: Path, family: str) -> None:
    folder = save_checkpoint(tmp_path / "mine", family)
    with pytest.raises(MissingModel, match=f"^mine cannot be used: it is a {family}, and only SDXL is supported"):
        imagine.load(settings(tmp_path, str(folder), task="imagine"))


def test_a_repository_of_another_family_is_refused_by_its_family(tmp_path: Path) -> None:
    repository = save_repository(tmp_path / "weights" / "hub", "FluxPipeline")
    with pytest.raises(MissingModel, match=r"^someone/model cannot be used: it is a FluxPipeline"):
        imagine.load(settings(tmp_path, repository, task="imagine"))


def test_the_family_of_a_checkpoint_picks_its_backend(tmp_path: Path) -> None:
    flux = Backend(**{**vars(TINY), "name": "flux", "tier": "full", "families": ("FluxPipeline",)})
    task = Backends("imagine", 1, (imagine.SDXL, flux, imagine.POCKET))
    for source in (
        str(save_checkpoint(tmp_path / "mine", "FluxPipeline")),
        save_repository(tmp_path / "weights" / "hub", "FluxPipeline"),
    ):
        assert task.choose(settings(tmp_path, source, task="imagine")).backend == "flux"
        assert task.load(settings(tmp_path, source, task="imagine")) == "tiny"


@pytest.mark.parametrize("index", [b"", b"{", b"[]", b"[" * 90_000, b"\xff", b'{"_class_name": ["x"]}', b" " * 200_000])
def test_an_index_that_names_no_family_leaves_the_fault_to_the_loader(tmp_path: Path, index: bytes) -> None:
    (tmp_path / "model_index.json").write_bytes(index)
    assert model_index.cached_family(str(tmp_path), tmp_path) == ""
    assert model_index.fetch_family(str(tmp_path), tmp_path) == ""


def test_a_repository_that_the_hub_does_not_give_has_no_family(tmp_path: Path) -> None:
    for name in ("someone/absent", "not//a:repository"):
        assert model_index.cached_family(name, tmp_path) == ""
        assert model_index.fetch_family(name, tmp_path) == ""
