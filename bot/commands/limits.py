"""/limits: show how much of each rate limit is left and when it resets."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from bot.core.command import Reply
from bot.core.report_models import LimitsReport
from bot.core.route import Report
from bot.requests.call import Call, command
from engine.core.errors import UserMessage
from engine.core.params import TaskParams
from storage.store import Active, Allowance, Rate

ACTIVE_WINDOW_SECONDS = 3600.0
"""A user counts as active for this many seconds after a request."""


class Params(TaskParams):
    """This command has no options."""


class UsageStore(Protocol):
    """The part of the store that counts what people used."""

    async def limits_of(self, identities: Iterable[str], rates: Mapping[str, Rate | None]) -> dict[str, Allowance]:
        """Return what the identities have left of each rate."""

    async def count_active(self, since: float) -> Active:
        """Return how many users sent how many requests since then."""


class RateLimits(Protocol):
    """What /limits needs."""

    @property
    def store(self) -> UsageStore:
        """Return what people used."""

    @property
    def rates(self) -> Mapping[str, Rate | None]:
        """Return the rate of each limited command."""


@command(
    "Show how much you can still use and when it resets",
    reports=(Report("/api/rate-limit/stats", LimitsReport),),
)
async def limits(call: Call[RateLimits], params: Params) -> Reply:  # noqa: ARG001  # no options
    """Reply with the rate limits; admins also see how many users are active."""
    request, studio = call.request, call.studio
    rates = studio.rates
    left = await studio.store.limits_of((request.user, *request.extra_identities), rates)
    now = time.time()
    lines = [_format_allowance(call, name, left.get(name), now) for name in rates]
    facts: dict[str, Any] = {"limits": {name: _describe_allowance(left.get(name)) for name in rates}}
    if request.admin:
        active = await studio.store.count_active(now - ACTIVE_WINDOW_SECONDS)
        facts |= {"active_users": active.users, "tracked_requests": active.requests}
        lines.append(_format_activity(call, active))
    return Reply("\n".join(lines), facts=facts)


def _format_activity(call: Call[RateLimits], active: Active) -> str:
    users = call.translate(
        "{count:,} active user in the last hour",
        plural="{count:,} active users in the last hour",
        count=active.users,
    )
    requests = call.translate("{count:,} tracked request", plural="{count:,} tracked requests", count=active.requests)
    return f"{users} · {requests}"


def _format_allowance(call: Call[RateLimits], name: str, allowance: Allowance | None, now: float) -> str:
    if allowance is None:
        return call.translate("/{command}: no limit", command=name)
    template = "/{command}: {left:,} of {count:,} left (per {window:duration})"
    shown: dict[str, str | float] = {
        "command": name,
        "left": allowance.left,
        "count": allowance.count,
        "window": allowance.window,
    }
    if allowance.resets_at is not None:
        template = "/{command}: {left:,} of {count:,} left (per {window:duration}), next one in {wait:duration}"
        shown["wait"] = allowance.resets_at - now
    return call.translate_message(UserMessage(template=template, facts=shown))


def _describe_allowance(allowance: Allowance | None) -> dict[str, Any] | None:
    return asdict(allowance) if allowance else None
