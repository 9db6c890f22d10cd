"""Files that lie, are damaged or name other files: refused or read as what they are, never followed, never a hang."""

import contextlib
import os
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.media.files import sniff
from engine.media.video import CancelOrTimeout, FFmpegFailed, ffmpeg_path, probe, read_frames, read_mono
from engine.media.video.source import DEMUXERS
from storage.files import Files
from tests.storage.builders import Sent
from tests.timing import HANG_SECONDS

SECONDS = 60
"""Seconds after which reading a file is a hang, even on a busy machine."""


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """A file and an address that nobody may open, and what was opened nevertheless.

    The file is a pipe: writing to it without waiting succeeds only while somebody has it open to read.
    """
    pipe, opened, over = folder / "secret.ts", list[str](), threading.Event()
    os.mkfifo(pipe)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)

        def look() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
                    opened.append("file")
                with contextlib.suppress(TimeoutError):
                    server.accept()[0].close()
                    opened.append("address")

        looking = threading.Thread(target=look)
        looking.start()
        try:
            yield pipe, f"http://127.0.0.1:{server.getsockname()[1]}/a.ts", opened
        finally:
            over.set()
            looking.join()


def files_naming(file: str, address: str) -> dict[str, bytes]:
    """Files that name another file or an address, by kind."""
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    svg = f'<svg {spaces}><image xlink:href="{{}}"/></svg>'
    return {
        "playlist of a file": playlist.format(file).encode(),
        "playlist of an address": playlist.format(address).encode(),
        "concat list": f"ffconcat version 1.0\nfile '{file}'\n".encode(),
        "drawing of a file": svg.format(file).encode(),
        "drawing of an address": svg.format(address).encode(),
        "dash": f"<?xml version='1.0'?><MPD><BaseURL>{address}</BaseURL></MPD>".encode(),
        "subtitles list": f"# VobSub index file, v7\n{file}\n".encode(),
        "session": f"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n{address}\n".encode(),
    }


def use(path: Path, mime: str) -> None:
    """All that is ever done with a person's recording."""
    found = probe(path, mime, watch=CancelOrTimeout(seconds=SECONDS))
    if found.video:
        for _ in read_frames(path, mime, found.video, CancelOrTimeout(seconds=SECONDS)):
            pass
    if found.sound:
        read_mono(path, mime, 16000, CancelOrTimeout(seconds=SECONDS))


@pytest.mark.parametrize("kind", ["playlist of a file", "playlist of an address"])
def test_an_unguarded_ffmpeg_would_follow_the_references(kind: str, tmp_path: Path) -> None:
    """That what the tests below watch can be seen at all."""
    with watched(tmp_path) as (file, address, opened):
        path = tmp_path / "sent.m3u8"
        path.write_bytes(files_naming(str(file), address)[kind])
        anything = ["-protocol_whitelist", "file,http,tcp,pipe"]
        command = [ffmpeg_path(), "-v", "quiet", *anything, "-i", str(path), "-f", "null", "-"]
        subprocess.run(command, check=False, timeout=SECONDS)
    assert opened


@pytest.mark.parametrize("kind", files_naming("", ""))
def test_a_file_that_names_another_is_refused_and_not_followed(kind: str, tmp_path: Path) -> None:
    with watched(tmp_path) as (file, address, opened):
        path = tmp_path / "sent"
        path.write_bytes(files_naming(str(file), address)[kind])
        for mime in {demuxer: mime for mime, demuxer in DEMUXERS.items()}.values():
            with pytest.raises(UserError):
                use(path, mime)
    assert opened == []


@pytest.mark.parametrize("name", ["a.mp4", "a.mp3", "a.gif", "a.m3u8", "a.svg", "a"])
async def test_a_file_with_references_is_not_accepted_under_any_name(name: str, tmp_path: Path) -> None:
    files = Files(tmp_path / "media", max_bytes=10**6, max_pixels=10**6)
    with watched(tmp_path) as (file, address, opened):
        for content in files_naming(str(file), address).values():
            path = tmp_path / "sent"
            path.write_bytes(content)
            with pytest.raises(UserError):
                await files.fetch("media", Sent(name=name, path=path))
    assert opened == []


def recording(folder: Path, suffix: str) -> bytes:
    path = folder / f"whole.{suffix}"
    inputs = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=8", "-f", "lavfi", "-i", "sine"]
    subprocess.run(
        [ffmpeg_path(), "-v", "error", "-y", *inputs, "-t", "1", str(path)], check=True, timeout=HANG_SECONDS
    )
    return path.read_bytes()


def damage_copies(whole: bytes, chance: random.Random) -> Iterator[bytes]:
    """The file cut short, with bytes changed, with a part said twice, and with its head on noise."""
    yield whole[: chance.randrange(12, len(whole))]
    changed = bytearray(whole)
    for _ in range(chance.choice([1, 20, 400])):
        changed[chance.randrange(4, len(changed))] = chance.randrange(256)
    yield bytes(changed)
    at = chance.randrange(len(whole))
    yield whole[:at] + whole[at // 2 :]
    yield whole[:64] + chance.randbytes(4000)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi", "mov", "gif", "mp3", "ogg", "wav", "flac", "aac"])
def test_a_damaged_recording_is_read_as_far_as_it_goes_or_refused(suffix: str, tmp_path: Path) -> None:
    chance = random.Random(f"{suffix}{os.environ.get('ATELIER_FUZZ', '')}")
    whole = recording(tmp_path, suffix)
    for _ in range(int(os.environ.get("ATELIER_FUZZ_ROUNDS", "1"))):
        for content in damage_copies(whole, chance):
            path = tmp_path / "sent"
            path.write_bytes(content)
            mime = sniff(content)
            if mime not in DEMUXERS:
                continue
            with contextlib.suppress(UserError, FFmpegFailed):
                use(path, mime)


@pytest.mark.parametrize("mime", sorted(DEMUXERS))
def test_a_recording_with_the_suffix_of_another_kind_is_read_or_refused(mime: str, tmp_path: Path) -> None:
    for suffix in ("mp4", "ogg"):
        path = tmp_path / "sent"
        path.write_bytes(recording(tmp_path, suffix))
        with contextlib.suppress(UserError, FFmpegFailed):
            use(path, mime)


def test_a_mov_that_refers_to_a_file_outside_is_not_followed(tmp_path: Path) -> None:
    """Its data reference (ISO/IEC 14496-12, 8.7.2) is made one that lies elsewhere, at the pipe."""
    whole = recording(tmp_path, "mov")
    with watched(tmp_path) as (file, _, opened):
        at = whole.index(b"dref")
        inside = whole.index(b"\0\0\0\x01", at + 12)
        path = tmp_path / "sent"
        path.write_bytes(whole[:inside] + b"\0\0\0\0" + os.fsencode(file)[:8] + whole[inside + 12 :])
        with contextlib.suppress(UserError, FFmpegFailed):
            use(path, "video/quicktime")
    assert opened == []
