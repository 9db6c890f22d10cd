"""Download links for files that were too large for a chat. Whoever has the link can open it until it expires."""

from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from bot.adapters.web.auth import SHARED_PATH
from bot.adapters.web.errors import NotFound
from bot.adapters.web.pages import MEDIA_HEADERS
from bot.presentation.delivery import verify_link
from bot.presentation.signing import Signer
from engine.media.files import FORMATS


class DownloadLinks:
    """The handler of `/shared/`."""

    def __init__(self, signer: Signer, folder: Path) -> None:
        self._signer = signer
        self._folder = folder

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes of this class."""
        return (web.get(SHARED_PATH + r"{name:[0-9a-f]{64}(?:\.[a-z0-9]{1,8})?}", self.file),)

    async def file(self, request: web.Request) -> web.FileResponse:
        """Return the file. Raises NotFound where the link has expired or is not signed by this studio."""
        name, query = request.match_info["name"], request.query
        path = self._folder / name[:2] / name
        if not verify_link(self._signer, name, query.get("until", ""), query.get("key", "")) or not path.is_file():
            raise NotFound("This link is no longer valid. Ask for the file again where you got the link.")
        mime = FORMATS.get(path.suffix[1:], "application/octet-stream")
        headers = {"Content-Type": mime, "Content-Disposition": f'inline; filename="atelier-{name[:8]}{path.suffix}"'}
        return web.FileResponse(path, headers={**MEDIA_HEADERS, **headers})
