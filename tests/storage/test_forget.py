"""Erasing the result of a job without deleting it for other jobs."""

from pathlib import Path

import pytest

from engine.core.job import Job, Result
from engine.media.files import keep
from storage.store import Store
from tests.fakes import echo


async def run_job(store: Store, folder: Path, user: str = "web:a", words: str = "hello") -> tuple[Job, Result]:
    """Run a job that makes a file, or that is answered from the cache."""
    job = echo(user, text=words)
    cached = await store.admit(job)
    if cached is not None:
        return job, cached
    await store.start(job.id, "cpu")
    result = Result(media=(keep(words.encode(), folder, ".txt"),), text=words)
    await store.finish(job.id, result, 1)
    return job, result


async def test_the_parameters_the_files_and_the_cache_entry_are_deleted(store: Store, tmp_path: Path) -> None:
    job, result = await run_job(store, tmp_path)
    await store.forget(job.id)
    row = await store.job(job.id)
    assert row is not None
    assert row.result is not None
    assert (row.job.params, row.result.text, row.result.media, row.result.facts) == ({}, "", (), {})
    assert not result.media[0].path.exists()
    assert (await store.cache_stats()).entries == 0
    assert await store.admit(echo("web:b", text="hello")) is None


async def test_a_shared_result_stays_until_its_last_job_is_forgotten(store: Store, tmp_path: Path) -> None:
    first, result = await run_job(store, tmp_path)
    second, _ = await run_job(store, tmp_path, "web:b")
    await store.forget(first.id)
    assert result.media[0].path.exists()
    assert (await store.cache_stats()).entries == 1
    await store.forget(second.id)
    assert not result.media[0].path.exists()


async def test_a_file_of_another_result_stays(store: Store, tmp_path: Path) -> None:
    job, result = await run_job(store, tmp_path)
    other = echo("web:b", text="another way to the same")
    await store.admit(other)
    await store.start(other.id, "cpu")
    await store.finish(other.id, result, 1)
    await store.forget(job.id)
    assert result.media[0].path.exists()


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_a_job_that_has_not_ended_is_not_changed(store: Store, state: str) -> None:
    job = echo()
    await store.admit(job)
    if state == "running":
        await store.start(job.id, "cpu")
    await store.forget(job.id)
    row = await store.job(job.id)
    assert row is not None
    assert (row.state, row.job.params["text"]) == (state, "")
    assert row.job.key


async def test_forgetting_twice_or_an_unknown_job_changes_nothing(store: Store, tmp_path: Path) -> None:
    job, _ = await run_job(store, tmp_path)
    await store.forget(job.id)
    await store.forget(job.id)
    await store.forget("nothing")
    assert (await store.cache_stats()).entries == 0
