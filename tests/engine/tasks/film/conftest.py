from pathlib import Path

import pytest

from tests.engine.tasks.film.film_harness import Studio


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture
def weights(studio: Studio) -> Path:
    return studio.weights
