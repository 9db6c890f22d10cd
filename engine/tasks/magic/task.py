"""An idea to a full prompt."""

import time

from engine.core.errors import UserMessage
from engine.core.job import Result
from engine.core.task import Task
from engine.tasks.magic import backends
from engine.tasks.magic.contract import style_notes
from engine.tasks.magic.grammar.grammar import ENDS, medium
from engine.tasks.magic.grammar.idea import read
from engine.tasks.magic.grammar.lexicon import lexicon
from engine.tasks.magic.params import Params
from engine.worker.context import Context

STYLES = tuple(lexicon().family)
"""What `style` may be beside auto."""


def in_style(prompt: str, style: str) -> tuple[str, tuple[UserMessage, ...]]:
    """The prompt in one of STYLES; or, where it names a medium of its own, as it is and the notes that say so."""
    idea = read(prompt)
    if idea.medium:
        return prompt, style_notes(style, idea.medium)
    return f"{prompt.strip(ENDS)}, {medium(style, 0, idea.language)}", ()


def run(params: Params, context: Context) -> Result:
    """`seconds` among the facts is from the writer being at hand to the prompt."""
    context.progress("loading", 0)
    with context.model("magic") as writer:
        begun = time.monotonic()
        writing = writer.write(params, context.progress)
        seconds = round(time.monotonic() - begun, 2)
    service = context.service
    made = {"backend": service.backend, "tier": service.tier, "model": service.model, "seconds": seconds}
    asked = {"idea": params.idea, "style": writing.style, "seed": params.seed or 0}
    return Result(notes=writing.notes, facts={"prompt": writing.prompt, **asked, **made, **writing.facts})


def workload_class(params: Params) -> str:
    """What a writing's time hangs on."""
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
