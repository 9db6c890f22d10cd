"""Expand a prompt with variants into several: limit their number, and ask before they are drawn."""

import asyncio
import secrets
import textwrap
from collections.abc import Sequence

from bot.core.command import Confirm
from bot.prompting.articles import agree_articles
from bot.prompting.templates import MAX_COUNTED_PROMPTS, count, expand
from bot.prompting.wildcard_lists import WildcardLists
from bot.requests.call import Call
from bot.requests.contexts import PromptWriter
from engine.core.errors import BadInput
from engine.core.job import Job
from engine.core.params import MAX_SEED

MAX_PROMPTS = 24
"""Jobs that one prompt may create."""
MAX_PROMPTS_SHOWN = 6
"""Expanded prompts that the question shows."""


async def expand_prompt(call: Call[PromptWriter], prompt: str, seed: int | None, option: str = "prompt") -> list[str]:
    """Return the prompts that this one expands to. A thread reads the wildcard lists and expands it.

    The seed determines the words of wildcards. Without one a person gets random words each time, a program the same.
    Raises BadInput, which names `option`, for more prompts than the user may draw at once, for a syntax error, and for
    a wildcard list that does not exist.
    """
    most, jobs = _max_jobs(call), count(prompt, option)
    if jobs > MAX_COUNTED_PROMPTS:
        raise BadInput(
            "{option} expands to more than {count:,} picture; the limit here is {most} at once. Remove some variants.",
            plural="{option} expands to more than {count:,} pictures; the limit here is {most} at once. "
            "Remove some variants.",
            option=option,
            count=MAX_COUNTED_PROMPTS,
            most=most,
        )
    if jobs > most:
        raise BadInput(
            "{option} expands to {count:,} picture; the limit here is {most} at once. Remove some variants.",
            plural="{option} expands to {count:,} pictures; the limit here is {most} at once. Remove some variants.",
            option=option,
            count=jobs,
            most=most,
        )
    is_random = seed == -1 or (seed is None and not call.request.from_program)
    wildcard_seed = secrets.randbelow(MAX_SEED) if is_random else seed
    return await asyncio.to_thread(_expand, prompt, wildcard_seed, WildcardLists(call.studio.settings.bot.wildcards))


def _expand(prompt: str, seed: int | None, lists: WildcardLists) -> list[str]:
    return [agree_articles(text, prompt) for text in expand(prompt, seed, lists)]


def confirm_batch(call: Call[PromptWriter], job: Job, more: Sequence[Job], prompts: Sequence[str]) -> Confirm:
    """Return the question before several jobs: how many there would be, and for which prompts."""
    jobs = len(more) + 1
    shown = [textwrap.shorten(prompt, 100, placeholder="…") for prompt in prompts[:MAX_PROMPTS_SHOWN]]
    rest = [call.translate("… and {count:,} more", count=jobs - MAX_PROMPTS_SHOWN)] if jobs > MAX_PROMPTS_SHOWN else []
    question = call.translate(
        "Your prompt has {count} variant. Draw it?",
        plural="Your prompt has {count} variants. Draw them all?",
        count=jobs,
    )
    text = "\n".join([question, *shown, *rest])
    return Confirm(text, call.translate("Draw {count}", count=jobs), job, facts={"jobs": jobs}, also_jobs=tuple(more))


def _max_jobs(call: Call[PromptWriter]) -> int:
    """Return how many jobs the user may start at once: as many as may wait, or as many as may run if none may wait.

    Jobs of a program cannot wait for the rate limit of /imagine, so that it bounds them too.
    """
    role = call.studio.settings.role(call.request.user, admin=call.request.admin)
    rate = call.studio.rates.get("imagine")
    bound = rate.count if rate and (call.request.from_program or not role.queued) else MAX_PROMPTS
    return min(MAX_PROMPTS, role.queued or role.running, bound)
