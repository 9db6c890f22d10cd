"""Serve the chat page, the data it starts with, and the media it shows."""

from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from bot.adapters.web.auth import AuthMiddleware
from bot.adapters.web.errors import NotFound
from bot.adapters.web.form import Bounds
from bot.adapters.web.job_tracker import JobTracker
from bot.adapters.web.page_models import Page, PageCommand, PageOption
from bot.adapters.web.request_body import DEFAULT_COMMAND, read_small_fields
from bot.adapters.web.session import CLIENT, ensure_session
from bot.adapters.web.views import Views
from bot.app import AppContext
from bot.core.command import Command
from bot.i18n.translate import Language, translate
from engine.core.errors import BadInput
from engine.media.files import FORMATS

PAGE = Path(__file__).parent / "page"
"""The folder of the page's files."""
MEDIA_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""Headers of media. A file is named by its content, so it never changes; opened directly, it runs no scripts."""


class Pages:
    """The handlers of `/`, `/page/`, `/media/`, `/api/page` and `/api/login`."""

    def __init__(
        self, studio: AppContext, tracker: JobTracker, views: Views, auth: AuthMiddleware, bounds: Bounds
    ) -> None:
        self._studio = studio
        self._tracker = tracker
        self._views = views
        self._auth = auth
        self._bounds = bounds
        self._assets = {path.relative_to(PAGE).as_posix(): path for path in PAGE.rglob("*") if path.is_file()}

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes of this class."""
        return (
            web.get("/", self.index),
            web.get("/page/{name:.*}", self.asset),
            web.get("/api/page", self.about),
            web.post("/api/login", self.login),
            web.get(r"/media/{sha256:[0-9a-f]{64}}{suffix:(?:\.[a-z0-9]{1,8})?}", self.media),
        )

    async def index(self, _: web.Request) -> web.FileResponse:
        """Return the page."""
        return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    async def asset(self, request: web.Request) -> web.FileResponse:
        """Return one of the page's files. The name is looked up in a fixed list, so no path of a request reaches the
        disk.
        """
        path = self._assets.get(request.match_info["name"])
        if path is None:
            raise NotFound("There is nothing at {path}.", path=request.path[:80])
        return web.FileResponse(path)

    async def about(self, request: web.Request) -> web.Response:
        """Return what the page needs at its start, in the visitor's language, and give the browser a session."""
        language = request[CLIENT].language
        shown = [command for command in self._studio.commands if not command.hidden]
        commands = tuple(_describe_command(command, language) for command in shown)
        response = Page(language=language, commands=commands, file_bytes=self._bounds.file_bytes).response()
        ensure_session(request, response)
        return response

    async def login(self, request: web.Request) -> web.Response:
        """Sign the browser in with the token in the body."""
        token = (await read_small_fields(request)).get("token")
        if not isinstance(token, str):
            raise BadInput("{option} is missing. Add a value for it.", option="token")
        return self._auth.login(request, token)

    async def media(self, request: web.Request) -> web.FileResponse:
        """Return a media file, for the visitor whose address was signed."""
        client, sha256, suffix = request[CLIENT], request.match_info["sha256"], request.match_info["suffix"]
        preview = self._tracker.preview(client.user, sha256)
        path = preview.path if preview else self._bounds.folder / sha256[:2] / f"{sha256}{suffix}"
        if not self._views.can_open(sha256, request.query.get("key", ""), client) or not path.is_file():
            raise NotFound("There is nothing at {path}.", path=request.path[:80])
        mime = FORMATS.get(suffix[1:])
        disposition = "inline" if mime else "attachment"
        headers = {"Content-Type": mime or "application/octet-stream", "Content-Disposition": disposition}
        return web.FileResponse(path, headers={**MEDIA_HEADERS, **headers})


def _describe_command(command: Command, language: Language) -> PageCommand:
    return PageCommand(
        name=command.name,
        description=translate(command.description, language),
        default=command.name == DEFAULT_COMMAND,
        options=tuple(
            PageOption.of(option, translate(option.description, language)) for option in command.params.options()
        ),
    )
