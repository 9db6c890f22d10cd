"""The complete Discord behind one loopback port, for the real discord.py in this process."""

import asyncio
from collections.abc import Callable
from typing import Self

from aiohttp import web
from discord.gateway import DiscordWebSocket
from discord.http import Route
from simcord.backend import Backend
from yarl import URL

from tests.servers.discord.history import History, Shown
from tests.timing import HANG_SECONDS

from .gateway import Gateway
from .people import Person
from .rest import API, MIB, LoopbackCdn, Rest, Trouble
from .spec import SPEC, Spec
from .world import Place, WallClock, World


class DiscordServer:
    """Use it as `async with DiscordServer() as server`: until the end of the block, discord.py talks to it.

    Leaving the block raises AssertionError if a request did not match Discord's OpenAPI description or SimCord's model.
    """

    token = "loopback.bot.token"

    def __init__(self) -> None:
        self.backend = Backend(clock=WallClock())
        self.cdn = self.backend.cdn = LoopbackCdn()
        self.world = World(self.backend)
        self.history = History(self.backend)
        self.gateway = Gateway(self.backend, self.token, self._note)
        spec = Spec() if SPEC.exists() else None
        self.rest = Rest(self.backend, self.token, spec, self.world.closed, self._note)
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.cdn.base, self.gateway.url = f"http://{host}:{port}/cdn", f"ws://{host}:{port}/gateway"
        self._before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = f"http://{host}:{port}{API}", URL(self.gateway.url)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = self._before
        self.gateway.close()
        await self._runner.cleanup()
        if kind is None:
            assert not self.rest.faults, "requests that do not fit Discord:\n" + "\n".join(self.rest.faults)

    def person(self, name: str, place: Place, *, locale: str = "en-US", limit: int = 10 * MIB) -> Person:
        return Person(self, name, place, locale, limit)

    async def until(self, holds: Callable[[], object], within: float = HANG_SECONDS) -> None:
        """Wait until `holds` is true. Raises AssertionError with the last requests after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not within {within} s; {self._story()}") from None

    async def connected(self, within: float = HANG_SECONDS) -> None:
        """Wait until a client is connected to the gateway."""
        await self.until(lambda: self.gateway.live, within)

    def trouble(
        self, method: str, path: str, *, status: int, retry_after: float = 0.2, times: int = 1, words: str = ""
    ) -> None:
        """Answer the next `times` requests to a matching path, with `words` in the body, with `status`: 429 with a
        wait, or another error.
        """
        self.rest.troubles.append(Trouble(method, path, status, retry_after, times, words=words))

    def lose_answer(self, method: str, path: str, times: int = 1) -> None:
        """Serve the next `times` requests to a matching path, but lose the answers with their connections."""
        self.rest.troubles.append(Trouble(method, path, 502, 0, times, after=True))

    def synced(self) -> int:
        """Return how often the commands were sent."""
        return sum(sent.method == "PUT" and sent.path.endswith("/commands") for sent in self.rest.requests)

    def messages(self, place: Place) -> list[Shown]:
        """Return the current messages of a channel, oldest first."""
        return [self.history.states[message][-1] for message in sorted(self.backend.messages[place.channel])]

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=600 * MIB)
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/cdn/{path:.*}", self.cdn.handle)
        app.router.add_route("*", API + "/{path:.*}", self.rest.handle)
        return app

    def _note(self) -> None:
        self.history.note()
        self._news.set()

    def _story(self) -> str:
        requests = "\n".join(f"  {sent.method} {sent.path} {str(sent.body)[:300]}" for sent in self.rest.requests[-12:])
        return f"faults: {self.rest.faults}\nthe last requests:\n{requests}"
