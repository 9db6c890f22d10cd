"""The sentences of the source, which take a second to find: once for all tests of a worker process."""

import pytest

from bot.i18n.extraction import Sentences, extract_sentences


@pytest.fixture(scope="session")
def found() -> Sentences:
    return extract_sentences()
