"""Forgetting what a job made, without taking it from anybody else."""

from pathlib import Path

import pytest

from engine.core.job import Job, Result
from engine.media.files import keep
from storage.store import Store
from tests.fakes import echo


async def made(store: Store, folder: Path, user: str = "web:a", words: str = "hello") -> tuple[Job, Result]:
    """A job that made a file, or that was given what another made."""
    job = echo(user, text=words)
    cached = await store.admit(job)
    if cached is not None:
        return job, cached
    await store.start(job.id, "cpu")
    result = Result(media=(keep(words.encode(), folder, ".txt"),), text=words)
    await store.finish(job.id, result, 1)
    return job, result


async def test_words_options_files_and_the_caches_entry_go(store: Store, tmp_path: Path) -> None:
    job, result = await made(store, tmp_path)
    await store.forget(job.id)
    row = await store.job(job.id)
    assert row is not None
    assert row.result is not None
    assert (row.job.params, row.result.text, row.result.media, row.result.facts) == ({}, "", (), {})
    assert not result.media[0].path.exists()
    assert (await store.cache_stats()).entries == 0
    assert await store.admit(echo("web:b", text="hello")) is None


async def test_what_somebody_else_was_given_too_stays_until_the_last_forgets_it(store: Store, tmp_path: Path) -> None:
    first, result = await made(store, tmp_path)
    second, _ = await made(store, tmp_path, "web:b")
    await store.forget(first.id)
    assert result.media[0].path.exists()
    assert (await store.cache_stats()).entries == 1
    await store.forget(second.id)
    assert not result.media[0].path.exists()


async def test_a_file_that_another_result_names_stays(store: Store, tmp_path: Path) -> None:
    job, result = await made(store, tmp_path)
    other = echo("web:b", text="another way to the same")
    await store.admit(other)
    await store.start(other.id, "cpu")
    await store.finish(other.id, result, 1)
    await store.forget(job.id)
    assert result.media[0].path.exists()


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_a_job_that_has_not_ended_is_left_alone(store: Store, state: str) -> None:
    job = echo()
    await store.admit(job)
    if state == "running":
        await store.start(job.id, "cpu")
    await store.forget(job.id)
    row = await store.job(job.id)
    assert row is not None
    assert (row.state, row.job.params["text"]) == (state, "")
    assert row.job.key


async def test_forgetting_twice_or_nothing_changes_nothing(store: Store, tmp_path: Path) -> None:
    job, _ = await made(store, tmp_path)
    await store.forget(job.id)
    await store.forget(job.id)
    await store.forget("nothing")
    assert (await store.cache_stats()).entries == 0
