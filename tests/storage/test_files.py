"""Users' files: which are accepted, how others are refused without a trace, and what pruning deletes."""

import os
import re
import time
from pathlib import Path

import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from engine.core.errors import BadInput, TooLarge
from engine.media.files import keep
from storage.files import Files
from tests.engine.media.test_decoding import gif, jpeg_with_false_size
from tests.fakes import quiet
from tests.storage.builders import PICTURE, Sent, Serve, always, media_files, png, refusal


async def test_an_attachment_is_downloaded_measured_and_stored_under_its_hash(
    files: Files, serve: Serve, tmp_path: Path
) -> None:
    url = await serve(always(PICTURE))
    media = await files.fetch("image", Sent(size=len(PICTURE), url=f"{url}/cat.png?ex=1&hm=2"))
    assert (media.mime, media.width, media.height, media.bytes) == ("image/png", 40, 30, len(PICTURE))
    assert media_files(tmp_path) == [media.path]
    assert files.intact(media)


async def test_a_file_on_this_disk_is_copied(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(PICTURE)
    media = await files.fetch("image", Sent(path=source))
    assert source.read_bytes() == media.path.read_bytes() == PICTURE


async def test_the_same_picture_is_stored_once(files: Files, serve: Serve, tmp_path: Path) -> None:
    url = await serve(always(PICTURE))
    assert await files.fetch("image", Sent(url=url)) == await files.fetch("image", Sent(url=url, name="dog.png"))
    assert len(media_files(tmp_path)) == 1


async def test_the_content_of_a_picture_decides_its_format(files: Files, serve: Serve) -> None:
    media = await files.fetch("image", Sent(name="cat.jpg", url=await serve(always(PICTURE))))
    assert (media.mime, media.path.suffix) == ("image/png", ".png")


@pytest.mark.parametrize("content", [b"MZ\x90\x00" + bytes(500), b"dear diary", b"ID3\x04" + bytes(500)])
async def test_a_file_with_a_misleading_name_is_refused(
    files: Files, serve: Serve, tmp_path: Path, content: bytes
) -> None:
    said = await refusal(files, Sent(url=await serve(always(content))))
    assert said == "image: “cat.png” is named as png, but its content is something else. Attach the original file."
    assert media_files(tmp_path) == []


async def test_a_file_of_an_unknown_format_is_refused_with_the_known_formats(
    files: Files, serve: Serve, tmp_path: Path
) -> None:
    said = await refusal(files, Sent(name="thesis.pdf", url=await serve(always(b"%PDF-1.7" + bytes(100)))))
    assert said.startswith(
        "image: “thesis.pdf” is not a picture, audio or video in a supported format. Attach one of: png, jpg,"
    )
    assert media_files(tmp_path) == []


async def test_a_picture_with_too_many_pixels_is_refused_with_its_size_and_the_limit(
    files: Files, serve: Serve, tmp_path: Path
) -> None:
    said = await refusal(files, Sent(url=await serve(always(png(50_000, 50_000, rows_there=1)))), TooLarge)
    assert said == (
        "image: “cat.png” is 50000 x 50000 pixels; the limit is 1,000,000 in all, for example 1000 x 1000."
        " Make it smaller."
    )
    assert media_files(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (jpeg_with_false_size(1100), "image: “a” is 1100 x 1100 pixels; the limit is 1,000,000 in all"),
        (gif((16, 16), 2, first=(1100, 1000)), "image: “a” is 1100 x 1000 pixels; the limit is 1,000,000 in all"),
        (
            gif((16, 16), 500, first=(1000, 1000)),
            "image has 500 frames of 1000 x 1000 pixels; the limit at that size is 400",
        ),
        (gif((8, 8), 3001), "image has 3,001 frames of 8 x 8 pixels; the limit at that size is 3,000"),
    ],
)
async def test_the_limit_applies_to_the_decoded_picture(
    content: bytes, said: str, files: Files, tmp_path: Path
) -> None:
    source = tmp_path / "upload"
    source.write_bytes(content)
    assert (await refusal(files, Sent(name="a", path=source), TooLarge)).startswith(said)
    assert media_files(tmp_path) == []


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "photo.heif", "image.jpg", ""])
async def test_an_iphone_photo_is_accepted_under_any_name(name: str, files: Files, tmp_path: Path) -> None:
    register_heif_opener()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "upload", "HEIF")
    media = await files.fetch("image", Sent(name=name, path=tmp_path / "upload"), ("image",))
    assert (media.mime, media.width, media.height, media.path.suffix) == ("image/heic", 64, 48, ".heic")


