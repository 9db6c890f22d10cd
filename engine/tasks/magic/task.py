"""The `magic` task: expand an idea into a full prompt."""

import time

from engine.core.errors import UserMessage
from engine.core.job import Result
from engine.core.task import Task
from engine.tasks.magic import backends
from engine.tasks.magic.contract import style_notes
from engine.tasks.magic.grammar.grammar import TRIMMED_CHARACTERS, medium
from engine.tasks.magic.grammar.idea import parse_idea
from engine.tasks.magic.grammar.lexicon import load_lexicon
from engine.tasks.magic.params import Params
from engine.worker.context import Context

STYLES = tuple(load_lexicon().family)
"""The values of `style` besides auto."""


def in_style(prompt: str, style: str) -> tuple[str, tuple[UserMessage, ...]]:
    """Return the prompt in one of STYLES. If the prompt names a medium itself, return it unchanged with a note."""
    idea = parse_idea(prompt)
    if idea.medium:
        return prompt, style_notes(style, idea.medium)
    return f"{prompt.strip(TRIMMED_CHARACTERS)}, {medium(style, 0, idea.language)}", ()


def run(params: Params, context: Context) -> Result:
    """Return the prompt as a fact. The fact `seconds` is the time to write it, without loading the model."""
    context.progress("loading", 0)
    with context.model("magic") as writer:
        started = time.monotonic()
        writing = writer.write(params, context.progress)
        seconds = round(time.monotonic() - started, 2)
    model_facts = {**context.service.facts(), "seconds": seconds}
    options = {"idea": params.idea, "style": writing.style, "seed": params.seed or 0}
    return Result(notes=writing.notes, facts={"prompt": writing.prompt, **options, **model_facts, **writing.facts})


def workload_class(params: Params) -> str:
    """Return what the run time depends on."""
    return "short" if params.short else "full"


TASK = Task(
    name="magic",
    version=backends.VERSION,
    params=Params,
    run=run,
    choose=backends.choose,
    load=backends.load,
    workload_class=workload_class,
    on_cpu=True,
)
