"""The context in which a command runs, and the `@command` decorator that declares a command."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

from bot.app import AppContext
from bot.config.units import parse_rate
from bot.core.capabilities import check_supported, model_identity
from bot.core.command import Answer, ButtonSpec, Command, Confirm, Reply, Request
from bot.core.route import Report, Route
from bot.i18n.translate import translate, translate_message
from bot.requests.contexts import JobBuilder
from engine.core.errors import EngineDied, UserMessage
from engine.core.job import Job, key_of
from engine.core.params import TaskParams

P = TypeVar("P", bound=TaskParams)
S_co = TypeVar("S_co", covariant=True)


@dataclass(frozen=True)
class Call(Generic[S_co]):
    """One run of a command: the request, and what the command sees of the application, a Protocol of `contexts`."""

    request: Request
    studio: S_co

    def translate(self, template: str, /, *, plural: str = "", **facts: str | float) -> str:
        """Return the sentence in the user's language. `bot.i18n.translate` describes the arguments."""
        return translate(template, self.request.language, plural=plural, **facts)

    def translate_message(self, message: UserMessage) -> str:
        """Return the message in the user's language."""
        return translate_message(message, self.request.language)

    async def build_job(self: "Call[JobBuilder]", task: str, params: TaskParams, cost: float = 1.0) -> Job:
        """Return a job for `task`, after checking the options against the model that serves it.

        `cost` is the expected device time in seconds. Raises BadInput for an option that the model does not support,
        EngineDied if the engine cannot start or accepts no new jobs.
        """
        if self.studio.engine.mode == "draining":
            raise EngineDied(
                "The studio isn't accepting new jobs right now; queued jobs will still run. Try again later."
            )
        service = await self.studio.engine.service(task)
        check_supported(params, service)
        seeded = params.with_seed()
        values = seeded.model_dump(mode="json")
        request = self.request
        key = key_of(task, service.version, model_identity(params, service), values)
        role = self.studio.settings.role(request.user, admin=request.admin)
        job = Job(
            command=request.command,
            task=task,
            params=values,
            key=key,
            repeat_key=key if params.has_open_seed() and not request.from_program else "",
            user=request.user,
            origin=request.origin,
            private=request.private,
            place=request.scope,
            language=request.language,
            request=request.id,
            reply_token=request.reply_token,
            cost=cost,
            weight=role.weight,
            max_running=role.running,
            max_queued=role.queued,
        )
        job.keep_parsed(seeded)
        return job


AnyCall = Call[object]
"""The call of a command that sees nothing of the application: it can translate, and knows the request."""

JobCall = Call[JobBuilder]
"""The call of a command that only builds jobs."""


def command(
    description: str,
    *,
    rate: str = "",
    route: Route | None = None,
    reports: tuple[Report, ...] = (),
    admin: bool = False,
    button: ButtonSpec | None = None,
    menu: str = "",
    hidden: bool = False,
    consent: str = "",
) -> Callable[[Callable[[Call[AppContext], P], Awaitable[Answer]]], Command]:
    """Declare a command. Its name is the function's; its options are the fields of the annotated `params`.

    `rate` is written as in config.toml, such as "10/60s". A command with a rate may be limited and turned off there.
    A command annotated to return only `Reply` is ephemeral: its answers are private, whereas job results are public.
    """

    def declare(run: Callable[[Call[AppContext], P], Awaitable[Answer]]) -> Command:
        """Return the command that `run` implements."""
        annotations = inspect.get_annotations(run, eval_str=True)
        return Command(
            name=run.__name__,
            description=description,
            params=annotations["params"],
            run=run,
            rate=parse_rate(rate) if rate else None,
            route=route,
            reports=reports,
            admin=admin,
            button=button,
            menu=menu,
            hidden=hidden,
            ephemeral=annotations["return"] is Reply,
            consent=consent,
            may_ask=bool(consent) or Confirm in get_args(annotations["return"]),
        )

    return declare
