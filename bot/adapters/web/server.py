"""Start and stop the web adapter: one aiohttp application over the service."""

import asyncio
from typing import Self

import structlog
from aiohttp import web

from bot.adapters.web import malformed, openapi
from bot.adapters.web.auth import AuthMiddleware
from bot.adapters.web.connections import Connections, GuardedSite
from bot.adapters.web.errors import BODY_BYTES, add_headers, render_errors
from bot.adapters.web.form import Bounds
from bot.adapters.web.job_events import JobEvents
from bot.adapters.web.job_tracker import JobTracker
from bot.adapters.web.jobs import Jobs
from bot.adapters.web.links import DownloadLinks
from bot.adapters.web.pages import Pages
from bot.adapters.web.reports import Reports
from bot.adapters.web.routes import add_routes
from bot.adapters.web.views import Views
from bot.core.command import Command
from bot.presentation.signing import Signer
from bot.requests.service import Service
from engine.core.errors import UserMessage

log = structlog.get_logger()

SHUTDOWN_GRACE_SECONDS = 2.0
"""Seconds that open responses have to finish when the server stops."""
IDLE_SECONDS = 30.0
"""Seconds in which a connection must send the complete head of its next request."""
LINGER_SECONDS = 2.0
"""Seconds during which the rest of a refused body is read and dropped, so that the client receives the response."""


async def run(service: Service) -> None:
    """Serve until cancelled. If the port cannot be used, report the adapter as off in `status` and return."""
    settings = service.studio.settings.web
    server = await Server.of(service)
    try:
        await server.start(settings.host, settings.port)
    except OSError as error:
        facts = {"host": settings.host, "port": settings.port, "why": error.strerror or type(error).__name__}
        why = UserMessage(
            template="off: cannot listen on {host}:{port} ({why}); change web.port in config.toml", facts=facts
        )
        service.studio.adapters["web"] = why
        log.warning("the web chat is off", why=str(why))
        return
    log.info("open the web chat in a browser", url=server.url)
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop()


class Server:
    """The application and its listener. `url` is the address after `start`."""

    def __init__(self, application: web.Application, tracker: JobTracker, connections: Connections) -> None:
        malformed.shorten_malformed_records()
        self.application = application
        self._tracker = tracker
        self._connections = connections
        self._runner = web.AppRunner(
            application,
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_GRACE_SECONDS,
            access_log=None,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,  # 2 MB of gzip become 2 GB, and aiohttp would unpack them on the event loop
        )
        self.url = ""

    @classmethod
    async def of(cls, service: Service) -> Self:
        """Return a server with all handlers of the API and the page."""
        settings = service.studio.settings
        max_files = max((_count_files(command) for command in service.studio.commands), default=0)
        bounds = Bounds(settings.bot.data_dir / "media", settings.media.max_bytes, max_files)
        signer = await Signer.of(service.studio.store)
        token = settings.web.token.get_secret_value() if settings.web.token else None
        auth, tracker, views = (
            AuthMiddleware(token, signer),
            JobTracker(service),
            Views(signer, service.studio.commands),
        )
        application = web.Application(middlewares=[render_errors, auth.middleware], client_max_size=bounds.body_bytes)
        application[BODY_BYTES] = bounds.body_bytes
        application.on_response_prepare.append(add_headers)
        events = JobEvents(service.studio, tracker, views)
        add_routes(
            application,
            (
                *Pages(service.studio, tracker, views, auth, bounds).routes(),
                *DownloadLinks(signer, bounds.folder).routes(),
                *Jobs(service.studio, tracker, events, views, bounds).routes(),
                *Reports(tracker, service.studio.commands).routes(),
                *openapi.routes(service.studio.commands),
            ),
        )
        return cls(application, tracker, Connections(settings.web.connections, settings.web.connections_per_address))

    async def start(self, host: str, port: int) -> None:
        """Start listening; port 0 picks a free port. Then resume unfinished jobs. Raises OSError where the address
        cannot be used.
        """
        await self._runner.setup()
        try:
            await GuardedSite(self._runner, self._connections, host, port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        address, bound = self._runner.addresses[0][:2]
        self.url = f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"
        await self._tracker.resume_unfinished()

    async def stop(self) -> None:
        """Stop accepting connections, end the running requests, then close the open responses."""
        for site in list(self._runner.sites):
            await site.stop()
        await self._tracker.close()
        await self._runner.cleanup()


def _count_files(command: Command) -> int:
    return sum(option.kind == "media" for option in command.params.options())
