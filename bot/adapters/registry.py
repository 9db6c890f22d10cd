"""Start the adapters that are configured. For each of the others, log why it is off and how to turn it on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from bot.adapters import discord, telegram, web
from bot.requests.service import Service
from engine.core.errors import UserMessage
from engine.host.background import BackgroundTask, running_in_background

log = structlog.get_logger()

Start = Callable[[Service], Awaitable[None]]
"""Connect a platform and serve it until cancelled."""


@asynccontextmanager
async def run_adapters(service: Service, unreachable: asyncio.Event) -> AsyncIterator[None]:
    """Run each adapter in its own task while the context is open. An adapter that fails reports it in `status` and
    leaves the others running.

    Set `unreachable` as soon as no adapter is on.
    """
    states = service.studio.adapters
    tasks: list[BackgroundTask] = []
    for name, start, off in _plan_adapters(service):
        states[name] = off or UserMessage(template="on")
        if off is None:
            tasks.append(_run_adapter(service, name, start, unreachable))
        log.info("adapter", platform=name, state=str(states[name]))
    if not is_reachable(service):
        unreachable.set()
    async with running_in_background(*tasks):
        yield


def is_reachable(service: Service) -> bool:
    """Return whether at least one platform is on or connecting."""
    return not all(state.template.startswith("off:") for state in service.studio.adapters.values())


def _plan_adapters(service: Service) -> list[tuple[str, Start, UserMessage | None]]:
    """Return the name and the start function of each adapter, and why it is off (None where it can start)."""
    settings = service.studio.settings
    unset = "off: set {variable} and restart"
    return [
        (
            "web",
            web.run,
            None if settings.web.enabled else UserMessage(template="off: set web.enabled = true in config.toml"),
        ),
        ("discord", discord.run, None if settings.discord.token else _off(unset, variable="ATELIER_DISCORD_TOKEN")),
        ("telegram", telegram.run, None if settings.telegram.token else _off(unset, variable="ATELIER_TELEGRAM_TOKEN")),
    ]


def _off(template: str, **facts: str) -> UserMessage:
    return UserMessage(template=template, facts=dict(facts))


async def _run_adapter(service: Service, name: str, start: Start, unreachable: asyncio.Event) -> None:
    """Run one adapter. Where it raises, log the traceback and report the adapter as off."""
    try:
        await start(service)
    except Exception as error:
        log.exception("adapter failed", platform=name)
        service.studio.adapters[name] = UserMessage(
            template="off: it failed ({kind}); see the log", facts={"kind": type(error).__name__}
        )
    if not is_reachable(service):
        unreachable.set()
