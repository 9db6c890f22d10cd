"""Request bodies sent to the real server: how much is read before a login, how deep, and what is written."""

import asyncio
import gzip
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import FormData

from bot.adapters.web.body_stream import MAX_SMALL_BODY_BYTES
from bot.adapters.web.json_body import MAX_JSON_MARKS, parse_json
from bot.core import command_line
from engine.core.errors import BadInput
from engine.core.params import TaskParams
from engine.host.engine import Engine
from storage.store import Rate, Store
from tests.bot.adapters.website import FILE_BYTES, Site, Visitor, drawing_engine, png, serving
from tests.fakes import until
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
Open = Callable[..., AbstractAsyncContextManager[Site]]
LOCKED = {"web": {"token": "open-sesame"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bodies")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(folder: Path) -> AsyncIterator[Engine]:
    async with drawing_engine(folder) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def open_site(engine: Engine, folder: Path) -> AsyncIterator[Open]:
    async with Store.open(":memory:") as store:
        yield partial(serving, engine, folder, store)


@pytest_asyncio.fixture(loop_scope="module")
async def program(open_site: Open) -> AsyncIterator[Visitor]:
    async with open_site() as site, site.visitor() as visitor:
        yield visitor


def stored_files(folder: Path) -> set[Path]:
    """Return people's files on the disk, complete or partial."""
    return {path for path in (folder / "media").rglob("*") if path.is_file()}


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """Return a form with the boundary x. Each part is given by its header lines and its content."""
    return b"".join(b"--x\r\n%s\r\n\r\n%s\r\n" % (head.encode(), body) for head, body in parts) + b"--x--\r\n"


def field(name: str, value: str) -> tuple[str, bytes]:
    return f'Content-Disposition: form-data; name="{name}"', value.encode()


def file(name: str, content: bytes) -> tuple[str, bytes]:
    return f'Content-Disposition: form-data; name="{name}"; filename="{name}.png"', content


FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@asynccontextmanager
async def raw(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    port = int(site.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(path: str, length: int, kind: str = FORM["Content-Type"]) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def chunked(body: bytes) -> AsyncIterator[bytes]:
    """Yield the body, so that it is sent without its length."""
    yield body


async def status(reader: asyncio.StreamReader, within: float = HANG_SECONDS) -> int:
    async with asyncio.timeout(within):
        return int((await reader.readline()).split()[1])


class TestBeforeTheSignIn:
    @pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", "a/b;;"])
    @pytest.mark.parametrize("chunked", [False, True])
    async def test_more_than_64_kib_of_any_type_is_too_large(self, open_site: Open, kind: str, chunked: bool) -> None:
        body = b'{"token": "' + b"x" * MAX_SMALL_BODY_BYTES + b'"}'

        async def pieces() -> AsyncIterator[bytes]:
            yield body

        async with open_site(**LOCKED) as site, site.visitor() as visitor:
            data = pieces() if chunked else body
            answer = await visitor.post("/api/login", data=data, headers={"Content-Type": kind})
        assert (answer.status, answer.json["error"]["kind"]) == (413, "TooLarge")

    async def test_a_file_is_refused_and_nothing_is_written(self, open_site: Open, folder: Path) -> None:
        async with open_site(**LOCKED) as site, raw(site) as (reader, writer):
            before = stored_files(folder)
            writer.write(head("/api/login", 60_000) + multipart(file("token", b"y" * 30_000))[:30_000])
            assert await status(reader) == 400  # while the rest of the file is still to come
            assert stored_files(folder) == before

    @pytest.mark.parametrize("kind", ["application/json", FORM["Content-Type"]])
    async def test_a_compressed_body_is_refused_and_never_unpacked(self, open_site: Open, kind: str) -> None:
        body = gzip.compress(bytes(50_000_000))
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        async with open_site(**LOCKED) as site, site.visitor() as visitor:
            answer = await visitor.post("/api/login", data=body, headers=headers)
        assert answer.status == 400
        assert "Content-Encoding" in answer.json["error"]["message"]

    async def test_the_token_may_come_as_a_form(self, open_site: Open) -> None:
        async with open_site(**LOCKED) as site, site.visitor() as visitor:
            body = multipart(field("token", "open-sesame"))
            assert (await visitor.post("/api/login", data=body, headers=FORM)).status == 204


class TestExpectations:
    """A client that waits for 100 Continue sends no byte of a body that would be refused."""

    HEAD = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"

    async def test_a_body_is_requested_once_it_may_be_read(self, open_site: Open) -> None:
        async with open_site() as site, raw(site) as (reader, writer):
            body = b'{"line": "/help"}'
            writer.write(self.HEAD % (b"/jobs", len(body)))
            assert await status(reader) == 100
            await reader.readline()
            writer.write(body)
            assert await status(reader) == 200

    @pytest.mark.parametrize(
        ("path", "length", "code"), [(b"/jobs", 10, 401), (b"/api/login", 10**8, 413), (b"/nothing", 10, 401)]
    )
    async def test_a_refused_body_is_never_requested(
        self, open_site: Open, path: bytes, length: int, code: int
    ) -> None:
        async with open_site(**LOCKED) as site, raw(site) as (reader, writer):
            writer.write(self.HEAD % (path, length))
            assert await status(reader) == code

    @pytest.mark.parametrize("path", ["/jobs", "/healthz", "/nothing"])
    async def test_any_other_expectation_fails(self, open_site: Open, path: str) -> None:
        async with open_site() as site, raw(site) as (reader, writer):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: ".encode() + b"\x80\r\n\r\n")
            assert await status(reader) == 417


class TestJson:
    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 5000,
            b'{"a":' * 17 + b"1" + b"}" * 17,
            b'{"command": "echo", "options": {"text": NaN}}',
            b'{"command": "echo", "options": {"text": "\\ud800"}}',
            b'{"command": "measure", "options": {"image": "job:\\ud800"}}',
            b'{"\\udfff": 1}',
            b'{"command": "\\ud800"}',
            b'{"button": "again:\\ud800"}',
            b'{"line": "/echo \\ud800"}',
            b'{"command": "echo", "options": {"seconds": ' + b"9" * 5000 + b"}}",
            b'{"command": "echo", "options": {"seconds": 1e999}}',
        ],
    )
    async def test_malformed_json_is_bad_input(self, program: Visitor, body: bytes) -> None:
        answer = await program.post("/jobs", data=body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.json["error"]["kind"]) == (400, "BadInput")

    @pytest.mark.parametrize("charset", ["bogus", "utf-16", "idna", "unicode_escape", "utf-7", '"'])
    async def test_a_charset_other_than_utf_8_is_refused(self, program: Visitor, charset: str) -> None:
        head = {"Content-Type": f"application/json; charset={charset}"}
        answer = await program.post("/jobs", data=b'{"line": "/help"}', headers=head)
        assert (answer.status, "UTF-8" in answer.json["error"]["message"]) == (400, True)

    @pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"us-ascii"'])
    async def test_utf_8_is_accepted_under_all_its_names(self, program: Visitor, charset: str) -> None:
        head = {"Content-Type": f"application/json; charset={charset}"}
        assert (await program.post("/jobs", data=b'{"line": "/help"}', headers=head)).status == 200

    async def test_values_are_counted_before_they_are_parsed(self) -> None:
        with pytest.raises(BadInput, match=f"too many values; the limit is {MAX_JSON_MARKS:,}"):
            parse_json([b"[" + b"[]," * MAX_JSON_MARKS + b"1]"])

    async def test_a_large_text_is_read(self) -> None:
        text = "A" * 300_000
        assert parse_json([json.dumps({"image": text}).encode()]) == {"image": text}

    @pytest.mark.parametrize("name", ["line", "button", "command", "text", "words", "options"])
    async def test_a_file_is_refused_where_a_text_belongs(self, program: Visitor, name: str) -> None:
        uri = "data:image/png;base64," + "A" * 150_000
        nested: dict[str, dict[str, Any]] = {
            "text": {"button": "again:3f9a", "text": uri},
            "words": {"command": "measure", "options": {"words": uri}},
            "options": {"command": "measure", "options": uri},
        }
        fields = nested.get(name, {name: uri})
        answer = await program.post("/jobs", json=fields)
        assert (answer.status, answer.json["error"]["kind"]) == (
            (400, "BadInput") if name == "options" else (413, "TooLarge")
        )
        assert answer.json["error"]["message"].startswith(f"{name} ")

    async def test_a_file_of_an_unknown_option_or_command_is_refused_by_its_name(self, program: Visitor) -> None:
        uri = "data:image/png;base64," + "A" * 150_000
        option = await program.post("/jobs", json={"command": "whoami", "options": {"picture": uri}})
        assert (option.status, "picture" in option.json["error"]["message"]) == (400, True)
        command = await program.post("/jobs", json={"command": "fly", "options": {"image": uri}})
        assert (command.status, "fly" in command.json["error"]["message"]) == (400, True)

    async def test_long_bodies_count_as_uploads_before_they_are_read(
        self, open_site: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.adapters.web.upload_limiter.MAX_UPLOADS_PER_ADDRESS", 2)
        begun = head("/jobs", 300_000, "application/json").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
        async with open_site() as site, AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(raw(site)) for _ in range(3)]
            for (reader, writer), expected in zip(lines, (100, 100, 429), strict=True):
                writer.write(begun)
                assert await status(reader) == expected
            async with site.visitor() as visitor:
                assert (await visitor.post("/jobs", json={"line": "/help"})).status == 200
                assert (await visitor.post("/jobs", data=chunked(b'{"a": "' + b"A" * 100_000))).status == 429
            for _, writer in lines:
                writer.close()
            async with asyncio.timeout(10):
                while await self._status_of(site, begun) == 429:
                    pass

    async def _status_of(self, site: Site, request: bytes) -> int:
        async with raw(site) as (reader, writer):
            writer.write(request)
            return await status(reader)

    @pytest.mark.parametrize(
        "body",
        [
            {"line": "/echo " + "--a " * 100_000},
            {"button": "again:" + "a" * 400_000},
            {"command": "a" * 400_000},
        ],
    )
    async def test_a_long_line_is_refused_before_it_is_parsed(self, program: Visitor, body: dict[str, str]) -> None:
        answer = await program.post("/jobs", json=body)
        assert (answer.status, answer.json["error"]["kind"]) == (413, "TooLarge")

    @pytest.mark.parametrize("words", ["a " * 10, "a " * 40_000])
    async def test_a_long_line_is_parsed_beside_the_event_loop(
        self, program: Visitor, monkeypatch: pytest.MonkeyPatch, words: str
    ) -> None:
        threads: list[threading.Thread] = []

        def parse(params: type[TaskParams], line: str) -> dict[str, str]:
            threads.append(threading.current_thread())
            return command_line.parse(params, line)

        monkeypatch.setattr("bot.adapters.web.request_body.parse", parse)
        answer = await program.post("/jobs", json={"line": f"/echo {words}"})
        assert answer.status < 500
        assert [thread is threading.main_thread() for thread in threads] == [len(words) < 1000]


class TestForms:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (multipart(*(file("image", b"x" * 1000) for _ in range(60))), "The form contains image twice"),
            (multipart(field("words", "a"), field("words", "b")), "The form contains words twice"),
            (multipart(*(field(f"n{number}", "a") for number in range(41))), "too many parts; the limit is 40"),
            (multipart(*(file(f"n{number}", b"a") for number in range(5))), "too many files; the limit is 3"),
            (multipart(field("words", "a" * 100_001)), "is longer than 100 kB"),
            (multipart(("\r\n".join(f"X-{n}: {n}" for n in range(20_000)), b"a")), "malformed"),
            (multipart((f"X: {'a' * 5000}", b"a")), "damaged"),
            (multipart(("Content-Type: multipart/mixed", b"a")), "malformed"),
            (multipart(("Content-Disposition: form-data; name*=bogus''a", b"a")), "is missing"),
            (multipart(("Content-Disposition: form-data; name=\xe9\xff", b"\xff")), "malformed"),
            (multipart(("X: y", b"a")), "needs a name"),
            (multipart(field("_charset_", "x" * 40), field("words", "a")), "malformed"),
            (b"preamble" * 10, "malformed"),
        ],
    )
    async def test_a_form_beyond_the_limits_is_refused(
        self, program: Visitor, folder: Path, body: bytes, words: str
    ) -> None:
        before = stored_files(folder)
        answer = await program.post("/jobs", data=body, headers=FORM)
        assert answer.status in (400, 413), answer.json
        assert words in answer.json["error"]["message"]
        assert stored_files(folder) == before

    async def test_its_total_size_is_limited(self, program: Visitor) -> None:
        body = io.BytesIO(multipart(*(field(f"option{number}", "x" * 90_000) for number in range(30))))
        answer = await program.post("/jobs", data=body, headers=FORM)
        assert (answer.status, answer.json["error"]["kind"]) == (413, "TooLarge")

    async def test_the_lines_before_its_first_part_are_limited(self, program: Visitor) -> None:
        body = io.BytesIO(b"preamble\r\n" * (FILE_BYTES // 2))
        answer = await program.post("/jobs", data=body, headers=FORM)
        assert (answer.status, answer.json["error"]["kind"]) == (400, "BadInput")
        assert "too many lines around its parts; the limit is 1,000" in answer.json["error"]["message"]

    async def test_a_stalled_sender_is_refused_and_leaves_nothing(
        self, open_site: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.adapters.web.body_stream.STALL_SECONDS", 0.2)
        before = stored_files(folder)
        async with open_site() as site, raw(site) as (reader, writer):
            begun = multipart(field("command", "measure"), file("image", b"x" * 200_000))[:100_000]
            writer.write(head("/jobs", 300_000) + begun)
            assert await status(reader) == 408
        assert stored_files(folder) == before

    async def test_a_sender_below_the_minimum_rate_is_refused(
        self, open_site: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.adapters.web.body_stream.GRACE_SECONDS", 0.2)
        async with open_site() as site, raw(site) as (reader, writer):
            writer.write(head("/jobs", 300_000) + b'--x\r\nContent-Disposition: form-data; name="words"\r\n\r\n')
            answered = asyncio.create_task(status(reader))
            while not answered.done():
                writer.write(b"a\r\n")
                await asyncio.sleep(0.02)
            assert await answered == 408

    async def test_uploads_from_one_address_are_limited(
        self, open_site: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.adapters.web.upload_limiter.MAX_UPLOADS_PER_ADDRESS", 2)
        begun = head("/jobs", 300_000) + multipart(field("command", "measure"), file("image", b"x" * 300_000))[:150_000]
        before = len(stored_files(folder))
        async with open_site() as site, AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(raw(site)) for _ in range(3)]
            for number, (_, writer) in enumerate(lines[:2], 1):
                writer.write(begun)
                await until(lambda: len(stored_files(folder)) == before + number)  # noqa: B023  # called in this round
            lines[2][1].write(begun)
            assert await status(lines[2][0]) == 429
            assert len(stored_files(folder)) == before + 2
            for _, writer in lines[:2]:
                writer.close()
            await until(lambda: len(stored_files(folder)) == before)
            _, writer = await stack.enter_async_context(raw(site))
            writer.write(begun)
            await until(lambda: len(stored_files(folder)) == before + 1)

    async def test_a_full_disk_is_reported_as_such(self, program: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        """Write to /dev/full, where every write fails with ENOSPC."""

        @contextmanager
        def part(_: Path) -> Iterator[Path]:
            yield Path("/dev/full")

        monkeypatch.setattr("bot.adapters.web.form.temporary_file", part)
        monkeypatch.setattr("bot.adapters.web.request_body.temporary_file", part)
        body = multipart(field("command", "measure"), file("image", b"x" * 100_000))
        assert (await program.post("/jobs", data=body, headers=FORM)).status == 507
        told = {"command": "measure", "options": {"image": "data:image/png;base64," + "A" * 100_000}}
        assert (await program.post("/jobs", json=told)).status == 507


class TestRefusedBeforeItsFile:
    """Requests whose file never arrives completely are refused when its part begins."""

    @pytest.mark.parametrize(
        ("fields", "option", "code"),
        [
            ([field("command", "fly")], "image", 400),
            ([field("command", "measure")], "sound", 400),
            ([field("command", "imagine"), field("prompt", "a"), field("count", "9")], "image", 400),
            ([field("command", "imagine"), field("prompt", "a"), field("colour", "red")], "image", 400),
            ([field("line", "/imagine a --count 9")], "image", 400),
        ],
    )
    async def test_by_its_command_and_its_options(
        self, open_site: Open, folder: Path, fields: list[tuple[str, bytes]], option: str, code: int
    ) -> None:
        before = stored_files(folder)
        async with open_site() as site, raw(site) as (reader, writer):
            begun = multipart(*fields, file(option, b"x" * 300_000))[:60_000]
            writer.write(head("/jobs", 300_000) + begun)
            assert await status(reader) == code
            assert stored_files(folder) == before

    async def test_by_its_limit(self, open_site: Open, folder: Path) -> None:
        async with open_site(limits={"imagine": Rate(1, 60)}) as site:
            async with site.visitor() as visitor:
                assert (await visitor.post("/generate-image", json={"prompt": "a dog", "steps": 1})).status == 200
            before = stored_files(folder)
            async with raw(site) as (reader, writer):
                writer.write(head("/generate-image", 300_000))
                writer.write(multipart(field("prompt", "a"), file("image", b"x" * 300_000))[:60_000])
                assert await status(reader) == 429
                assert stored_files(folder) == before


class TestRefusedAfterItsFile:
    async def test_its_files_are_deleted_at_once(self, program: Visitor, folder: Path) -> None:
        before = stored_files(folder)
        told: Any = FormData(default_to_multipart=True)
        told.add_field("prompt", "a")
        told.add_field("image", png(61, 60), filename="a.png")
        told.add_field("mask", png(62, 60), filename="b.png")
        answer = await program.post("/generate-image", data=told)
        assert answer.status == 400, answer.json
        assert stored_files(folder) == before

    async def test_files_of_an_answered_request_are_deleted_too(self, program: Visitor, folder: Path) -> None:
        before = stored_files(folder)
        told: Any = FormData(default_to_multipart=True)
        told.add_field("command", "measure")
        told.add_field("image", png(63, 60), filename="a.png")
        assert (await program.post("/jobs", data=told)).status == 200
        assert stored_files(folder) == before
