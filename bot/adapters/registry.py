"""Start the adapters that are configured. For each of the others, log why it is off and how to turn it on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from bot.adapters import discord, telegram, web
from bot.config.platforms import DISCORD, TELEGRAM, WEB, PlatformNames
from bot.config.settings import Settings
from bot.requests.service import Service
from engine.core.errors import UserMessage
from engine.host.background import BackgroundTask, running_in_background

log = structlog.get_logger()

Start = Callable[[Service], Awaitable[None]]
"""Connect a platform and serve it until cancelled."""


@dataclass(frozen=True)
class Platform:
    """A platform that Atelier can serve. `names` holds its section in the settings and its token variable."""

    names: PlatformNames
    start: Start
    needs_token: bool = True
    """Whether it is on once its token is set. Otherwise its section has `enabled`."""

    def reason_off(self, settings: Settings) -> UserMessage | None:
        """Return why the platform is off and how to turn it on, or None where it can be started."""
        section = getattr(settings, self.names.name)
        if self.needs_token and not section.token:
            return UserMessage(
                template="off: set {variable} and restart", facts={"variable": self.names.token_variable}
            )
        if not self.needs_token and not section.enabled:
            return UserMessage(
                template="off: set {setting} = true in config.toml", facts={"setting": f"{self.names.name}.enabled"}
            )
        return None


PLATFORMS = (
    Platform(WEB, web.run, needs_token=False),
    Platform(DISCORD, discord.run),
    Platform(TELEGRAM, telegram.run),
)
"""Every platform. A new one also needs a folder here, its names in `bot.config.platforms`, and a settings section."""


@asynccontextmanager
async def run_adapters(service: Service, unreachable: asyncio.Event) -> AsyncIterator[None]:
    """Run each adapter in its own task while the context is open. An adapter that fails reports it in `status` and
    leaves the others running.

    Set `unreachable` as soon as no adapter is on.
    """
    states = service.studio.adapters
    tasks: list[BackgroundTask] = []
    for platform in PLATFORMS:
        name, reason_off = platform.names.name, platform.reason_off(service.studio.settings)
        states[name] = reason_off or UserMessage(template="on")
        if reason_off is None:
            tasks.append(_run_adapter(service, name, platform.start, unreachable))
        log.info("adapter", platform=name, state=str(states[name]))
    if not is_reachable(service):
        unreachable.set()
    async with running_in_background(*tasks):
        yield


def is_reachable(service: Service) -> bool:
    """Return whether at least one platform is on or connecting."""
    return not all(state.template.startswith("off:") for state in service.studio.adapters.values())


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
