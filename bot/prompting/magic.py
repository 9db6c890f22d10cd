"""Magic prompts: write them on the engine, cache them, and build the jobs that draw them."""

from collections.abc import Sequence

from bot.app import Prompt
from bot.core.capabilities import display_model
from bot.core.command import Confirm
from bot.jobs.lifecycle import run_unstored
from bot.prompting import styles
from bot.prompting.expansion import confirm_batch, expand_prompt
from bot.requests.call import Call, JobCall
from bot.requests.contexts import PromptWriter
from bot.requests.results import load_result
from engine.core.errors import BadInput, UserMessage
from engine.core.job import Done, Failed, Job
from engine.tasks.imagine import params as imagine_params
from engine.tasks.magic import params as magic_params

SHORT_PROMPT_BACKENDS = ("pocket",)
"""Backends that draw one simple subject, and draw it worse from a long prompt."""
MAX_LLM_PROMPTS = 6
"""Prompts that a language model writes for one request. Each takes 3 to 4 s, during which the user sees nothing."""
MAX_CACHED_PROMPTS = 256
"""Prompts that are kept in memory for users who draw the same idea again."""


async def magic_job(call: Call[PromptWriter], params: magic_params.Params) -> Job:
    """Return a job that writes a prompt suited to the image model used here. Raises BadInput for an unknown style."""
    needs_short = (await call.studio.engine.service("imagine")).backend in SHORT_PROMPT_BACKENDS
    idea, style = styles.apply_own_style(call.studio.settings, params.style, params.idea)
    resolved = magic_params.Params.parse(
        {**params.model_dump(), "idea": idea, "style": style, "short": params.short or needs_short}
    )
    job = await call.build_job("magic", resolved)
    return job.model_copy(update={"command": "magic"})


async def expand_now(call: Call[PromptWriter], idea: str, style: str) -> Prompt:
    """Return magic's prompt for the idea, from the cache or from a run outside the queue. Raises the run's error."""
    job = await magic_job(call, magic_params.Params.parse({"idea": idea, "style": style}))
    cache = call.studio.prompts
    if job.shared_key not in cache:
        prompt = await _run_and_wait(call, job)
        cache[job.shared_key] = prompt
        if len(cache) > MAX_CACHED_PROMPTS:
            del cache[next(iter(cache))]
    return cache[job.shared_key]


async def check_prompt_count(call: Call[PromptWriter], prompts: Sequence[str]) -> None:
    """Raise BadInput for more prompts than a language model can write in time. The grammar has no such limit."""
    if (await call.studio.engine.service("magic")).backend == "grammar" or len(prompts) <= MAX_LLM_PROMPTS:
        return
    raise BadInput(
        "{option} expands to {count:,} picture; magic's limit is {most} at once. "
        "Remove some variants, or turn magic off.",
        plural="{option} expands to {count:,} pictures; magic's limit is {most} at once. "
        "Remove some variants, or turn magic off.",
        option="prompt",
        count=len(prompts),
        most=MAX_LLM_PROMPTS,
    )


async def _run_and_wait(call: Call[PromptWriter], job: Job) -> Prompt:
    """Run the job and return its prompt. Raises the run's error, and BadInput if the studio shuts down."""
    last = await run_unstored(call.studio.coalescer, job)
    if isinstance(last, Failed):
        raise last.error()
    if not isinstance(last, Done):
        raise BadInput("The studio is restarting. Try again in a minute.")
    facts = last.result.facts
    return Prompt(str(facts["prompt"]), (_name_author(str(facts["model"])), *last.result.notes))


def _name_author(model: str) -> UserMessage:
    """Return the note that says what wrote the prompt."""
    if model == "grammar":
        return UserMessage(template="Prompt written by the built-in rules.")
    return UserMessage(template="Prompt written by {model}.", facts={"model": display_model(model)})


async def image_job(call: JobCall, params: imagine_params.Params, notes: tuple[UserMessage, ...] = ()) -> Job:
    """Return a job that draws the prompt as it is, under the command `imagine`. `notes` say how it was written."""
    job = await call.build_job("imagine", params, cost=params.count)
    return job.model_copy(update={"command": "imagine", "notes": notes})


async def image_jobs(call: Call[PromptWriter], prompt: str) -> Job | Confirm:
    """Return the job that draws the prompt, or a question first if it expands to several jobs."""
    prompts = await expand_prompt(call, prompt, None)
    job, *more = [await image_job(call, imagine_params.Params.parse({"prompt": text})) for text in prompts]
    return confirm_batch(call, job, more, prompts) if more else job


async def prompt_of(call: Call[PromptWriter], job: str, fact: str) -> str:
    """Return the fact `prompt` or `idea` of a magic job. Raises BadInput if the job wrote no prompt."""
    row = await load_result(call.studio, call.request, job)
    text = row.result.facts.get(fact) if row.result else None
    if row.job.task != "magic" or not isinstance(text, str):
        raise BadInput("Job {job} has no prompt. Use /magic to write one.", job=job)
    return text


async def is_always_on(call: Call[PromptWriter]) -> bool:
    """Return whether the user has asked magic to expand every prompt."""
    return await call.studio.store.get_note(_setting_key(call)) == "on"


async def set_always(call: Call[PromptWriter], *, on: bool) -> None:
    """Store whether magic expands every prompt of the user."""
    await call.studio.store.set_note(_setting_key(call), "on" if on else "off")


def _setting_key(call: Call[PromptWriter]) -> str:
    return f"magic {call.request.user}"
