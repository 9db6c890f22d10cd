"""Downloads from a real HTTP server on loopback: too large, interrupted, stalled, missing, or not a web address."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from engine.core.errors import TooLarge
from storage.files import Files
from tests.storage.builders import PICTURE, Sent, Serve, always, media_files, refusal


async def test_a_file_that_the_platform_announces_as_too_large_is_not_requested(files: Files, tmp_path: Path) -> None:
    said = await refusal(files, Sent(size=26_214_400, url="http://127.0.0.1:9/never"), TooLarge)
    assert said == "image: “cat.png” is 26.2 MB; the limit is 100 kB. Attach a smaller file."
    assert not (tmp_path / "media").exists()


async def test_a_file_with_too_large_a_content_length_is_refused(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(url=await serve(always(bytes(100_001)))), TooLarge)
    assert "the limit is 100 kB" in said
    assert media_files(tmp_path) == []


async def test_an_endless_stream_is_stopped_at_the_limit(files: Files, serve: Serve, tmp_path: Path) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(10_000))
            sent += 10_000

    url = await serve(endless)
    await refusal(files, Sent(url=url, size=500), TooLarge)
    assert sent < 10_000_000
    assert media_files(tmp_path) == []


async def test_an_empty_file_is_refused(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(url=await serve(always(b""))))
    assert said == "image: “cat.png” is empty. Attach another file."
    assert media_files(tmp_path) == []


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_interrupted_download_is_reported_and_leaves_nothing(
    files: Files, serve: Serve, tmp_path: Path, chunked: bool
) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={} if chunked else {"Content-Length": str(len(PICTURE))})
        await response.prepare(request)
        await response.write(PICTURE[: len(PICTURE) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response

    said = await refusal(files, Sent(url=await serve(half)))
    assert said == "image: the download of “cat.png” was interrupted. Send it again."
    assert media_files(tmp_path) == []


async def test_fewer_bytes_than_the_platform_announced_are_refused(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(size=len(PICTURE) + 1, url=await serve(always(PICTURE))))
    assert "was interrupted" in said
    assert media_files(tmp_path) == []


async def test_an_unreachable_server_is_reported(files: Files) -> None:
    assert "was interrupted" in await refusal(files, Sent(url="http://127.0.0.1:9/cat.png"))


async def test_an_expired_address_is_reported_with_the_servers_status(files: Files, serve: Serve) -> None:
    said = await refusal(files, Sent(url=await serve(always(b"gone", 404))))
    assert said == "image: “cat.png” could not be downloaded (status 404). Send it again."


async def test_a_download_from_a_stalled_server_times_out(serve: Serve, tmp_path: Path) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PICTURE[:20])
        await asyncio.sleep(30)
        return response

    files = Files(tmp_path / "media", max_bytes=100_000, max_pixels=1_000_000, timeout=0.3)
    said = await refusal(files, Sent(url=await serve(stall)))
    assert said == "image: “cat.png” took longer than 0.3 s to download. Send it again, or send a smaller file."
    assert media_files(tmp_path) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/cat.png", "data:,hello", "", None])
async def test_only_web_addresses_are_fetched(files: Files, url: str | None) -> None:
    assert "is not http or https" in await refusal(files, Sent(url=url))


async def test_a_redirect_to_another_scheme_is_refused(files: Files, serve: Serve) -> None:
    async def astray(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "file:///etc/passwd"})

    assert "was interrupted" in await refusal(files, Sent(url=await serve(astray)))


async def test_a_cancelled_download_leaves_nothing(files: Files, serve: Serve, tmp_path: Path) -> None:
    started = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PICTURE[:20])
        started.set()
        await asyncio.sleep(30)
        return response

    fetch = asyncio.create_task(files.fetch("image", Sent(url=await serve(stall))))
    await started.wait()
    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    assert media_files(tmp_path) == []
