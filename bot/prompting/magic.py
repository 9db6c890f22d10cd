"""Prompts that magic writes: asked of the engine, shown with what can be done with them, drawn."""

from collections.abc import Sequence
from contextlib import aclosing

from bot.app import Prompt
from bot.core.command import Confirm
from bot.prompting import styles
from bot.prompting.expansion import confirm_batch, expand_checked
from bot.requests.call import Call
from bot.requests.results import load_result
from engine.core.errors import BadInput, UserMessage
from engine.core.job import Done, Failed, Job
from engine.tasks.imagine import params as imagine_params
from engine.tasks.magic import params as magic_params

SMALL = ("pocket",)
"""Backends that draw one simple thing, and for which a long prompt does more harm than good."""
MAX_LLM_PROMPTS = 6
"""Prompts that a language model writes before a question is shown: 3 to 4 s each, in which nothing is seen."""
MAX_CACHED_PROMPTS = 256
"""Prompts that are remembered for whoever draws the same idea again."""


async def magic_job(call: Call, params: magic_params.Params) -> Job:
    """A job that writes a prompt as the model that draws here wants it. Raises BadInput for an unknown style."""
    small = (await call.studio.engine.service("imagine")).backend in SMALL
    idea, style = styles.apply_own_style(call.studio.settings, params.style, params.idea)
    settled = magic_params.Params.parse(
        {**params.model_dump(), "idea": idea, "style": style, "short": params.short or small}
    )
    job = await call.build_job("magic", settled)
    return job.model_copy(update={"command": "magic"})


async def expand_now(call: Call, idea: str, style: str) -> Prompt:
    """What magic makes of the idea, at once: it runs beside the pictures. Raises what that run does."""
    job = await magic_job(call, magic_params.Params.parse({"idea": idea, "style": style}))
    known = call.studio.prompts
    if job.key not in known:
        prompt = await _run_and_wait(call, job)
        known[job.key] = prompt
        if len(known) > MAX_CACHED_PROMPTS:
            del known[next(iter(known))]
    return known[job.key]


async def check_few(call: Call, prompts: Sequence[str]) -> None:
    """Raises BadInput for more prompts than the person should wait for; the grammar writes any number at once."""
    if (await call.studio.engine.service("magic")).backend == "grammar" or len(prompts) <= MAX_LLM_PROMPTS:
        return
    template = (
        "{option} stands for {count} pictures; magic writes at most {most} prompts at once here. "
        "Leave some variants out, or draw them as they are with magic off."
    )
    raise BadInput(template, option="prompt", count=len(prompts), most=MAX_LLM_PROMPTS)


async def _run_and_wait(call: Call, job: Job) -> Prompt:
    async with aclosing(call.studio.coalescer.subscribe(job)) as updates:
        last = [update async for update in updates][-1]
    if isinstance(last, Failed):
        raise last.error()
    if not isinstance(last, Done):
        raise BadInput("The studio restarts. Ask again in a minute.")
    facts = last.result.facts
    by = UserMessage(template="The prompt was written by {model}.", facts={"model": str(facts["model"])})
    return Prompt(str(facts["prompt"]), (by, *last.result.notes))


async def image_job(call: Call, params: imagine_params.Params, notes: tuple[UserMessage, ...] = ()) -> Job:
    """A job that draws the prompt as it stands, at the limits of /imagine; `notes` are on how that came to be."""
    job = await call.build_job("imagine", params, cost=params.count)
    return job.model_copy(update={"command": "imagine", "notes": notes})


async def image_jobs(call: Call, prompt: str) -> Job | Confirm:
    """What draws each prompt that this one stands for; asked about first where they are several."""
    prompts = await expand_checked(call, prompt, None)
    job, *more = [await image_job(call, imagine_params.Params.parse({"prompt": each})) for each in prompts]
    return confirm_batch(call, job, more, prompts) if more else job


async def prompt_of(call: Call, job: str, fact: str) -> str:
    """The `prompt` or the `idea` of a prompt that magic wrote. Raises BadInput where there is none."""
    row = await load_result(call.studio, call.request, job)
    text = row.result.facts.get(fact) if row.result else None
    if row.job.task != "magic" or not isinstance(text, str):
        raise BadInput("Job {job} wrote no prompt. /magic does.", job=job)
    return text


async def always(call: Call) -> bool:
    """Whether the person has magic make a full prompt of every idea."""
    return await call.studio.store.note(_note(call)) == "on"


async def set_always(call: Call, *, on: bool) -> None:
    await call.studio.store.set_note(_note(call), "on" if on else "off")


def _note(call: Call) -> str:
    return f"magic {call.request.user}"
