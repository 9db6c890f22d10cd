"""Arbitrary bytes sent to the real server: each request gets a status below 500, or its connection is closed."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from bot.commands import COMMANDS
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from storage.store import Store
from tests.bot.adapters.website import Site, measure, serving, whoami
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
QUIET = ("help", "jobs", "limits", "cancel", "delete", "no", "yes")
FUZZED = (measure, whoami, *(command for command in COMMANDS if command.name in QUIET))
"""Commands that start no job, but parse what they receive."""
POSTS = ("/jobs", "/api/login", "/api/cache/clear", *(each.route.path for each in COMMANDS if each.route))
PATHS = (*POSTS, "/", "/page/app.js", "/page/../x", "/media/" + "a" * 64 + ".png", "/shared/" + "a" * 64 + ".png",
         "/jobs/3f9a", "/jobs/3f9a/events", "/api/page", "/healthz", "/openapi.json", "/nothing")  # fmt: skip
TYPES = (
    "application/json", "application/json; charset=bogus", "multipart/form-data", "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=\"", "multipart/mixed; boundary=x", "text/plain; charset*=bogus''x", ";", "a/b; =",
    "multipart/form-data; boundary=" + "x" * 71,
)  # fmt: skip
HEADERS = (
    "Host", "Cookie", "Accept-Language", "Authorization", "Content-Type", "Content-Encoding", "Expect", "Origin",
    "Range", "Sec-Fetch-Site", "If-None-Match", "If-Modified-Since", "Upgrade", "Connection", "Transfer-Encoding", "X",
)  # fmt: skip
FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[None, "open-sesame"])
async def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("fuzz")
    token = {"token": request.param} if request.param else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.adapters.web.server.IDLE_SECONDS", 0.3)
        patch.setattr("bot.adapters.web.server.LINGER_SECONDS", 0.1)
        patch.setattr("bot.adapters.web.body_stream.STALL_SECONDS", 0.3)
        patch.setattr("bot.adapters.web.auth.MAX_LOGIN_ATTEMPTS", 10**9)
        async with Store.open(":memory:") as store:
            engine = Engine(HostSettings(devices=(), worker=WorkerSettings(folder=folder)))
            async with serving(engine, folder, store, commands=FUZZED, web=token) as site:
                yield site


async def answered(site: Site, data: bytes) -> int | None:
    """Return the status of the response, or None where the connection was closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))
    try:
        async with asyncio.timeout(HANG_SECONDS):
            writer.write(data)
            line = (await reader.readline()).split()
            return int(line[1]) if line else None
    except ConnectionError:
        return None
    finally:
        writer.close()


def request(method: str, path: str, headers: list[tuple[str, bytes]], body: bytes = b"") -> bytes:
    named = {name.lower() for name, _ in headers}
    usual = [("Host", b"127.0.0.1")] if "host" not in named else []
    length = [("Content-Length", str(len(body)).encode())] if body else []
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in (*usual, *headers, *length))
    return f"{method} {path} HTTP/1.1\r\n".encode("utf-8", "surrogateescape") + lines + b"\r\n" + body


async def check(site: Site, data: bytes) -> None:
    status = await answered(site, data)
    assert status is None or status < 500, data


