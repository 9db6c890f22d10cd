"""Figures about the studio for other programs, taken from the facts of its commands."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.adapters.web.job_tracker import JobTracker
from bot.adapters.web.models import Health
from bot.adapters.web.report_models import CacheReport, ClearedReport, LimitsReport, ServicesReport, SystemReport
from bot.adapters.web.request_body import read_small_fields
from bot.adapters.web.session import CLIENT
from engine.core.errors import BadInput
from engine.core.job import Done, Failed


class Reports:
    """The handlers of `/api/…` and `/healthz`. Each runs a command, so the command decides permissions and figures."""

    def __init__(self, tracker: JobTracker) -> None:
        self._tracker = tracker

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes of this class."""
        return (
            web.get("/api/cache/stats", self.cache_stats),
            web.post("/api/cache/clear", self.cache_clear),
            web.get("/api/rate-limit/stats", self.limits),
            web.get("/api/services/status", self.services),
            web.get("/api/system/info", self.system),
            web.get("/healthz", self.health),
        )

    async def cache_stats(self, request: web.Request) -> web.Response:
        """Return what the cache holds."""
        return CacheReport.model_validate(await self._facts(request, "cache", {"action": "stats"})).response()

    async def cache_clear(self, request: web.Request) -> web.Response:
        """Clear the cache: entries older than `{"max_age_days": 7}`, or everything for an empty object."""
        fields = await read_small_fields(request)
        unknown = next((name for name in fields if name != "max_age_days"), None)
        if unknown is not None:
            raise BadInput(
                "There is no option {option} here. The options are: {known}.", option=unknown, known="max_age_days"
            )
        days = fields.get("max_age_days")
        raw = {"action": "clear"} if days is None else {"action": "clear", "older_than_days": days}
        return ClearedReport.model_validate(await self._facts(request, "cache", raw)).response()

    async def limits(self, request: web.Request) -> web.Response:
        """Return what the visitor has left of each rate limit."""
        return LimitsReport.model_validate(await self._facts(request, "limits", {})).response()

    async def services(self, request: web.Request) -> web.Response:
        """Return the backend of each command, and the state of each platform."""
        facts = await self._facts(request, "status", {})
        return ServicesReport(services=facts["services"], adapters=facts["adapters"]).response()

    async def system(self, request: web.Request) -> web.Response:
        """Return devices, memory, queue, uptime and versions."""
        facts = await self._facts(request, "status", {})
        return SystemReport.model_validate(facts["system"]).response()

    async def health(self, _: web.Request) -> web.Response:
        """Return `{"status": "ok"}` while the server runs. This needs no token and reveals nothing else."""
        return Health().response()

    async def _facts(self, request: web.Request, command: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        update = await self._tracker.run_to_end(request[CLIENT].request(command, raw))
        if isinstance(update, Failed):
            raise update.error()
        assert isinstance(update, Done)
        return update.result.facts
