"""One request on its way through a command, and the `@command` decorator that declares one."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bot.core.capabilities import identity, refuse
from bot.core.command import Answer, Command, Reply, Request
from bot.i18n.translate import say
from engine.core.errors import EngineDied
from engine.core.job import Job, key_of
from engine.core.params import TaskParams

if TYPE_CHECKING:
    from bot.app import Studio

P = TypeVar("P", bound=TaskParams)


@dataclass(frozen=True)
class Call:
    """One request on its way through a command: who asks, and the studio that answers."""

    request: Request
    studio: "Studio"

    def say(self, template: str, /, **facts: str | float) -> str:
        """The sentence in the person's language."""
        return say(template, self.request.language, **facts)

    async def job(self, task: str, params: TaskParams, cost: float = 1.0) -> Job:
        """A job for `task`, once the engine says which model serves it.

        Raises EngineDied when it cannot start, or takes no new jobs.
        """
        if self.studio.engine.mode == "draining":
            raise EngineDied("The studio takes no new jobs for now; those in line still run. Try again later.")
        service = await self.studio.engine.service(task)
        refuse(params, service)
        dumped = params.seeded().model_dump(mode="json")
        request = self.request
        role = self.studio.settings.role(request.user, admin=request.admin)
        return Job(
            command=request.command,
            task=task,
            params=dumped,
            key=key_of(task, service.version, identity(params, service), dumped),
            user=request.user,
            origin=request.origin,
            private=request.private,
            place=request.place,
            language=request.language,
            request=request.id,
            cost=cost,
            weight=role.weight,
            at_once=role.running,
            in_line=role.queued,
        )


def command(
    description: str,
    *,
    admin: bool = False,
    button: str = "",
    needs: tuple[str, ...] = (),
    menu: str = "",
    hidden: bool = False,
    withdrawing: bool = False,
    replacing: bool = False,
    alone: bool = False,
    bare: bool = False,
    edits: str = "",
    consent: str = "",
) -> Callable[[Callable[[Call, P], Awaitable[Answer]]], Command]:
    """Declare a command. Its name is the function's, its options are the fields of the annotated `params`.

    It is quiet where it only ever replies: what is said at once is for the asker, what is made is for all.
    """

    def declare(run: Callable[[Call, P], Awaitable[Answer]]) -> Command:
        annotations = inspect.get_annotations(run, eval_str=True)
        return Command(
            name=run.__name__,
            description=description,
            params=annotations["params"],
            run=run,
            admin=admin,
            button=button,
            needs=needs,
            menu=menu,
            hidden=hidden,
            quiet=annotations["return"] is Reply,
            withdrawing=withdrawing,
            replacing=replacing,
            alone=alone,
            bare=bare,
            edits=edits,
            consent=consent,
        )

    return declare
