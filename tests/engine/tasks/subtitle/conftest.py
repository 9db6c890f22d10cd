"""Fixtures: one worker a module, and recordings in English and Spanish."""

from collections.abc import Iterator

import pytest

from engine.core.job import Media
from tests.engine.tasks.subtitle.subtitle_harness import ENGLISH, SPANISH, Studio, make_video, speak


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("studio"))
    yield made
    made.pool.free()


@pytest.fixture(scope="module")
def english(studio: Studio) -> Media:
    return studio.store(make_video(speak(studio.folder, ENGLISH, "en-us")))


@pytest.fixture(scope="module")
def spanish(studio: Studio) -> Media:
    return studio.store(speak(studio.folder, SPANISH, "es"))
