"""Starts the adapters that have what they need, and says plainly which are off and how to turn them on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from bot.adapters import discord, telegram, web
from bot.requests.service import Service
from engine.core.errors import UserMessage
from engine.host.background import BackgroundTask, running_in_background

log = structlog.get_logger()

Run = Callable[[Service], Awaitable[None]]


@asynccontextmanager
async def adapters(service: Service, unreachable: asyncio.Event) -> AsyncIterator[None]:
    """Each adapter in a task of its own: one that fails says so in `status` and leaves the others alone.

    `unreachable` is set once none is on.
    """
    states = service.studio.adapters
    duties: list[BackgroundTask] = []
    for name, run, off in _plan_adapters(service):
        states[name] = off or UserMessage(template="on")
        if off is None:
            duties.append(_run_adapter(service, name, run, unreachable))
        log.info("adapter", platform=name, state=str(states[name]))
    if not reachable(service):
        unreachable.set()
    async with running_in_background(*duties):
        yield


def reachable(service: Service) -> bool:
    """Whether a platform is on, or on its way to be."""
    return not all(state.template.startswith("off:") for state in service.studio.adapters.values())


def _plan_adapters(service: Service) -> list[tuple[str, Run, UserMessage | None]]:
    settings = service.studio.settings
    unset = "off: set {variable} and start again"
    return [
        ("web", web.run, None if settings.web.enabled else UserMessage(template="off: set web.enabled in config.toml")),
        ("discord", discord.run, None if settings.discord.token else _off(unset, variable="ATELIER_DISCORD_TOKEN")),
        ("telegram", telegram.run, None if settings.telegram.token else _off(unset, variable="ATELIER_TELEGRAM_TOKEN")),
    ]


def _off(template: str, **facts: str) -> UserMessage:
    return UserMessage(template=template, facts=dict(facts))


async def _run_adapter(service: Service, name: str, run: Run, unreachable: asyncio.Event) -> None:
    """An adapter that ends by a fault of its own is off; its traceback is in the log."""
    try:
        await run(service)
    except Exception as error:
        log.exception("adapter failed", platform=name)
        service.studio.adapters[name] = UserMessage(
            template="off: it failed ({kind}); the log says more", facts={"kind": type(error).__name__}
        )
    if not reachable(service):
        unreachable.set()
