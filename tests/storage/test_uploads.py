"""Files of undecided requests: which stay, which are deleted at once, and two requests with the same content."""

from pathlib import Path

import pytest

from engine.core.errors import TooLarge
from storage.files import Files
from storage.uploads import Uploads
from tests.storage.builders import PICTURE, Sent, media_files, png


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(PICTURE)
    return path


async def never(_: str) -> bool:
    return False


async def always(_: str) -> bool:
    return True


async def test_a_file_of_a_refused_request_is_deleted_at_once(files: Files, source: Path) -> None:
    async with Uploads(files, never).of_request() as held:
        media = await held.fetch("image", Sent(path=source), ())
        assert media.path.exists()
    assert not media.path.exists()


async def test_a_file_of_a_kept_request_stays(files: Files, source: Path) -> None:
    async with Uploads(files, never).of_request() as held:
        media = await held.fetch("image", Sent(path=source), ())
        held.kept = True
    assert media.path.exists()


async def test_a_file_from_before_the_request_stays(files: Files, source: Path) -> None:
    earlier = await files.fetch("image", Sent(path=source))
    async with Uploads(files, never).of_request() as held:
        assert await held.fetch("image", Sent(path=source), ()) == earlier
    assert earlier.path.exists()


async def test_a_file_of_a_job_stays(files: Files, source: Path) -> None:
    async with Uploads(files, always).of_request() as held:
        media = await held.fetch("image", Sent(path=source), ())
    assert media.path.exists()


@pytest.mark.parametrize("first_kept", [False, True])
async def test_a_refused_request_deletes_no_file_of_another_request(
    files: Files, source: Path, first_kept: bool
) -> None:
    uploads = Uploads(files, never)
    async with uploads.of_request() as second:
        async with uploads.of_request() as first:
            media = await first.fetch("image", Sent(path=source), ())
            await second.fetch("image", Sent(path=source), ())
            first.kept = first_kept
        assert media.path.exists()
    assert media.path.exists() == first_kept


async def test_a_refused_file_leaves_nothing(files: Files, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(png(2000, 2000, rows_there=1))
    with pytest.raises(TooLarge):
        async with Uploads(files, never).of_request() as held:
            await held.fetch("image", Sent(path=large), ())
    assert media_files(tmp_path) == []
