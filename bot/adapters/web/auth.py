"""Who may come in: hosts, origins and the owner's token, checked before anything else happens."""

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

LOGIN = "atelier_login"
OPEN: Final = ("/", "/healthz", "/api/login", "/openapi.json")
"""What needs no token: the page itself holds no secret and asks for the token."""
SHARED: Final = "/shared/"
"""Links that were sent to a chat: opened from anywhere, by whoever has the signed address."""
MAX_LOGIN_ATTEMPTS = 10
LOGIN_WINDOW_SECONDS = 60.0


class Unauthorized(NotAllowed):
    """The token is missing or wrong."""


class AuthMiddleware:
    """`token` is None where the server listens on loopback only and whoever reaches it is the owner."""

    def __init__(self, token: str | None, keys: Signer) -> None:
        self._token = token
        self._keys = keys
        self._failures: dict[str, list[float]] = {}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request[CLIENT] = client_of(request, self._keys)
        if not request.path.startswith(SHARED):
            self._check_host(request)
            _check_origin(request)
        if self._token is not None and not _is_open(request.path):
            self._check_token(request, self._token)
        return await handler(request)

    def login(self, request: web.Request, token: str) -> web.Response:
        """Let this browser in with a cookie, if the token is right."""
        if self._token is not None:
            self._compare(request, token, self._token)
        response = web.Response(status=204)
        set_cookie(request, response, LOGIN, self._keys.sign("login", self._token or ""))
        return response

    def _check_host(self, request: web.Request) -> None:
        """A page of another name that resolves here (DNS rebinding) gets nothing."""
        if self._token is None and not _is_loopback(request.host):
            raise NotAllowed(
                "{host} is not an address of this studio. Open it by 127.0.0.1 or localhost, or set ATELIER_WEB_TOKEN.",
                host=request.host[:80],
            )

    def _check_token(self, request: web.Request, token: str) -> None:
        if self._keys.verify(request.cookies.get(LOGIN, ""), "login", token):
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("This studio asks for its token. Send it as Authorization: Bearer …")
        self._compare(request, given.strip(), token)

    def _compare(self, request: web.Request, given: str, token: str) -> None:
        """Ten wrong tokens a minute from one address, then not even a right one is looked at."""
        address, now = request[CLIENT].address, time.monotonic()
        lately = [failed for failed in self._failures.pop(address, ()) if failed > now - LOGIN_WINDOW_SECONDS]
        if len(lately) >= MAX_LOGIN_ATTEMPTS:
            self._failures[address] = lately
            raise _too_many(lately[0] + LOGIN_WINDOW_SECONDS - now)
        if not constant_time_equal(given, token):
            self._failures = {
                one: tries for one, tries in self._failures.items() if tries[-1] > now - LOGIN_WINDOW_SECONDS
            }
            self._failures[address] = [*lately, now]
            raise Unauthorized("The token is wrong. Ask the studio's owner for it.")


def _is_open(path: str) -> bool:
    return path in OPEN or path.startswith(("/page/", SHARED))


def _is_loopback(host: str) -> bool:
    try:
        name = URL(f"http://{host}").host or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_origin(request: web.Request) -> None:
    """Another site's page may link here, and nothing else: no request of its own, no picture in it."""
    if request.path == "/":
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none") or (origin is not None and origin.partition("://")[2] != request.host):
        raise NotAllowed("Only this studio's own page may ask from a browser.")


def _too_many(wait: float) -> RateLimited:
    return RateLimited(
        "{count} wrong tokens in {window:g} s. Try again in {seconds} s.",
        count=MAX_LOGIN_ATTEMPTS,
        window=LOGIN_WINDOW_SECONDS,
        seconds=math.ceil(wait),
        wait=wait,
    )
