"""Discord's HTTP API and its file host on loopback. Every request is checked, then answered from SimCord's state."""

import fnmatch
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiohttp import BodyPartReader, web
from simcord.backend import Backend
from simcord.backend.cdn import CdnStore
from simcord.backend.errors import BackendError
from simcord.http import RouteNotImplemented, UnsupportedField, routes
from simcord.http.router import dispatch

from .history import EPHEMERAL
from .spec import Spec

API = "/api/v10"
OPEN_ROUTES = ("interactions", "webhooks")
MIB = 1 << 20
__all__ = ["API", "MIB", "LoopbackCdn", "Rest", "Sent", "Trouble", "routes"]  # importing routes registers them


@dataclass(frozen=True)
class Sent:
    """One request of the client."""

    method: str
    path: str
    body: Any
    files: tuple[SimpleNamespace, ...] = field(default=(), repr=False)


@dataclass
class Trouble:
    """The error that the next `times` requests to a matching path receive."""

    method: str
    path: str
    status: int
    retry_after: float
    times: int
    after: bool = False
    """Whether the request is served first, so that only its answer is lost."""
    words: str = ""
    """Text that the request's body contains."""


class LoopbackCdn(CdnStore):
    """SimCord's file store, at addresses that can be fetched. A file in `torn` breaks off halfway."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.torn: set[str] = set()

    def store_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, Any]:
        stored = super().store_attachment(attachment_id, channel_id, filename, data, description)
        url = f"{self.base}/attachments/{channel_id}/{attachment_id}/{filename}"
        self._blobs[url] = self._blobs.pop(stored["url"])
        return {**stored, "url": url, "proxy_url": url}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        url = f"{self.base}/{request.match_info['path']}"
        data = self.get(url)
        if data is None:
            raise web.HTTPNotFound
        if request.match_info["path"].rsplit("/", 1)[-1] not in self.torn:
            return web.Response(body=data)
        torn = web.StreamResponse(headers={"Content-Length": str(len(data))})
        await torn.prepare(request)
        await torn.write(data[: len(data) // 2])
        _abort(request)
        return torn


class Rest:
    """The HTTP API. `faults` holds a sentence for each request that does not match Discord's description."""

    def __init__(
        self, backend: Backend, token: str, spec: Spec | None, closed: set[int], changed: Callable[[], None]
    ) -> None:
        self.requests: list[Sent] = []
        self.faults: list[str] = []
        self.troubles: list[Trouble] = []
        self.cut: set[str] = set()
        """Methods whose next request is lost with its connection."""
        self.upload_limits: dict[str, int] = {}
        self._by_nonce: dict[tuple[str, str], web.Response] = {}
        self._backend, self._spec, self._closed, self._changed = backend, spec, closed, changed
        self._undirected: set[int] = set()
        self._authorization = f"Bot {token}"

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix(API)
        is_open = path.strip("/").split("/")[0] in OPEN_ROUTES
        if not is_open and request.headers.get("Authorization") != self._authorization:
            return _error(401, 0, "401: Unauthorized")
        sent = await _read(request, path)
        self.requests.append(sent)
        if sent.method in self.cut:
            self.cut.remove(sent.method)
            _abort(request)
            return web.Response()
        query = dict(request.query)
        response = self._trouble(sent) or self._refusal(sent, set(query)) or self._answer_once(sent, query)
        self._changed()
        if self._trouble(sent, after=True):
            _abort(request)
        return response

    def refuse_direct(self, channel: int) -> None:
        """Refuse messages of the bot to a person who takes no direct messages from it."""
        self._undirected.add(channel)

    def _trouble(self, sent: Sent, *, after: bool = False) -> web.Response | None:
        for trouble in self.troubles:
            fits = trouble.method == sent.method and fnmatch.fnmatch(sent.path, trouble.path)
            fits = fits and trouble.words in str(sent.body)
            if trouble.times and trouble.after == after and fits:
                trouble.times -= 1
                payload = {
                    "message": "You are being rate limited.",
                    "retry_after": trouble.retry_after,
                    "global": False,
                }
                return _json(payload, trouble.status)
        return None

    def _refusal(self, sent: Sent, query: set[str]) -> web.Response | None:
        problems = list(self._spec.problems(sent.method, sent.path, query, sent.body)) if self._spec else []
        self.faults += problems
        if problems:
            return _error(400, 50035, "; ".join(problems))
        parts = sent.path.strip("/").split("/")
        if parts[0] == "channels" and int(parts[1]) in self._closed:
            return _error(403, 50001, "Missing Access")
        if parts[0] == "channels" and len(parts) == 4 and self._is_ephemeral(int(parts[1]), int(parts[3])):
            return _error(404, 10008, "Unknown Message")
        if sent.path.endswith("/messages") and int(parts[1]) in self._undirected:
            return _error(403, 50007, "Cannot send messages to this user")
        limit = self.upload_limits.get(parts[2] if parts[0] in OPEN_ROUTES and len(parts) > 2 else "", 10 * MIB)
        if any(len(file.fp.getbuffer()) > limit for file in sent.files):
            return _error(413, 40005, "Request entity too large")
        return None

    def _is_ephemeral(self, channel: int, message: int) -> bool:
        """Return whether only an interaction's token reaches the message, as Discord's page on interactions says."""
        found = self._backend.messages.get(channel, {}).get(message)
        return found is not None and bool(found.flags & EPHEMERAL)

    def _answer_once(self, sent: Sent, query: dict[str, Any]) -> web.Response:
        """Answer a message whose nonce was seen with the message that was created then.

        "If enforce_nonce is true and another message was created by the same author with the same nonce, that message
        will be returned and no new message will be created": Discord's Create Message.
        """
        body = sent.body if isinstance(sent.body, dict) else {}
        if not body.get("enforce_nonce"):
            return self._answer(sent, query)
        key = sent.path, str(body["nonce"])
        if key not in self._by_nonce:
            response = self._answer(sent, query)
            if response.status >= 300:
                return response
            self._by_nonce[key] = response
        first = self._by_nonce[key]
        return web.Response(body=first.body, status=first.status, headers=first.headers)

    def _answer(self, sent: Sent, query: dict[str, Any]) -> web.Response:
        try:
            answer = dispatch(
                self._backend, sent.method, sent.path, json=sent.body, params=query, files=list(sent.files)
            )
        except (RouteNotImplemented, UnsupportedField) as gap:
            self.faults.append(str(gap))
            return _error(400, 0, str(gap))
        except BackendError as error:
            return _json(error.to_json(), error.status)
        self._end_deferral(sent)
        return web.Response(status=204) if answer is None else _json(answer)

    def _end_deferral(self, sent: Sent) -> None:
        """Let the next follow-up be a message of its own once a "thinking" answer was deleted.

        Only "directly after responding" with a deferral does a follow-up edit the answer, and keeps its flags:
        Discord's Create Followup Message.
        """
        if sent.method == "DELETE" and sent.path.endswith("/messages/@original"):
            record = self._backend.interaction_by_token(sent.path.strip("/").split("/")[2])
            if record.loading:
                record.complete_deferred()


