"""/stats: what was asked, how it went and how long it took, with a picture of the last day."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bot.core.command import Reply
from bot.i18n.format import format_bytes, format_duration
from bot.presentation.charts import stats_chart
from bot.requests.call import Call, command
from engine.core.params import TaskParams
from engine.media import files as media
from storage.store import Spread, Stats

HOUR_SECONDS, DAY_SECONDS = 3600.0, 86400.0
NONE_YET = "\N{EN DASH}"
MAX_TOP_USERS = 5
"""How many of those who used most are told."""


class Params(TaskParams):
    """No options."""


@command("What was asked and how long it took: the last hour, the last day and all time")
async def stats(call: Call, params: Params) -> Reply:  # noqa: ARG001  # no options
    store, now = call.studio.store, time.time()
    hour, day, ever = [await store.stats(since) for since in (now - HOUR_SECONDS, now - DAY_SECONDS, 0)]
    held, hours = await store.cache_stats(), await store.by_hour(now)
    blocks = [
        _block(call, call.translate("Last hour"), hour),
        _block(call, call.translate("Last day"), day, hour),
        _block(call, call.translate("All time"), ever, day),
        call.translate(
            "Results in the cache: {entries}, {bytes}", entries=held.entries, bytes=format_bytes(held.bytes)
        ),
    ]
    facts: dict[str, Any] = {
        "hour": _facts(hour),
        "day": _facts(day),
        "all": _facts(ever),
        "cache": asdict(held),
        "hours": [asdict(each) for each in hours],
    }
    if call.request.admin:
        top = await store.top_users(now - DAY_SECONDS, MAX_TOP_USERS)
        facts["top_users"] = [asdict(usage) for usage in top]
        blocks.append(_top(call, facts["top_users"]))
    png = await asyncio.to_thread(stats_chart.draw, hours, _tiles(call, day), call.request.language)
    folder = call.studio.settings.bot.data_dir / "media"
    return Reply("\n\n".join(block for block in blocks if block), (media.keep(png, folder),), facts)


def _block(call: Call, title: str, stats: Stats, before: Stats | None = None) -> str:
    count = sum(sum(outcomes.values()) for outcomes in stats.jobs.values())
    if not count:
        return f"{title} · {call.translate('nothing')}"
    if stats == before:
        return f"{title} · {call.translate('the same')}"
    return "\n".join((f"{title} · {_jobs(call, count)}", *_lines(call, stats)))


def _jobs(call: Call, count: int) -> str:
    return call.translate("1 job") if count == 1 else call.translate("{count} jobs", count=count)


def _lines(call: Call, stats: Stats) -> Iterator[str]:
    for name, outcomes in stats.jobs.items():
        yield f"/{name}: {_outcomes(call, outcomes)}"
    if stats.waiting:
        yield call.translate("Waiting: {median}, 95 % within {p95}", **_spans(stats.waiting))
    if stats.running:
        yield call.translate("Running: {median}, 95 % within {p95}", **_spans(stats.running))
    yield call.translate("Cache: hits {hits}, misses {misses}", hits=stats.hits, misses=stats.misses)


def _outcomes(call: Call, outcomes: Mapping[str, int]) -> str:
    under_way = sum(outcomes.get(state, 0) for state in ("queued", "running", "delivering"))
    told = (
        (outcomes.get("done", 0), call.translate("made")),
        (outcomes.get("cached", 0), call.translate("from the cache")),
        (outcomes.get("failed", 0), call.translate("failed")),
        (outcomes.get("cancelled", 0), call.translate("cancelled")),
        (under_way, call.translate("under way")),
    )
    return " · ".join(f"{count} {word}" for count, word in told if count)


def _spans(spread: Spread) -> dict[str, str]:
    return {"median": format_duration(spread.median), "p95": format_duration(spread.p95)}


def _tiles(call: Call, day: Stats) -> list[stats_chart.Tile]:
    asked = day.hits + day.misses
    return [
        stats_chart.Tile(
            call.translate("typical wait"), format_duration(day.waiting.median) if day.waiting else NONE_YET
        ),
        stats_chart.Tile(
            call.translate("typical run"), format_duration(day.running.median) if day.running else NONE_YET
        ),
        stats_chart.Tile(call.translate("cache hits"), f"{day.hits / asked:.0%}" if asked else NONE_YET),
    ]


def _top(call: Call, top: list[dict[str, Any]]) -> str:
    if not top:
        return ""
    lines = [f"{usage['user']} · {_jobs(call, usage['jobs'])} · {format_duration(usage['seconds'])}" for usage in top]
    return "\n".join((call.translate("Who used most in the last day"), *lines))


def _facts(stats: Stats) -> dict[str, Any]:
    waiting, running = (asdict(spread) if spread else None for spread in (stats.waiting, stats.running))
    return {
        "jobs": {name: dict(outcomes) for name, outcomes in stats.jobs.items()},
        "waiting": waiting,
        "running": running,
        "hits": stats.hits,
        "misses": stats.misses,
    }
