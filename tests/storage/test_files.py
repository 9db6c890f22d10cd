"""People's files from a real HTTP server on loopback: what is taken, what is refused how, and that nothing stays."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from engine.errors import BadInput, TooLarge, UserError
from engine.media import keep
from storage.download import bytes_text
from storage.files import Files
from tests.storage.made import png

PICTURE = png(40, 30)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Sent:
    """An attachment as an adapter gives it."""

    name: str = "cat.png"
    size: int | None = None
    url: str | None = None
    path: Path | None = None


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media", max_bytes=100_000, max_pixels=1_000_000, timeout=5)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Starts a server that answers everything with the handler; its address."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        application = web.Application()
        application.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


Serve = Callable[[Handler], Awaitable[str]]


def always(body: bytes, status: int = 200) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status)

    return answer


def left(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def refusal(files: Files, sent: Sent, kind: type[UserError] = BadInput) -> str:
    with pytest.raises(kind) as caught:
        await files.fetch("image", sent)
    return str(caught.value)


async def test_an_attachment_is_fetched_measured_and_named_by_its_content(
    files: Files, serve: Serve, tmp_path: Path
) -> None:
    url = await serve(always(PICTURE))
    media = await files.fetch("image", Sent(size=len(PICTURE), url=f"{url}/cat.png?ex=1&hm=2"))
    assert (media.mime, media.width, media.height, media.bytes) == ("image/png", 40, 30, len(PICTURE))
    assert left(tmp_path) == [media.path]
    assert files.intact(media)


async def test_a_file_on_this_disk_is_copied_and_left_where_it_is(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(PICTURE)
    media = await files.fetch("image", Sent(path=source))
    assert source.read_bytes() == media.path.read_bytes() == PICTURE


async def test_the_same_picture_twice_is_one_file(files: Files, serve: Serve, tmp_path: Path) -> None:
    url = await serve(always(PICTURE))
    assert await files.fetch("image", Sent(url=url)) == await files.fetch("image", Sent(url=url, name="dog.png"))
    assert len(left(tmp_path)) == 1


async def test_a_picture_named_as_another_kind_of_picture_is_what_its_content_says(files: Files, serve: Serve) -> None:
    media = await files.fetch("image", Sent(name="cat.jpg", url=await serve(always(PICTURE))))
    assert (media.mime, media.path.suffix) == ("image/png", ".png")


@pytest.mark.parametrize("content", [b"MZ\x90\x00" + bytes(500), b"dear diary", b"ID3\x04" + bytes(500)])
async def test_a_file_that_is_not_what_its_name_says_is_refused(
    files: Files, serve: Serve, tmp_path: Path, content: bytes
) -> None:
    said = await refusal(files, Sent(url=await serve(always(content))))
    assert said == "image: “cat.png” is not what its name says: its content is no png. Attach a real one."
    assert left(tmp_path) == []


async def test_a_file_of_no_known_kind_is_refused_with_the_kinds_that_are(
    files: Files, serve: Serve, tmp_path: Path
) -> None:
    said = await refusal(files, Sent(name="thesis.pdf", url=await serve(always(b"%PDF-1.7" + bytes(100)))))
    assert said.startswith(
        "image: “thesis.pdf” is no picture, sound or video that is read here. Attach one of png, jpg,"
    )
    assert left(tmp_path) == []


async def test_a_picture_of_too_many_pixels_is_refused_with_its_size_and_the_bound(
    files: Files, serve: Serve, tmp_path: Path
) -> None:
    said = await refusal(files, Sent(url=await serve(always(png(50_000, 50_000, rows_there=1)))), TooLarge)
    assert said == (
        "image: “cat.png” is 50000 x 50000 pixels; at most 1000000 pixels are allowed, such as 1000 x 1000."
        " Make it smaller."
    )
    assert left(tmp_path) == []


async def test_a_picture_whose_header_is_damaged_is_refused(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(url=await serve(always(PICTURE[:14]))))
    assert said == "image: “cat.png” is damaged, its size cannot be read. Attach another picture."
    assert left(tmp_path) == []


async def test_a_file_that_the_platform_calls_too_large_is_not_even_asked_for(files: Files, tmp_path: Path) -> None:
    said = await refusal(files, Sent(size=26_214_400, url="http://127.0.0.1:9/never"), TooLarge)
    assert said == "image: “cat.png” has 26.2 MB; at most 100.0 kB are allowed. Attach a smaller file."
    assert not (tmp_path / "media").exists()


async def test_a_file_whose_server_calls_it_too_large_is_refused(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(url=await serve(always(bytes(100_001)))), TooLarge)
    assert "at most 100.0 kB are allowed" in said
    assert left(tmp_path) == []


async def test_a_stream_without_end_is_cut_at_the_bound(files: Files, serve: Serve, tmp_path: Path) -> None:
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
    assert left(tmp_path) == []


async def test_a_large_local_file_is_refused_before_it_is_copied(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(bytes(100_001))
    await refusal(files, Sent(path=source), TooLarge)
    assert left(tmp_path) == []


async def test_an_empty_file_is_refused(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(url=await serve(always(b""))))
    assert said == "image: “cat.png” is empty. Attach another file."
    assert left(tmp_path) == []


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_address_that_dies_halfway_is_told_and_leaves_nothing(
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
    assert said == "image: “cat.png” did not arrive whole, the connection broke off. Send it again."
    assert left(tmp_path) == []


async def test_fewer_bytes_than_the_platform_said_is_not_the_file(files: Files, serve: Serve, tmp_path: Path) -> None:
    said = await refusal(files, Sent(size=len(PICTURE) + 1, url=await serve(always(PICTURE))))
    assert "did not arrive whole" in said
    assert left(tmp_path) == []


async def test_a_server_that_is_not_there_is_told(files: Files) -> None:
    assert "did not arrive whole" in await refusal(files, Sent(url="http://127.0.0.1:9/cat.png"))


async def test_an_address_that_expired_is_told_with_the_servers_answer(files: Files, serve: Serve) -> None:
    said = await refusal(files, Sent(url=await serve(always(b"gone", 404))))
    assert said == "image: “cat.png” cannot be fetched, its server answers 404. Send it again."


async def test_a_server_that_stalls_is_given_up_after_the_time_limit(serve: Serve, tmp_path: Path) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PICTURE[:20])
        await asyncio.sleep(30)
        return response

    files = Files(tmp_path / "media", max_bytes=100_000, max_pixels=1_000_000, timeout=0.3)
    said = await refusal(files, Sent(url=await serve(stall)))
    assert said == "image: “cat.png” did not arrive within 0.3 s. Send it again, or a smaller file."
    assert left(tmp_path) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/cat.png", "data:,hello", "", None])
async def test_only_web_addresses_are_fetched(files: Files, url: str | None) -> None:
    assert "is at no web address" in await refusal(files, Sent(url=url))


async def test_a_redirect_leads_only_to_the_web(files: Files, serve: Serve) -> None:
    async def astray(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "file:///etc/passwd"})

    assert "did not arrive whole" in await refusal(files, Sent(url=await serve(astray)))


async def test_a_fetch_that_is_cancelled_leaves_nothing(files: Files, serve: Serve, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PICTURE[:20])
        begun.set()
        await asyncio.sleep(30)
        return response

    fetch = asyncio.create_task(files.fetch("image", Sent(url=await serve(stall))))
    await begun.wait()
    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    assert left(tmp_path) == []


async def test_a_refusal_holds_neither_address_nor_path_and_no_endless_name(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(b"words")
    said = await refusal(files, Sent(name="x" * 500 + "\n.png", path=source))
    assert str(tmp_path) not in said
    assert len(said) < 200
    secret = await refusal(files, Sent(url="http://127.0.0.1:9/bot123:TOKEN/cat.png"))
    assert "TOKEN" not in secret


async def test_pruning_deletes_what_is_old_and_named_by_nobody(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    kept, orphan, young = (keep(png(side, 1), folder) for side in (1, 2, 3))
    part = folder / "parts" / "left-by-a-crash"
    part.write_bytes(b"half")
    long_ago = time.time() - 7200
    for path in (kept.path, orphan.path, part):
        os.utime(path, (long_ago, long_ago))
    pruned = await files.prune({kept.sha256}, older_than=3600)
    assert (pruned.files, pruned.bytes) == (2, orphan.bytes + 4)
    assert set(left(tmp_path)) == {kept.path, young.path}


async def test_pruning_a_folder_that_is_not_there_yet_does_nothing(files: Files) -> None:
    assert (await files.prune(set(), older_than=0)).files == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (26_214_400, "26.2 MB"),
     (5_000_000_000, "5.0 GB")],
)  # fmt: skip
def test_sizes_are_told_as_people_read_them(size: int, text: str) -> None:
    assert bytes_text(size) == text
