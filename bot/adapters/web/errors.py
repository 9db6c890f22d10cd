"""Turn errors into HTTP responses, and add the headers that every response carries."""

import math
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.adapters.web.auth import Unauthorized
from bot.adapters.web.body_stream import TooSlow
from bot.adapters.web.job_tracker import internal_error
from bot.adapters.web.models import Error, Fault
from bot.adapters.web.session import CLIENT
from bot.i18n.translate import Language, translate_message
from engine.core.errors import (
    AtelierError,
    BadInput,
    Broken,
    Cancelled,
    DiskFull,
    EngineDied,
    Locked,
    MissingModel,
    NotAllowed,
    OutOfMemory,
    RateLimited,
    TimedOut,
    TooLarge,
    TooMany,
    Unsafe,
)

log = structlog.get_logger()


class NotFound(BadInput):
    """There is no such job, file or page, or it belongs to somebody else."""


STATUS: dict[type[AtelierError], int] = {
    Unauthorized: 401,
    NotFound: 404,
    TooSlow: 408,
    BadInput: 400,
    NotAllowed: 403,
    Cancelled: 409,
    TooLarge: 413,
    Unsafe: 422,
    RateLimited: 429,
    TooMany: 429,
    Broken: 500,
    EngineDied: 503,
    MissingModel: 503,
    OutOfMemory: 503,
    TimedOut: 504,
    DiskFull: 507,
    Locked: 503,
}
"""The HTTP status of each kind of error. A subclass without an entry uses its parent's."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Security headers of every response."""


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security headers and a default cache policy. As a handler of `on_response_prepare` it also covers files,
    streams and errors.
    """
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache" if request.path.startswith("/page/") else "no-store")


@web.middleware
async def render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return every failure as an `Error` with its HTTP status."""
    try:
        return await handler(request)
    except AtelierError as error:
        return error_response(error, _language(request))
    except web.HTTPRequestEntityTooLarge:
        bound = request.app[BODY_BYTES]
        return error_response(
            TooLarge("The request is over the limit of {bound:bytes}. Send smaller files.", bound=bound),
            _language(request),
        )
    except web.HTTPMethodNotAllowed as error:
        return _method_not_allowed(request, error)
    except web.HTTPNotFound:
        return error_response(NotFound("There is nothing at {path}.", path=request.path[:80]), _language(request))
    except web.HTTPException:
        raise
    except Exception:
        log.exception("request failed", method=request.method, path=request.path)
        return error_response(internal_error(), _language(request))


BODY_BYTES = web.AppKey("body_bytes", int)
"""The application's limit for a body, in bytes."""


def status_of(error: AtelierError) -> int:
    """Return the HTTP status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def fault_of(error: AtelierError, language: Language) -> Fault:
    """Return the error as the API shows it, with its waiting time where that is known."""
    message = translate_message(error.sentence, language)
    return Fault(kind=error.kind, message=message, wait=error.wait if isinstance(error, RateLimited) else None)


def error_response(error: AtelierError, language: Language) -> web.Response:
    """Return the error as a JSON response with its status and headers."""
    return Error(error=fault_of(error, language)).response(status_of(error), _headers(error))


def _headers(error: AtelierError) -> dict[str, str]:
    """Return the headers of an error. `X-RateLimit-Reset` is a Unix time in seconds, as in most APIs."""
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": 'Bearer realm="Atelier"'}
    if not isinstance(error, RateLimited):
        return {}
    return {
        "Retry-After": str(math.ceil(error.wait)),
        "X-RateLimit-Limit": str(error.sentence.facts["count"]),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(math.ceil(time.time() + error.wait)),
    }


def _method_not_allowed(request: web.Request, error: web.HTTPMethodNotAllowed) -> web.Response:
    allowed = ", ".join(sorted(error.allowed_methods))
    refused = BadInput(
        "{path} accepts {allowed}, not {method}.", path=request.path, allowed=allowed, method=request.method
    )
    return Error(error=fault_of(refused, _language(request))).response(405, {"Allow": allowed})


def _language(request: web.Request) -> Language:
    return request[CLIENT].language if CLIENT in request else "en"
