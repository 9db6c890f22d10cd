"""A prompt that stands for several: how many it may, and the question before they are drawn."""

import asyncio
import secrets
import textwrap
from collections.abc import Sequence

from bot.core.command import Confirm
from bot.prompting.articles import agree_articles
from bot.prompting.templates import COUNTED, count, variants
from bot.prompting.wildcard_lists import Lists
from bot.requests.call import Call
from engine.core.errors import BadInput
from engine.core.job import Job
from engine.core.params import MAX_SEED

MAX_PROMPTS = 24
"""Jobs that one prompt may make."""
MAX_PROMPTS_SHOWN = 6
"""Prompts that the question shows."""


async def expand_checked(call: Call, prompt: str, seed: int | None, option: str = "prompt") -> list[str]:
    """Return the prompts that this one stands for; a thread reads the lists and expands it.

    Raises BadInput, which names the option, for more prompts than may be made at once, for a prompt that is not written
    right, and for a list that is not there.
    """
    most, jobs = _most(call), count(prompt, option)
    if jobs > COUNTED:
        template = (
            "{option} stands for more than {count} pictures; at most {most} are made at once here. "
            "Leave some variants out."
        )
        raise BadInput(template, option=option, count=COUNTED, most=most)
    if jobs > most:
        template = (
            "{option} stands for {count} pictures; at most {most} are made at once here. Leave some variants out."
        )
        raise BadInput(template, option=option, count=jobs, most=most)
    drawn = secrets.randbelow(MAX_SEED) if seed == -1 else seed
    return await asyncio.to_thread(_expand, prompt, drawn, Lists(call.studio.settings.bot.wildcards))


def _expand(prompt: str, seed: int | None, lists: Lists) -> list[str]:
    return [agree_articles(each, prompt) for each in variants(prompt, seed, lists)]


def confirm_batch(call: Call, job: Job, more: Sequence[Job], prompts: Sequence[str]) -> Confirm:
    """The question that says how many jobs there would be, and of which prompts."""
    jobs = len(more) + 1
    shown = [textwrap.shorten(each, 100, placeholder="…") for each in prompts[:MAX_PROMPTS_SHOWN]]
    rest = [call.translate("… and {count} more", count=jobs - MAX_PROMPTS_SHOWN)] if jobs > MAX_PROMPTS_SHOWN else []
    text = "\n".join([call.translate("This makes {count} jobs. Draw them all?", count=jobs), *shown, *rest])
    return Confirm(text, call.translate("Draw {count}", count=jobs), job, facts={"jobs": jobs}, also_jobs=tuple(more))


def _most(call: Call) -> int:
    """What the person's role and the limit of /imagine allow together."""
    role = call.studio.settings.role(call.request.user, admin=call.request.admin)
    rate = call.studio.settings.limits.get("imagine")
    return min(MAX_PROMPTS, role.running + role.queued, rate.count if rate else MAX_PROMPTS)
