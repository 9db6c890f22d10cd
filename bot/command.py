"""What a person asks for and who answers: Request, Call, Reply, and the @command that serves every platform."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bot.words import Language, say
from engine.errors import BadInput, EngineDied
from engine.job import Job, Media, key_of
from engine.params import TaskParams
from engine.wire import Service

if TYPE_CHECKING:
    from bot.studio import Studio

P = TypeVar("P", bound=TaskParams)


@dataclass(frozen=True)
class Attachment:
    """A file that a person sent, not fetched yet: at `url`, or already on disk at `path`. `url` may hold a token."""

    name: str
    size: int | None = None
    url: str | None = field(default=None, repr=False)
    path: Path | None = None


@dataclass(frozen=True)
class Request:
    """Untrusted words and attachments. `user` is `"discord:42"`; only the adapter that wrote `origin` reads it back.

    `also` are further identities that limits count, such as a web user's address. `id` names the message that asked,
    where its platform may tell of it twice.
    """

    command: str
    raw: Mapping[str, Any]
    user: str
    origin: str
    files: Mapping[str, Attachment] = field(default_factory=dict)
    language: Language = "en"
    admin: bool = False
    private: bool = False
    also: tuple[str, ...] = ()
    id: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer that needs no engine. `facts` is the same for programs: what the HTTP API returns as JSON."""

    text: str
    media: tuple[Media, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


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
        if self.studio.engine.line.mode == "draining":
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
            key=key_of(task, service.version, service.model, dumped),
            user=request.user,
            origin=request.origin,
            private=request.private,
            language=request.language,
            request=request.id,
            cost=cost,
            weight=role.weight,
            at_once=role.running,
            in_line=role.queued,
        )


def refuse(params: TaskParams, service: Service) -> None:
    """Raises BadInput for an option that the model cannot honour."""
    for name in service.refuses:
        if getattr(params, name) != type(params).model_fields[name].default:
            template = "{option} has no effect with {model}, which draws without guidance. Leave it out."
            raise BadInput(template, option=name, model=service.model)


@dataclass(frozen=True)
class Command:
    """One command as every platform sees it."""

    name: str
    description: str
    params: type[TaskParams]
    run: Callable[[Call, Any], Awaitable[Job | Reply]]
    admin: bool = False


def command(
    description: str, *, admin: bool = False
) -> Callable[[Callable[[Call, P], Awaitable[Job | Reply]]], Command]:
    """Declare a command. Its name is the function's, its options are the fields of the annotated `params`."""

    def declare(run: Callable[[Call, P], Awaitable[Job | Reply]]) -> Command:
        params = inspect.get_annotations(run, eval_str=True)["params"]
        return Command(run.__name__, description, params, run, admin)

    return declare
