"""Files that were too large for a chat, for whoever has the link that was sent there, as long as it is good."""

from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from bot.adapters.web.auth import SHARED
from bot.adapters.web.errors import NotFound
from bot.adapters.web.pages import MEDIA_HEADERS
from bot.presentation.delivery import verify_link
from bot.presentation.signing import Signer
from engine.media.files import FORMATS


class DownloadLinks:
    """The handler of `/shared/`."""

    def __init__(self, keys: Signer, folder: Path) -> None:
        self._keys = keys
        self._folder = folder

    def routes(self) -> Iterable[web.RouteDef]:
        return (web.get(SHARED + r"{name:[0-9a-f]{64}(?:\.[a-z0-9]{1,8})?}", self.file),)

    async def file(self, request: web.Request) -> web.FileResponse:
        name, query = request.match_info["name"], request.query
        path = self._folder / name[:2] / name
        if not verify_link(self._keys, name, query.get("until", ""), query.get("key", "")) or not path.is_file():
            raise NotFound("This link is no longer good. Ask for the file again where you got it.")
        mime = FORMATS.get(path.suffix[1:], "application/octet-stream")
        headers = {"Content-Type": mime, "Content-Disposition": f'inline; filename="atelier-{name[:8]}{path.suffix}"'}
        return web.FileResponse(path, headers={**MEDIA_HEADERS, **headers})
