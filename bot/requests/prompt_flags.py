"""Options that people write into the prompt out of habit: `a red cat --ar 16:9 --no text --v 6`."""

from dataclasses import replace

from bot.core.command import Answer, Command, Confirm, Request
from bot.core.command_line import IGNORED_FLAGS, split_options
from engine.core.errors import BadInput, UserMessage
from engine.core.job import Job

PROMPT_OPTIONS = ("prompt", "idea")
"""Options in which a word after two hyphens is an option. Other texts are speech and scripts."""


def read_flags(command: Command, request: Request) -> tuple[Request, tuple[UserMessage, ...]]:
    """Return the request with the options in its prompt as options, and notes on those that mean nothing here.

    The prompt of a program is left as it is. An option that no command knows stays among the options, which are checked
    later. Raises BadInput for an option that is given both ways.
    """
    if request.from_program:
        return request, ()
    raw = dict(request.raw_options)
    for option in PROMPT_OPTIONS:
        prompt = raw.get(option)
        if isinstance(prompt, str) and option in command.params.model_fields and ("--" in prompt or "—" in prompt):
            raw[option], flags = split_options(command.params, prompt)
            _check_given_once(flags.keys() & raw.keys())
            raw |= flags
    ignored = [name for name in raw if name in IGNORED_FLAGS and name not in command.params.model_fields]
    kept = {name: value for name, value in raw.items() if name not in ignored}
    return replace(request, raw_options=kept), tuple(map(_note, ignored))


def add_notes(answer: Answer, notes: tuple[UserMessage, ...]) -> Answer:
    """Return the answer with the notes on each of its jobs."""
    match answer:
        case Job():
            return answer.model_copy(update={"notes": (*notes, *answer.notes)})
        case Confirm():
            job, *more = (each.model_copy(update={"notes": (*notes, *each.notes)}) for each in _jobs(answer))
            return replace(answer, job=job, also_jobs=tuple(more))
    return answer


def _jobs(question: Confirm) -> tuple[Job, ...]:
    return (question.job, *question.also_jobs)


def _check_given_once(names: set[str]) -> None:
    if names:
        raise BadInput("{option} is given twice, once in the prompt. Leave one out.", option=min(names))


def _note(flag: str) -> UserMessage:
    return UserMessage(template="--{flag} has no effect here, so it was left out.", facts={"flag": flag})
