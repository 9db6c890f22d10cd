"""/cache: show or clear the results that are kept for repeated requests."""

import time
from dataclasses import asdict
from typing import Literal, Protocol

from pydantic import Field

from bot.config.sections import CacheSection
from bot.core.command import Reply
from bot.core.report_models import CacheReport
from bot.core.route import Report
from bot.requests.call import Call, command
from engine.core.errors import BadInput, NotAllowed
from engine.core.params import TaskParams
from storage.store import CacheStats

DAY_SECONDS = 86400.0


class Params(TaskParams):
    """The options. `older_than_days` belongs to `clear`; without it, `clear` removes every result."""

    action: Literal["stats", "clear"] = Field(
        "stats",
        description="Show the cache, or clear it (admins only)",
        examples=["clear"],
        json_schema_extra={"positional": True},
    )
    older_than_days: int | None = Field(
        None,
        description="Clear only results older than this many days",
        ge=0,
        le=36500,
        examples=[7],
        json_schema_extra={"positional": True},
    )


class CacheSettings(Protocol):
    """The part of the settings that concerns the cache."""

    @property
    def cache(self) -> CacheSection:
        """Return [cache]."""


class CacheStore(Protocol):
    """The part of the store that holds results for repeated requests."""

    async def cache_stats(self) -> CacheStats:
        """Return what the cache holds and how often it helped."""

    async def clear_cache(self, older_than: float | None = None) -> tuple[int, int]:
        """Delete the results unused for `older_than` seconds, or all; return how many, and their bytes."""


class CacheControl(Protocol):
    """What /cache needs."""

    @property
    def settings(self) -> CacheSettings:
        """Return [cache]."""

    @property
    def store(self) -> CacheStore:
        """Return the cache."""


@command("Show what the cache holds (admins can clear it)", reports=(Report("/api/cache/stats", CacheReport),))
async def cache(call: Call[CacheControl], params: Params) -> Reply:
    """Reply with the cache's figures, or clear it. Raises NotAllowed when anyone but an admin clears it."""
    if params.action == "clear":
        return await _clear(call, params.older_than_days)
    if params.older_than_days is not None:
        raise BadInput("older_than_days only works with clear. Type /cache clear {days}.", days=params.older_than_days)
    return await _show_stats(call)


async def _show_stats(call: Call[CacheControl]) -> Reply:
    stats = await call.studio.store.cache_stats()
    max_bytes = call.studio.settings.cache.max_bytes
    lookups = stats.hits + stats.misses
    lines = [
        call.translate(
            "{count:,} result, {size:bytes} of {bound:bytes}",
            plural="{count:,} results, {size:bytes} of {bound:bytes}",
            count=stats.entries,
            size=stats.bytes,
            bound=max_bytes,
        ),
        call.translate("Hits: {hits:,}, misses: {misses:,}", hits=stats.hits, misses=stats.misses),
    ]
    if lookups:
        share = stats.hits / lookups
        lines.append(call.translate("{share:.0%} of requests were answered from the cache", share=share))
    if stats.oldest is not None:
        lines.append(call.translate("The oldest result is {age:duration} old", age=time.time() - stats.oldest))
    hit_rate = stats.hits / lookups if lookups else None
    return Reply("\n".join(lines), facts={**asdict(stats), "max_bytes": max_bytes, "hit_rate": hit_rate})


async def _clear(call: Call[CacheControl], days: int | None) -> Reply:
    if not call.request.admin:
        raise NotAllowed("Only admins can clear the cache. Use /cache to see it.")
    entries, freed = await call.studio.store.clear_cache(None if days is None else days * DAY_SECONDS)
    text = call.translate(
        "Cleared {count:,} result ({size:bytes})",
        plural="Cleared {count:,} results ({size:bytes})",
        count=entries,
        size=freed,
    )
    return Reply(text, facts={"entries": entries, "bytes": freed})
