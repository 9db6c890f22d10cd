"""/stats: show how many jobs ran, how they ended and how long they took, with a chart of the last day."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from bot.config.sections import BotSection
from bot.core.command import Reply
from bot.i18n.format import format_duration, format_share
from bot.presentation.charts import stats_chart
from bot.requests.call import AnyCall, Call, command
from bot.requests.names import NameStore, load_names
from engine.core.errors import UserMessage
from engine.core.params import TaskParams
from engine.media import files as media
from storage.store import CacheStats, Hour, Spread, Stats, Usage

HOUR_SECONDS, DAY_SECONDS = 3600.0, 86400.0
NO_VALUE = "\N{EN DASH}"
"""Shown in a tile while there are no figures yet."""
MAX_TOP_USERS = 5
"""At most this many of the heaviest users are listed."""


class Params(TaskParams):
    """This command has no options."""


class StatisticsSettings(Protocol):
    """The part of the settings that says where the chart is kept."""

    @property
    def bot(self) -> BotSection:
        """Return [bot]."""


class StatisticsStore(NameStore, Protocol):
    """The part of the store that counts."""

    async def stats(self, since: float) -> Stats:
        """Return the figures since then."""

    async def by_hour(self, now: float | None = None) -> list[Hour]:
        """Return the figures of each of the last 24 hours."""

    async def top_users(self, since: float, count: int) -> list[Usage]:
        """Return the users who used the devices longest."""

    async def cache_stats(self) -> CacheStats:
        """Return what the cache holds."""


class Statistics(Protocol):
    """What /stats needs."""

    @property
    def settings(self) -> StatisticsSettings:
        """Return the folder of the media."""

    @property
    def store(self) -> StatisticsStore:
        """Return the figures."""


@command("Show what was made and how long it took: last hour, last day and all time")
async def stats(call: Call[Statistics], params: Params) -> Reply:  # noqa: ARG001  # no options
    """Reply with the figures and the chart; admins also see the heaviest users."""
    store, now = call.studio.store, time.time()
    hour, day, ever = [await store.stats(since) for since in (now - HOUR_SECONDS, now - DAY_SECONDS, 0)]
    cached, hours = await store.cache_stats(), await store.by_hour(now)
    blocks = [
        _format_block(call, call.translate("Last hour"), hour),
        _format_block(call, call.translate("Last day"), day, hour),
        _format_block(call, call.translate("All time"), ever, day),
        call.translate(
            "{count:,} result in the cache, {size:bytes}",
            plural="{count:,} results in the cache, {size:bytes}",
            count=cached.entries,
            size=cached.bytes,
        ),
    ]
    facts: dict[str, Any] = {
        "hour": _describe_stats(hour),
        "day": _describe_stats(day),
        "all": _describe_stats(ever),
        "cache": asdict(cached),
        "hours": [asdict(hour) for hour in hours],
    }
    if call.request.admin:
        top = await store.top_users(now - DAY_SECONDS, MAX_TOP_USERS)
        facts["top_users"] = [asdict(usage) for usage in top]
        names = await load_names(store, [usage.user for usage in top])
        blocks.append(_format_top_users(call, facts["top_users"], names))
    png = await asyncio.to_thread(stats_chart.draw, hours, _build_tiles(call, day), call.request.language)
    folder = call.studio.settings.bot.data_dir / "media"
    return Reply("\n\n".join(block for block in blocks if block), (media.keep(png, folder),), facts)


def _format_block(call: AnyCall, title: str, stats: Stats, before: Stats | None = None) -> str:
    count = sum(sum(outcomes.values()) for outcomes in stats.jobs.values())
    if not count:
        return f"{title} · {call.translate('no jobs')}"
    if stats == before:
        return f"{title} · {call.translate('same as above')}"
    return "\n".join((f"{title} · {_format_job_count(call, count)}", *_format_details(call, stats)))


def _format_job_count(call: AnyCall, count: int) -> str:
    return call.translate("{count:,} job", plural="{count:,} jobs", count=count)


def _format_details(call: AnyCall, stats: Stats) -> Iterator[str]:
    for name, outcomes in stats.jobs.items():
        yield f"/{name}: {_format_outcomes(call, outcomes)}"
    if stats.waiting:
        yield call.translate_message(
            _describe_spread("Typical wait: {median:duration} (95% under {p95:duration})", stats.waiting)
        )
    if stats.running:
        yield call.translate_message(
            _describe_spread("Typical run: {median:duration} (95% under {p95:duration})", stats.running)
        )
    yield call.translate("Cache hits: {hits:,}, misses: {misses:,}", hits=stats.hits, misses=stats.misses)


def _format_outcomes(call: AnyCall, outcomes: Mapping[str, int]) -> str:
    in_progress = sum(outcomes.get(state, 0) for state in ("queued", "running", "delivering"))
    done, cached, failed, cancelled = (outcomes.get(state, 0) for state in ("done", "cached", "failed", "cancelled"))
    parts = (
        call.translate("{count:,} done", plural="{count:,} done", count=done) if done else "",
        call.translate("{count:,} from the cache", count=cached) if cached else "",
        call.translate("{count:,} failed", count=failed) if failed else "",
        call.translate("{count:,} cancelled", plural="{count:,} cancelled", count=cancelled) if cancelled else "",
        call.translate("{count:,} in progress", count=in_progress) if in_progress else "",
    )
    return " · ".join(part for part in parts if part)


def _describe_spread(template: str, spread: Spread) -> UserMessage:
    return UserMessage(template=template, facts={"median": spread.median, "p95": spread.p95})


def _build_tiles(call: AnyCall, day: Stats) -> list[stats_chart.Tile]:
    lookups, language = day.hits + day.misses, call.request.language
    wait, run = (
        format_duration(spread.median, language) if spread else NO_VALUE for spread in (day.waiting, day.running)
    )
    hits = format_share(day.hits / lookups, language) if lookups else NO_VALUE
    return [
        stats_chart.Tile(call.translate("typical wait"), wait),
        stats_chart.Tile(call.translate("typical run"), run),
        stats_chart.Tile(call.translate("cache hits"), hits),
    ]


def _format_top_users(call: AnyCall, top: list[dict[str, Any]], names: Mapping[str, str]) -> str:
    if not top:
        return ""
    lines = [
        " · ".join(
            (
                names[usage["user"]],
                _format_job_count(call, usage["jobs"]),
                format_duration(usage["seconds"], call.request.language),
            )
        )
        for usage in top
    ]
    return "\n".join((call.translate("Heaviest users in the last day"), *lines))


def _describe_stats(stats: Stats) -> dict[str, Any]:
    waiting, running = (asdict(spread) if spread else None for spread in (stats.waiting, stats.running))
    return {
        "jobs": {name: dict(outcomes) for name, outcomes in stats.jobs.items()},
        "waiting": waiting,
        "running": running,
        "hits": stats.hits,
        "misses": stats.misses,
    }
