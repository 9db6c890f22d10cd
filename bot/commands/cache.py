"""/cache: what is kept for repeated requests, and clearing it."""

import time
from dataclasses import asdict
from typing import Literal

from pydantic import Field

from bot.core.command import Reply
from bot.i18n.format import format_bytes, format_duration
from bot.requests.call import Call, command
from engine.core.errors import BadInput, NotAllowed
from engine.core.params import TaskParams

DAY_SECONDS = 86400.0


class Params(TaskParams):
    """`older_than_days` goes with clear; without it everything goes."""

    action: Literal["stats", "clear"] = Field(
        "stats",
        description="Look at the cache, or clear it; clearing is for admins",
        examples=["clear"],
        json_schema_extra={"positional": True},
    )
    older_than_days: int | None = Field(
        None,
        description="Clear only what is older than this many days",
        ge=0,
        le=36500,
        examples=[7],
        json_schema_extra={"positional": True},
    )


@command("What the cache holds; admins clear it")
async def cache(call: Call, params: Params) -> Reply:
    if params.action == "clear":
        return await _clear(call, params.older_than_days)
    if params.older_than_days is not None:
        raise BadInput("older_than_days goes with clear: /cache clear {days}", days=params.older_than_days)
    return await _stats(call)


async def _stats(call: Call) -> Reply:
    stats = await call.studio.store.cache_stats()
    bound = call.studio.settings.cache.max_bytes
    asked = stats.hits + stats.misses
    lines = [
        call.translate(
            "Results: {entries}, {bytes} of {bound}",
            entries=stats.entries,
            bytes=format_bytes(stats.bytes),
            bound=format_bytes(bound),
        ),
        call.translate("Hits {hits}, misses {misses}", hits=stats.hits, misses=stats.misses),
    ]
    if asked:
        lines.append(call.translate("{share} of requests were answered at once", share=f"{stats.hits / asked:.0%}"))
    if stats.oldest is not None:
        lines.append(call.translate("The oldest is {age} old", age=format_duration(time.time() - stats.oldest)))
    rate = stats.hits / asked if asked else None
    return Reply("\n".join(lines), facts={**asdict(stats), "max_bytes": bound, "hit_rate": rate})


async def _clear(call: Call, days: int | None) -> Reply:
    if not call.request.admin:
        raise NotAllowed("Only an admin may clear the cache. /cache stats shows it.")
    entries, freed = await call.studio.store.cache_clear(None if days is None else days * DAY_SECONDS)
    text = call.translate("Results cleared: {entries}, {bytes}", entries=entries, bytes=format_bytes(freed))
    return Reply(text, facts={"entries": entries, "bytes": freed})