async def test_an_animated_png_is_accepted_as_a_png(files: Files, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "upload", "PNG", save_all=True, append_images=frames[1:])
    media = await files.fetch("image", Sent(name="a.apng", path=tmp_path / "upload"), ("image",))
    assert (media.mime, media.path.suffix) == ("image/png", ".png")


async def test_a_picture_with_a_damaged_header_is_refused(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(url=await serve(always(PICTURE[:14]))))
    assert said == "image: “cat.png” is damaged: its size cannot be read. Attach another picture."
    assert media_files(tmp_path) == []


async def test_a_large_local_file_is_refused_before_it_is_copied(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(bytes(100_001))
    await refusal(files, Sent(path=source), TooLarge)
    assert media_files(tmp_path) == []


async def test_a_message_contains_no_address_no_path_and_no_endless_name(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(b"words")
    said = await refusal(files, Sent(name="x" * 500 + "\n.png", path=source))
    assert str(tmp_path) not in said
    assert len(said) < 200
    secret = await refusal(files, Sent(url="http://127.0.0.1:9/bot123:TOKEN/cat.png"))
    assert "TOKEN" not in secret


SRT = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"


@pytest.mark.parametrize(
    ("accepts", "name", "content", "said"),
    [
        (("image",), "a.wav", quiet(), "image: “a.wav” is not a picture. Attach a picture."),
        (("sound", "video"), "cat.png", PICTURE, "image: “cat.png” is neither audio nor a video."),
        (("video",), "a.wav", quiet(), "image: “a.wav” is not a video. Attach a video."),
        (("subtitles",), "cat.png", PICTURE, "image: “cat.png” is not a subtitle file."),
        (("subtitles",), "a.srt", b"dear diary", "image: “a.srt” is not a subtitle file."),
        ((), "a.srt", SRT, "image: “a.srt” is not a picture, audio or video in a supported format."),
        ((), "a.wav", quiet()[:20], "The file has no readable audio or video."),
        ((), "a.m3u8", b"#EXTM3U\n/etc/passwd\n", "image: “a.m3u8” is not a picture, audio or video"),
    ],
)
async def test_a_file_that_the_option_does_not_accept_is_refused(  # noqa: PLR0917  # one column a parameter
    accepts: tuple[str, ...], name: str, content: bytes, said: str, files: Files, tmp_path: Path
) -> None:
    source = tmp_path / "upload"
    source.write_bytes(content)
    with pytest.raises(BadInput, match=f"^{re.escape(said)}"):
        await files.fetch("image", Sent(name=name, path=source), accepts)
    assert media_files(tmp_path) == []


async def test_an_audio_file_is_stored_with_its_length(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(quiet())
    media = await files.fetch("media", Sent(name="a.wav", path=source), ("sound", "video"))
    assert (media.mime, media.seconds, media.width) == ("audio/wav", 0.5, None)


async def test_subtitles_are_recognised_by_their_name_and_content(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(SRT)
    media = await files.fetch("srt", Sent(name="a.srt", path=source), ("subtitles",))
    assert (media.mime, media.path.suffix) == ("application/x-subrip", ".srt")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_subtitles_from_windows_notepad_are_accepted(files: Files, tmp_path: Path, encoding: str) -> None:
    source = tmp_path / "upload"
    source.write_bytes(SRT.decode().encode(encoding))
    media = await files.fetch("srt", Sent(name="a.srt", path=source), ("subtitles",))
    assert media.path.suffix == ".srt"


async def test_a_binary_file_named_as_subtitles_is_refused(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(SRT * 8 + bytes(8))
    with pytest.raises(BadInput):
        await files.fetch("srt", Sent(name="a.srt", path=source), ("subtitles",))


async def test_audio_over_the_limit_is_refused_with_its_length(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(quiet(seconds=3))
    files = Files(tmp_path / "media", max_bytes=1_000_000, max_pixels=1000, max_seconds=2)
    with pytest.raises(TooLarge, match="is 3 s long; the limit is 2 s"):
        await files.fetch("media", Sent(name="a.wav", path=source))


async def test_pruning_deletes_old_files_without_references(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    kept, orphan, young = (keep(png(side, 1), folder) for side in (1, 2, 3))
    part = folder / "parts" / "left-by-a-crash"
    part.write_bytes(b"half")
    long_ago = time.time() - 7200
    for path in (kept.path, orphan.path, part):
        os.utime(path, (long_ago, long_ago))
    pruned = await files.prune({kept.sha256}, older_than=3600)
    assert (pruned.files, pruned.bytes) == (2, orphan.bytes + 4)
    assert set(media_files(tmp_path)) == {kept.path, young.path}


async def test_pruning_a_missing_folder_does_nothing(files: Files) -> None:
    assert (await files.prune(set(), older_than=0)).files == 0
