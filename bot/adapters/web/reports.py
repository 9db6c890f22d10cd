"""Figures about the studio for other programs, taken from the facts of its commands."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from bot.adapters.web.job_tracker import JobTracker
from bot.adapters.web.models import Health, json_response
from bot.adapters.web.request_body import read_small_fields
from bot.adapters.web.session import CLIENT
from bot.core.command import Command
from bot.core.report_models import ClearedReport
from bot.core.route import Report
from engine.core.errors import BadInput
from engine.core.job import Done, Failed


class Reports:
    """The handlers of `/api/…` and `/healthz`. Each runs a command, so the command decides permissions and figures."""

    def __init__(self, tracker: JobTracker, commands: Sequence[Command]) -> None:
        self._tracker = tracker
        self._commands = commands

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes of this class."""
        return (
            *(
                web.get(report.path, partial(self.report, command.name, report))
                for command in self._commands
                for report in command.reports
            ),
            web.post("/api/cache/clear", self.cache_clear),
            web.get("/healthz", self.health),
        )

    async def report(self, command: str, report: Report, request: web.Request) -> web.Response:
        """Return the facts of `command` that belong to `report`."""
        facts = await self._facts(request, command, {})
        return json_response(report.model.model_validate(report.select(facts)))

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
        return json_response(ClearedReport.model_validate(await self._facts(request, "cache", raw)))

    async def health(self, _: web.Request) -> web.Response:
        """Return `{"status": "ok"}` while the server runs. This needs no token and reveals nothing else."""
        return Health().response()

    async def _facts(self, request: web.Request, command: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        update = await self._tracker.run_to_end(request[CLIENT].request(command, raw))
        if isinstance(update, Failed):
            raise update.error()
        assert isinstance(update, Done)
        return update.result.facts
