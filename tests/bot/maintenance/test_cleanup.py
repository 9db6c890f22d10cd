"""Clean-up with the real store and real files."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import AppContext
from bot.config.sections import BotSection
from bot.config.settings import Settings
from bot.maintenance.cleanup import clean_up
from engine.core.errors import Cancelled, disk_full
from engine.core.job import Failed, Result
from engine.core.settings import WorkerSettings
from engine.core.stage_store import FOLDER, StageStore
from engine.host.engine import Engine, HostSettings
from engine.media.files import keep
from storage.files import Files
from storage.store import Store
from tests.fakes import echo


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[AppContext]:
    settings = Settings(bot=BotSection(data_dir=tmp_path))
    files = Files(tmp_path / "media", max_bytes=1000, max_pixels=1000)
    async with Store.open(":memory:") as store:
        yield AppContext(
            settings, store, files, Engine(HostSettings(devices=(), worker=WorkerSettings(folder=tmp_path))), ()
        )


def make_older(path: Path, seconds: float) -> Path:
    """Create the file if it is missing, and make its modification time `seconds` older."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.read_bytes() if path.exists() else b"x")
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))
    return path


async def test_old_previews_and_uploads_are_deleted_and_results_stay(studio: AppContext, tmp_path: Path) -> None:
    old, new = make_older(tmp_path / "previews" / "1.webp", 700), make_older(tmp_path / "previews" / "2.webp", 0)
    upload, result = (keep(content, tmp_path / "media", ".bin") for content in (b"upload", b"result"))
    job = echo()
    await studio.store.admit(job)
    await studio.store.start(job.id, "cpu")
    await studio.store.finish(job.id, Result(media=(result,)), 0.1)
    for media in (upload, result):
        make_older(media.path, 4000)
    await clean_up(studio)
    assert (old.exists(), new.exists()) == (False, True)
    assert (upload.path.exists(), result.path.exists()) == (False, True)


async def test_old_temporary_files_of_killed_workers_are_deleted(studio: AppContext, tmp_path: Path) -> None:
    left, used = tmp_path / "scratch" / "a-1", tmp_path / "scratch" / "b-2"
    for folder in (left, used):
        folder.mkdir(parents=True)
        (folder / "film.mp4").write_bytes(b"x")
    then = left.stat().st_mtime - studio.settings.engine.timeout - 700
    os.utime(left, (then, then))
    await clean_up(studio)
    assert (left.exists(), used.exists()) == (False, True)


async def test_files_of_stages_stay_until_the_job_ends(studio: AppContext, tmp_path: Path) -> None:
    job, made = echo(), keep(b"stage", tmp_path / "media", ".bin")
    await studio.store.admit(job)
    StageStore(tmp_path, job.id).save("first", Result(media=(made,)))
    make_older(made.path, 4000)
    await clean_up(studio)
    assert StageStore(tmp_path, job.id).load("first") == Result(media=(made,))
    await studio.store.abandon(job.id, Failed.of(Cancelled("Cancelled."), job.id))
    await clean_up(studio)
    assert not (tmp_path / "stages" / job.id).exists()
    assert not made.path.exists()


async def test_files_are_deleted_even_if_a_full_disk_accepts_no_rows(
    studio: AppContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> None:
        raise disk_full()

    monkeypatch.setattr(studio.store, "delete_expired", full)
    upload = keep(b"upload", tmp_path / "media", ".bin")
    make_older(upload.path, 4000)
    await clean_up(studio)
    assert not upload.path.exists()


async def test_a_step_that_failed_is_tried_again(studio: AppContext, tmp_path: Path) -> None:
    in_the_way, upload = make_older(tmp_path / FOLDER / "stray", 0), keep(b"upload", tmp_path / "media", ".bin")
    make_older(upload.path, 4000)
    await clean_up(studio)
    assert upload.path.exists()
    in_the_way.unlink()
    await clean_up(studio)
    assert not upload.path.exists()