def _abort(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


def _error(status: int, code: int, message: str) -> web.Response:
    return _json({"code": code, "message": message}, status)


def _json(answer: Any, status: int = 200) -> web.Response:
    """Return JSON without a charset and with a Via header, as Discord sends it. discord.py looks for both."""
    headers = {"Content-Type": "application/json", "Via": "1.1 loopback"}
    return web.Response(body=json.dumps(answer).encode(), status=status, headers=headers)


async def _read(request: web.Request, path: str) -> Sent:
    if request.content_type != "multipart/form-data":
        text = await request.text()
        return Sent(request.method, path, json.loads(text) if text else None)
    body: Any = None
    files: dict[str, SimpleNamespace] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        assert part.name
        if part.name == "payload_json":
            body = await part.json()
        else:
            data = io.BytesIO(await part.read())
            files[part.name] = SimpleNamespace(fp=data, filename=part.filename, description=None)
    _describe(files, body)
    return Sent(request.method, path, body, tuple(files.values()))


def _describe(files: dict[str, SimpleNamespace], body: Any) -> None:
    """Set the files' alt texts, which the JSON holds by the number in the part's name, such as `files[0]`."""
    payload = body.get("data") or body
    for attachment in payload.get("attachments") or ():
        if f"files[{attachment['id']}]" in files:
            files[f"files[{attachment['id']}]"].description = attachment.get("description")
