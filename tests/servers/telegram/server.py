"""A strict Telegram Bot API server on loopback, complete enough for a bot to run on."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import web
from multidict import CIMultiDict

from tests.servers.telegram.chats import Json, Refused, Room, Seat, StoredFile, Upload
from tests.servers.telegram.methods import METHODS
from tests.servers.telegram.spec import SPEC, Spec
from tests.timing import HANG_SECONDS

T = TypeVar("T")
MAX_UPLOAD, MAX_LOCAL_UPLOAD = 50 * 1024 * 1024, 2000 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """One request: its text fields, its files as bytes, and when it came (monotonic seconds)."""

    method: str
    form: Mapping[str, Any]
    at: float


@dataclass
class Fault:
    """What the next `times` calls of a method receive instead of an answer. Status 0 cuts the connection.

    If it comes `after` the call was served, only the answer is lost.
    """

    method: str
    status: int
    times: int
    retry_after: int = 0
    after: bool = False


class TelegramServer:
    """Use it as `async with TelegramServer() as server:`. Leaving the block raises for every request that broke the Bot
    API's rules.

    `local` is the folder of the files when it acts as a local Bot API server (`--local`), which returns their paths.
    """

    def __init__(self, token: str = "123456:loopback-token", local: Path | None = None) -> None:
        self.token, self.local = token, local
        self.me: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Atelier",
            "username": "atelier_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.stranger: Json = {"id": 1, "is_bot": False, "first_name": "Owner"}
        self.rooms: dict[int, Room] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: dict[str, str | None] = {}
        self.commands: dict[str, list[Json]] = {}
        self.words: dict[tuple[str, str], str] = {}
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.broken_downloads = 0
        self.problems: list[str] = []
        self.spec = Spec() if SPEC.exists() else None
        self.updates: list[Json] = []
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()
        self._polls = 0
        self._fetched = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2 * MAX_LOCAL_UPLOAD)
        app.router.add_post("/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        self._runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        self._polls += 1
        await self.changed()  # ends a poll whose bot is gone
        await self._runner.cleanup()
        if self.problems and kind is None:
            raise AssertionError("the Bot API was used wrongly:\n" + "\n".join(self.problems))

    @property
    def base_url(self) -> str:
        return f"{self.origin}/bot"

    def private(self, user_id: int, language: str = "en", name: str = "Ana") -> Seat:
        return self._room(user_id, "private", name).seat(user_id, language, name)

    def group(self, title: str = "Painters", forum: bool = False) -> Room:
        return self._room(-1_000_000_000_000 - next(self._numbers), "supergroup", title, forum)

    def fail(self, method: str, status: int, times: int = 1, retry_after: int = 0) -> None:
        self.faults.append(Fault(method, status, times, retry_after))

    def lose_answer(self, method: str, status: int, times: int = 1) -> None:
        """Serve the next calls of a method, but lose the answers: a gateway says `status`, or 0 cuts the connection."""
        self.faults.append(Fault(method, status, times, after=True))

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    async def settled(self, method: str, times: int, within: float = HANG_SECONDS) -> None:
        """Wait until `method` was called that often."""
        async with asyncio.timeout(within):
            await self.until(lambda: len(self.called(method)) >= times or None)

    def keep(self, file: StoredFile) -> StoredFile:
        self.files[file.id] = file
        return file

    def next_message_id(self) -> int:
        return next(self._numbers)

    async def push(self, update: Json) -> None:
        numbered = {"update_id": next(self._numbers), **update}
        self._blame(self.spec.update(numbered) if self.spec else ())
        self.updates.append(numbered)
        await self.changed()

    async def fetched(self) -> None:
        """Wait until the bot has fetched every update so far. It may fetch them again."""
        newest = self.updates[-1]["update_id"]
        async with asyncio.timeout(HANG_SECONDS):
            await self.until(lambda: self._fetched >= newest or None)

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, found: Callable[[], T | None]) -> T:
        """Wait until `found` returns something. Look again whenever anything has changed."""
        async with self._changed:
            while (value := found()) is None:
                await self._changed.wait()
            return value

    async def take_updates(self, offset: int, limit: int, seconds: float) -> list[Json]:
        """Return updates by long polling. A newer poll ends an older one with a conflict, as on the real server."""
        self._polls += 1
        mine = self._polls

        def found() -> list[Json] | None:
            if mine != self._polls:
                raise Refused("Conflict: terminated by other getUpdates request; make sure that only one bot runs", 409)
            return self._pending(offset, limit) or None

        await self.changed()
        try:
            async with asyncio.timeout(seconds or 0.001):
                updates = await self.until(found)
        except TimeoutError:
            return []
        self._fetched = max(self._fetched, updates[-1]["update_id"])
        return updates

    def _pending(self, offset: int, limit: int) -> list[Json]:
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        return self.updates[:limit]

    def _room(self, number: int, kind: str, title: str, forum: bool = False) -> Room:
        return self.rooms.setdefault(number, Room(self, number, kind, title, forum))

    def _blame(self, problems: Any) -> list[str]:
        found = list(problems)
        self.problems.extend(found)
        return found

    async def _serve(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            form = await _form(request, MAX_LOCAL_UPLOAD if self.local else MAX_UPLOAD)
            self.calls.append(Call(method, form, time.monotonic()))
            self._check_token(request)
            self._raise_fault(method, request)
            result = await self._answer(method, form)
            self._raise_fault(method, request, after=True)
        except Refused as refused:
            return _refusal(refused)
        finally:
            await self.changed()
        return web.json_response({"ok": True, "result": result})

    async def _answer(self, method: str, form: Json) -> Any:
        if method not in METHODS:
            raise Refused("Not Found: method not found", 404)
        if wrong := self._blame(self.spec.request(method, form) if self.spec else ()):
            raise Refused("Bad Request: " + "; ".join(wrong))
        result = await METHODS[method](self, form)
        self._blame(self.spec.answer(method, result) if self.spec else ())
        return result

    def _check_token(self, request: web.Request) -> None:
        token = request.match_info["token"]
        if token != self.token:
            well_formed = token.split(":")[0].isdigit() and ":" in token
            raise Refused("Unauthorized", 401) if well_formed else Refused("Not Found", 404)

    def _raise_fault(self, method: str, request: web.Request, *, after: bool = False) -> None:
        faults = (f for f in self.faults if f.method in (method, "*") and f.times > 0 and f.after == after)
        fault = next(faults, None)
        if fault is None:
            return
        fault.times -= 1
        if fault.status == 0:
            assert request.transport is not None
            request.transport.abort()
        if fault.retry_after:
            raise Refused(f"Too Many Requests: retry after {fault.retry_after}", 429, retry_after=fault.retry_after)
        raise Refused("Internal Server Error", fault.status or 500)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        self._check_token(request)
        file = next((f for f in self.files.values() if f.name == request.match_info["path"]), None)
        if file is None:
            return _refusal(Refused("Not Found", 404))
        response = web.StreamResponse(headers=CIMultiDict({"Content-Type": "application/octet-stream"}))
        response.content_length = len(file.data)
        await response.prepare(request)
        if self.broken_downloads > 0:
            self.broken_downloads -= 1
            await response.write(file.data[: len(file.data) // 2])
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(file.data)
        return response


async def _form(request: web.Request, limit: int) -> Json:
    """Return the fields of a form: text as text, files as bytes."""
    form: Json = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            form[name] = Upload.of(value.file.read(), value.filename, value.content_type)
            if len(form[name]) > limit:
                raise Refused("Request Entity Too Large", 413)
        else:
            form[name] = value
    return form


def _refusal(refused: Refused) -> web.Response:
    body: Json = {"ok": False, "error_code": refused.status, "description": refused.description}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return web.json_response(body, status=refused.status)


@asynccontextmanager
async def silent_port() -> AsyncIterator[str]:
    """Yield an address of this machine where nobody listens, as a bot without a network finds it."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    yield f"http://127.0.0.1:{port}/bot"
