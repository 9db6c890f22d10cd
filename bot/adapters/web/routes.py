"""Add routes to the application, so that `Expect` is answered late and every path has a handler."""

from collections.abc import Iterable

from aiohttp import web

EVERYTHING_ELSE = "/{path:.*}"
"""The pattern of all paths without a route of their own."""


def add_routes(application: web.Application, routes: Iterable[web.RouteDef]) -> None:
    """Add the routes, and one for all other paths.

    By default aiohttp answers `Expect` before any handler, even for unknown paths: it would ask for the body of a
    request that is then refused, and it fails on a header that is not UTF-8.
    """
    for route in (*routes, web.route("*", EVERYTHING_ELSE, _refuse)):
        kwargs = {**route.kwargs, "expect_handler": _check_expectation}
        application.add_routes([web.RouteDef(route.method, route.path, route.handler, kwargs)])


def ask_for_body(request: web.Request) -> None:
    """Send `100 Continue` to a client that waits for it. Called when the body is about to be read."""
    if "Expect" in request.headers and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _check_expectation(request: web.Request) -> None:
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="Expect can only be 100-continue.")


async def _refuse(request: web.Request) -> web.StreamResponse:
    """Raise HTTPMethodNotAllowed where the path has other methods, else return HTTPNotFound."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{path}":
            allowed |= (await resource.resolve(request))[1]
    raise web.HTTPMethodNotAllowed(request.method, allowed) if allowed else web.HTTPNotFound
