"""Put routes into the application: what is expected of a body is answered late, and every path has a route."""

from collections.abc import Iterable

from aiohttp import web

EVERYTHING_ELSE = "/{path:.*}"


def add_routes(application: web.Application, routes: Iterable[web.RouteDef]) -> None:
    """Add the routes, and one for all other paths.

    aiohttp answers `Expect` before any handler, also for a path that it does not know: it would ask for the body of a
    request that is refused, and it fails on a header that is no UTF-8.
    """
    for route in (*routes, web.route("*", EVERYTHING_ELSE, _refuse)):
        kwargs = {**route.kwargs, "expect_handler": _check_expectation}
        application.add_routes([web.RouteDef(route.method, route.path, route.handler, kwargs)])


def ask_for_body(request: web.Request) -> None:
    """Let a client which waits for it send the body. Called once the request may be read."""
    if "Expect" in request.headers and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _check_expectation(request: web.Request) -> None:
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="Expect can only be 100-continue.")


async def _refuse(request: web.Request) -> web.StreamResponse:
    """Raise what says that the path is unknown, or which methods it takes."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{path}":
            allowed |= (await resource.resolve(request))[1]
    raise web.HTTPMethodNotAllowed(request.method, allowed) if allowed else web.HTTPNotFound