VALUES = some.one_of(
    some.binary(max_size=30).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b"")),
    some.sampled_from([kind.encode() for kind in TYPES]),
    some.sampled_from([b"gzip", b"deflate", b"br", b"zstd", b"chunked", b"100-continue", b"websocket", b"bytes=9-1",
                       b"bytes=0-", b"bearer \xff", b"atelier_session=" + b"a" * 43, b'"', b"a;q=\xc2\xb2", b"h2c"]),
)  # fmt: skip
TEXTS = some.text(some.characters(codec=None), max_size=20)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | TEXTS
    | some.sampled_from(["job:3f9a", "job:3f9a.2", "job:\ud800", "data:image/png;base64,AAAA", "data:,", "/help"]),
    lambda inner: some.lists(inner, max_size=3)
    | some.dictionaries(some.sampled_from(["command", "options", "line", "button", "text", "image", "token"]) | TEXTS,
                        inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@FUZZ
@given(data=some.binary(max_size=300))
@example(data=b"GET / HTTP/1.1\r\nHost: \r\n\r\n")
@example(data=b"GET /%ED%A0%80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
@example(data=b"GET //[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
@example(data=b"GET http://[/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
@example(data=b"GET /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: \x80\r\n\r\n")
@example(data=b"GET /jobs/%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
@example(data=b"GET /page/%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
@example(data=b"GET /page/" + b"a" * 5000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
async def test_any_bytes(site: Site, data: bytes) -> None:
    await check(site, data)


@FUZZ
@given(
    method=some.sampled_from(["GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS", "CONNECT", "TRACE", "X"]),
    path=some.sampled_from(PATHS) | some.text(some.characters(min_codepoint=33, max_codepoint=255), max_size=40),
    query=some.text(some.characters(min_codepoint=33, max_codepoint=255), max_size=30),
    headers=some.lists(some.tuples(some.sampled_from(HEADERS), VALUES), max_size=5),
    body=some.binary(max_size=200),
)
async def test_any_request(  # noqa: PLR0917  # what a request is made of
    site: Site, method: str, path: str, query: str, headers: list[tuple[str, bytes]], body: bytes
) -> None:
    await check(site, request(method, f"{path}?{query}" if query else path, headers, body))


@FUZZ
@given(path=some.sampled_from(POSTS), value=JSON)
@example(path="/jobs", value={"command": "measure", "options": {"image": "job:" + "9" * 5000}})
@example(path="/jobs", value={"button": "delete:3f9a.\u00b2"})
@example(path="/jobs", value={"line": "/cancel \x00"})
@example(path="/jobs", value={"command": "cancel", "options": {"job": "\x00"}})
@example(path="/api/cache/clear", value={"max_age_days": 10**400})
async def test_any_json(site: Site, path: str, value: Any) -> None:
    body = json.dumps(value).encode()
    await check(site, request("POST", path, [("Content-Type", b"application/json")], body))


@FUZZ
@given(
    path=some.sampled_from(POSTS),
    kind=some.sampled_from(TYPES),
    parts=some.lists(
        some.tuples(
            some.lists(
                some.sampled_from([
                    b'Content-Disposition: form-data; name="image"; filename="a.png"',
                    b'Content-Disposition: form-data; name="command"', b"Content-Disposition: form-data; name=\xff",
                    b"Content-Disposition: form-data; name*0=a; name*2=b", b"Content-Disposition: ;;;",
                    b'Content-Disposition: form-data; name="line"', b"Content-Disposition: form-data; name*=bogus''%ff",
                    b'Content-Disposition: form-data; name="_charset_"', b"Content-Type: multipart/mixed; boundary=y",
                    b"Content-Transfer-Encoding: base64", b"Content-Encoding: gzip", b"Content-Length: 99", b":",
                ]) | some.binary(max_size=40), max_size=4,
            ),
            some.binary(max_size=60) | some.sampled_from([b"measure", b"/help", b"--x", b"--x--", b"\r\n--x"]),
        ),
        max_size=5,
    ),
    end=some.sampled_from([b"--x--\r\n", b"--x--", b"", b"--x\r\n"]),
)  # fmt: skip
async def test_any_form(site: Site, path: str, kind: str, parts: list[tuple[list[bytes], bytes]], end: bytes) -> None:
    body = b"".join(b"--x\r\n" + b"\r\n".join((*lines, b"", content)) + b"\r\n" for lines, content in parts) + end
    await check(site, request("POST", path, [("Content-Type", kind.encode())], body))


@FUZZ
@given(
    coding=some.sampled_from(["gzip", "deflate", "br", "zstd", "identity", "x", "gzip, gzip"]),
    body=some.binary(min_size=1, max_size=60) | some.just(zlib.compress(b'{"line": "/help"}' * 3)),
)
@example(coding="deflate", body=zlib.compress(b" " * 10_000_000 + b"{}"))
@example(coding="deflate", body=zlib.compress(b'{"line": "/help"}')[:-3])
async def test_any_coding_of_a_body(site: Site, coding: str, body: bytes) -> None:
    for path in ("/jobs", "/api/login"):
        headers = [("Content-Encoding", coding.encode()), ("Content-Type", b"application/json")]
        await check(site, request("POST", path, headers, body))


@FUZZ
@given(body=some.binary(max_size=80))
@example(body=b"ffffffffffffffffffff\r\n")
@example(body=b"5\r\n{}\r\n")
@example(body=b"-1\r\n\r\n")
@example(body=b'11\r\n{"line": "/help"}\r\n0\r\nX: y\r\n\r\n')
async def test_any_chunks(site: Site, body: bytes) -> None:
    head = b"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    await check(site, head + body)
