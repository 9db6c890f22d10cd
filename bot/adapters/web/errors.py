"""Errors as HTTP answers, and the headers that every answer carries."""

import math
import time
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.adapters.web.auth import Unauthorized
from bot.adapters.web.job_tracker import broken
from bot.adapters.web.reading import TooSlow
from bot.adapters.web.session import CLIENT
from bot.i18n.translate import Language, translate
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
    """There is no such job, file or page, or it is somebody else's."""


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


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """For the application's `on_response_prepare`: files, streams and errors go through it as well."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache" if request.path.startswith("/page/") else "no-store")


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is `{"status": "error", "error": {"kind", "message"}}` with its status."""
    try:
        return await handler(request)
    except AtelierError as error:
        return refusal(error, _language(request))
    except web.HTTPRequestEntityTooLarge:
        bound = request.app[BODY_BYTES] / 1e6
        return refusal(
            TooLarge("The request is larger than {bound:.0f} MB. Send less.", bound=bound), _language(request)
        )
    except web.HTTPMethodNotAllowed as error:
        return _method(request, error)
    except web.HTTPNotFound:
        return refusal(NotFound("There is nothing at {path}.", path=request.path[:80]), _language(request))
    except web.HTTPException:
        raise
    except Exception:
        log.exception("request failed", method=request.method, path=request.path)
        return refusal(broken(), _language(request))


BODY_BYTES = web.AppKey("body_bytes", int)


def status_of(error: AtelierError) -> int:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def error_body(error: AtelierError, language: Language) -> dict[str, Any]:
    """`{"kind", "message"}`, and `wait` in seconds where that is known."""
    message = translate(error.sentence.template, language, **error.sentence.facts)
    body: dict[str, Any] = {"kind": error.kind, "message": message}
    return {**body, "wait": error.wait} if isinstance(error, RateLimited) else body


def refusal(error: AtelierError, language: Language) -> web.Response:
    body = {"status": "error", "error": error_body(error, language)}
    return web.json_response(body, status=status_of(error), headers=_headers(error))


def _headers(error: AtelierError) -> dict[str, str]:
    """`X-RateLimit-Reset` is the Unix time in seconds when there is room again, as at most services that send it."""
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


def _method(request: web.Request, error: web.HTTPMethodNotAllowed) -> web.Response:
    allowed = ", ".join(sorted(error.allowed_methods))
    fault = BadInput("{path} takes {allowed}, not {method}.", path=request.path, allowed=allowed, method=request.method)
    body = {"status": "error", "error": error_body(fault, _language(request))}
    return web.json_response(body, status=405, headers={"Allow": allowed})


def _language(request: web.Request) -> Language:
    return request[CLIENT].language if CLIENT in request else "en"
