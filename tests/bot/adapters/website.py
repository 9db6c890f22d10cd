"""The web adapter on loopback over the real service, store and worker, and its visitors."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import ClientResponse, ClientSession, CookieJar
from PIL import Image
from pydantic import Field

from bot.adapters.web import Server
from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Reply
from bot.requests.call import AnyCall, Call, command
from bot.requests.service import Service
from engine.core.job import Media
from engine.core.params import TaskParams
from engine.host.engine import Engine
from engine.media import files as media
from engine.weights import registry
from storage.files import Files
from storage.store import Store
from tests.bot.adapters.confirming_commands import echo
from tests.fakes import small_engine
from tests.timing import HANG_SECONDS

State = dict[str, Any]
FILE_BYTES = 400_000


class Picture(TaskParams):
    """Options of one file."""

    image: Media = Field(description="Picture to look at")
    words: str = Field("", description="What to say of it", json_schema_extra={"rest": True})


@command("Say how large a picture is")
async def measure(_call: AnyCall, params: Picture) -> Reply:
    return Reply(f"{params.image.width} x {params.image.height} {params.words}".strip())


@command("Give three pictures")
async def three(call: Call[AppContext], params: TaskParams) -> Reply:  # noqa: ARG001  # declared by this name
    folder = call.studio.settings.bot.data_dir / "media"
    return Reply("Three <b>pictures</b>", tuple(media.keep(png(40 + side, 40), folder) for side in range(3)))


@command("Say who asks")
async def whoami(call: AnyCall, params: TaskParams) -> Reply:  # noqa: ARG001  # declared by this name
    asked = call.request
    facts = {"user": asked.user, "also": list(asked.extra_identities), "admin": asked.admin, "private": asked.private}
    return Reply(asked.language, facts=facts)


EVERY_COMMAND = (*COMMANDS, echo, measure, three, whoami)


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), width % 255, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


@asynccontextmanager
async def drawing_engine(folder: Path) -> AsyncIterator[Engine]:
    """Start a worker that echoes and draws with the embedded model."""
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    async with small_engine(folder, models=(("imagine", "pocket"),)) as engine:
        yield engine


@dataclass(frozen=True)
class Site:
    """The running adapter. `visitor` is a browser's cookies and connections, without a session yet."""

    service: Service
    server: Server

    @property
    def url(self) -> str:
        return self.server.url

    async def break_off(self) -> None:
        """Cut every connection and stop listening. Running jobs continue."""
        runner = self.server._runner
        for site in list(runner.sites):
            await site.stop()
        assert runner.server is not None
        for connection in runner.server.connections:
            assert connection.transport is not None
            connection.transport.abort()

    @asynccontextmanager
    async def visitor(self, **headers: str) -> AsyncIterator["Visitor"]:
        async with ClientSession(self.url, headers=headers, cookie_jar=CookieJar(unsafe=True)) as session:
            yield Visitor(session)

    @asynccontextmanager
    async def browser(self, **headers: str) -> AsyncIterator["Visitor"]:
        """Open a visitor with a session of its own."""
        async with self.visitor(**headers) as visitor:
            await visitor.get("/api/page")
            yield visitor


@asynccontextmanager
async def serving(engine: Engine, folder: Path, store: Store, **sections: Any) -> AsyncIterator[Site]:
    """Serve the site. `folder` is the engine's, so that both share the media; `limits` may name any command of
    `commands`.
    """
    commands, port = sections.pop("commands", EVERY_COMMAND), sections.pop("port", 0)
    limits = dict.fromkeys(command.name for command in commands if command.rate) | sections.pop("limits", {})
    bounds = {"max_bytes": FILE_BYTES, "max_pixels": 10_000_000}
    settings = Settings.model_validate({"bot": {"data_dir": folder}, "media": bounds, **sections})
    files = Files(folder / "media", **bounds)
    service = Service(AppContext(settings.model_copy(update={"limits": limits}), store, files, engine, commands))
    server = await Server.of(service)
    await server.start("127.0.0.1", port)
    try:
        yield Site(service, server)
    finally:
        await service.close()
        await server.stop()


class Visitor:
    """One person or program. Every response is read completely."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def get(self, path: str, **options: Any) -> "Answer":
        return await self._ask("GET", path, **options)

    async def post(self, path: str, **options: Any) -> "Answer":
        return await self._ask("POST", path, **options)

    async def delete(self, path: str, **options: Any) -> "Answer":
        return await self._ask("DELETE", path, **options)

    async def job(self, command: str, **options: Any) -> State:
        """Return what `POST /jobs` answers."""
        answer = await self.post("/jobs", json={"command": command, "options": options})
        assert answer.status in (200, 202), answer.json
        body_json: State = answer.json
        return body_json

    async def state(self, job: str) -> State:
        body_json: State = (await self.get(f"/jobs/{job}")).json
        return body_json

    async def ended(self, job: str, within: float = HANG_SECONDS) -> State:
        """Return the job's last state from its event stream."""
        async with asyncio.timeout(within):
            return [state async for state in self.events(f"/jobs/{job}/events")][-1]

    async def events(self, path: str) -> AsyncIterator[State]:
        async with self.session.get(path) as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    async def _ask(self, method: str, path: str, **options: Any) -> "Answer":
        async with self.session.request(method, path, **options) as response:
            return await Answer.of(response)


@dataclass(frozen=True)
class Answer:
    """A response. `json` is None where the body is not JSON."""

    status: int
    headers: Any
    body: bytes
    json: Any

    @classmethod
    async def of(cls, response: ClientResponse) -> "Answer":
        body = await response.read()
        body_json = json.loads(body) if response.content_type == "application/json" else None
        return cls(response.status, response.headers, body, body_json)
