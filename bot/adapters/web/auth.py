"""Access control: the host, the origin and the owner's token are checked before anything else happens."""

import ipaddress
import math
import time
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from bot.adapters.web.session import CLIENT, client_of, set_cookie
from bot.presentation.signing import Signer, constant_time_equal
from engine.core.errors import NotAllowed, RateLimited

LOGIN_COOKIE = "atelier_login"
"""Name of the cookie that proves a login."""
PUBLIC_PATHS: Final = ("/", "/healthz", "/api/login", "/openapi.json")
"""Paths that need no token. The page contains no secret and asks for the token itself."""
SHARED_PATH: Final = "/shared/"
"""Prefix of the download links that are posted in chats. Anyone with the signed address can open them from anywhere."""
MAX_LOGIN_ATTEMPTS = 10
"""Wrong tokens that one address may send within LOGIN_WINDOW_SECONDS."""
LOGIN_WINDOW_SECONDS = 60.0


class Unauthorized(NotAllowed):
    """The token is missing or wrong."""


class AuthMiddleware:
    """Checks every request. `token` is None where the server listens on loopback only, so that every visitor is the
    owner.
    """

    def __init__(self, token: str | None, signer: Signer) -> None:
        self._token = token
        self._signer = signer
        self._failures: dict[str, list[float]] = {}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the request through to its handler. Raises NotAllowed for a wrong host or origin, Unauthorized for a
        missing or wrong token, RateLimited after too many wrong tokens.
        """
        request[CLIENT] = client_of(request, self._signer)
        if not request.path.startswith(SHARED_PATH):
            self._check_host(request)
            _check_origin(request)
        if self._token is not None and not _is_public(request.path):
            self._check_token(request, self._token)
        return await handler(request)

    def login(self, request: web.Request, token: str) -> web.Response:
        """Return a response whose cookie signs the browser in. Raises Unauthorized or RateLimited."""
        if self._token is not None:
            self._check_secret(request, token, self._token)
        response = web.Response(status=204)
        set_cookie(request, response, LOGIN_COOKIE, self._signer.sign("login", self._token or ""))
        return response

    def _check_host(self, request: web.Request) -> None:
        """Refuse any host name but loopback where there is no token. Otherwise a page whose name resolves to this
        machine could use the studio (DNS rebinding).
        """
        if self._token is None and not _is_loopback(request.host):
            raise NotAllowed(
                "{host} is not an address of this studio. Open it at 127.0.0.1 or localhost, or set ATELIER_WEB_TOKEN.",
                host=request.host[:80],
            )

    def _check_token(self, request: web.Request, token: str) -> None:
        if self._signer.verify(request.cookies.get(LOGIN_COOKIE, ""), "login", token):
            return
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("This studio needs a token. Send it as Authorization: Bearer …")
        self._check_secret(request, secret.strip(), token)

    def _check_secret(self, request: web.Request, secret: str, token: str) -> None:
        """Compare the secret with the token. After ten wrong ones in a minute from one address, refuse even the right
        one.
        """
        address, now = request[CLIENT].address, time.monotonic()
        recent = [failed for failed in self._failures.pop(address, ()) if failed > now - LOGIN_WINDOW_SECONDS]
        if len(recent) >= MAX_LOGIN_ATTEMPTS:
            self._failures[address] = recent
            raise _too_many_attempts(recent[0] + LOGIN_WINDOW_SECONDS - now)
        if not constant_time_equal(secret, token):
            self._failures = {
                known: failures
                for known, failures in self._failures.items()
                if failures[-1] > now - LOGIN_WINDOW_SECONDS
            }
            self._failures[address] = [*recent, now]
            raise Unauthorized("That token is wrong. Ask the studio's owner for the right one.")


def _is_public(path: str) -> bool:
    return path in PUBLIC_PATHS or path.startswith(("/page/", SHARED_PATH))


def _is_loopback(host: str) -> bool:
    try:
        name = URL(f"http://{host}").host or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_origin(request: web.Request) -> None:
    """Refuse requests that another site's page sends. Such a page may only link to the start page."""
    if request.path == "/":
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none") or (origin is not None and origin.partition("://")[2] != request.host):
        raise NotAllowed("Browsers may only send requests from this studio's own page. Open it and try again.")


def _too_many_attempts(wait: float) -> RateLimited:
    return RateLimited(
        "Too many wrong tokens ({count} in {window:duration}). Try again in {seconds:duration}.",
        count=MAX_LOGIN_ATTEMPTS,
        window=LOGIN_WINDOW_SECONDS,
        seconds=math.ceil(wait),
        wait=wait,
    )
