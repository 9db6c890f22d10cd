"""The way of a setting from config.toml to a worker."""

from pathlib import Path

from bot.__main__ import host_settings
from bot.commands import COMMANDS
from bot.config.sections import EngineSection
from bot.config.settings import load
from engine.core.protocol import encode_line
from engine.core.settings import WorkerSettings

CONFIG = """
engine.device = "cpu"
engine.memory = "2GB"
engine.idle = "90s"
engine.timeout = "3m"
media.max_pixels = 1000
models.accept_noncommercial_weights = true
models.imagine = "pocket"
"""


def test_settings_reach_the_worker_through_one_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"bot.data_dir = '{tmp_path}'\n{CONFIG}")
    host = host_settings(load(path, {}, COMMANDS))
    worker = WorkerSettings.model_validate_json(encode_line(host.for_worker("cpu", ["echo"])))
    assert (host.devices, host.timeout, host.cpu_lane) == (("cpu",), 180, True)
    assert (worker.device, worker.tasks, worker.folder) == ("cpu", ("echo",), tmp_path)
    assert (worker.memory, worker.idle, worker.max_pixels) == (2_000_000_000, 90, 1000)
    assert worker.noncommercial
    assert worker.models["imagine"] == "pocket"


def test_defaults_of_the_engine_section_and_of_a_worker_agree() -> None:
    shared = [name for name in EngineSection.model_fields if name in WorkerSettings.model_fields and name != "device"]
    assert {"memory", "idle"} <= set(shared)
    section, worker = EngineSection(), WorkerSettings()
    assert [getattr(section, name) for name in shared] == [getattr(worker, name) for name in shared]
