"""/history: page through the user's results, newest first. The pages are turned by buttons."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from bot.core.command import Button, ButtonAction, ButtonSpec, Reply
from bot.requests.call import Call, command
from bot.requests.contexts import CommandFinder, JobReader, StoredResults
from bot.requests.listing import format_finished, show_button
from bot.requests.outcomes import has_stored_result
from bot.requests.results import JobParams
from engine.core.params import TaskParams
from storage.store import JobRecord

PAGE_ROWS = 5
"""Results on a page. Each has a button."""


class Params(TaskParams):
    """This command has no options."""


class HistoryStore(JobReader, Protocol):
    """The part of the store that pages through results."""

    async def results_before(self, user: str, job: str, count: int, *, private: bool) -> list[JobRecord]:
        """Return the user's newest results, or those before `job`, newest first."""

    async def results_after(self, user: str, job: str, count: int, *, private: bool) -> list[JobRecord]:
        """Return the user's results that directly follow `job`, newest first."""


class HistoryReader(CommandFinder, StoredResults, Protocol):
    """What /history needs."""

    @property
    def store(self) -> HistoryStore:
        """Return the rows of jobs."""


@command("Page through everything you made")
async def history(call: Call[HistoryReader], params: Params) -> Reply:  # noqa: ARG001  # no options
    """List the user's newest results. Where others can read the answer, private ones are left out."""
    return await _page_before(call, "")


@command("Show older results", button=ButtonSpec(action=ButtonAction.REPLACE), hidden=True)
async def older(call: Call[HistoryReader], params: JobParams) -> Reply:
    """List the results before the job."""
    return await _page_before(call, params.job)


@command("Show newer results", button=ButtonSpec(action=ButtonAction.REPLACE), hidden=True)
async def newer(call: Call[HistoryReader], params: JobParams) -> Reply:
    """List the results after the job. The newest page is filled up with older ones."""
    asked = call.request
    rows = await call.studio.store.results_after(asked.user, params.job, PAGE_ROWS + 1, private=asked.private)
    if len(rows) <= PAGE_ROWS:
        return await _page_before(call, "")
    return await _format_page(call, rows[1:], has_newer=True, has_older=True)


async def _page_before(call: Call[HistoryReader], job: str) -> Reply:
    asked = call.request
    rows = await call.studio.store.results_before(asked.user, job, PAGE_ROWS + 1, private=asked.private)
    return await _format_page(call, rows[:PAGE_ROWS], has_newer=bool(job), has_older=len(rows) > PAGE_ROWS)


async def _format_page(
    call: Call[HistoryReader], rows: Sequence[JobRecord], *, has_newer: bool, has_older: bool
) -> Reply:
    if not rows:
        return Reply(call.translate("You haven't made anything yet."), facts={"jobs": []})
    stored = await asyncio.gather(*(has_stored_result(call.studio, row) for row in rows))
    lines = [_format_row(call, row, is_stored=is_stored) for row, is_stored in zip(rows, stored, strict=True)]
    buttons = [show_button(call, row) for row, is_stored in zip(rows, stored, strict=True) if is_stored]
    if has_newer:
        buttons.append(Button(call.translate("Newer"), "newer", rows[0].job.id))
    if has_older:
        buttons.append(Button(call.translate("Older"), "older", rows[-1].job.id))
    return Reply("\n".join(lines), facts={"jobs": [row.job.id for row in rows]}, buttons=tuple(buttons))


def _format_row(call: Call[HistoryReader], row: JobRecord, *, is_stored: bool) -> str:
    line = format_finished(call, row)
    return line if is_stored else f"{line} · {call.translate('no longer stored')}"
