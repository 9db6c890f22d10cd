"""/commands: show which commands are on in a server or group. Its managers turn them off and on."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal, Protocol

import structlog
from pydantic import Field

from bot.core.command import Reply
from bot.requests.call import Call, command
from engine.core.errors import BadInput, NotAllowed
from engine.core.params import TaskParams
from storage.store import Rate

log = structlog.get_logger()


class Params(TaskParams):
    """The options. `name` belongs to on and off."""

    action: Literal["show", "on", "off"] = Field(
        "show",
        description="Show the commands, or turn one on or off in this server or group",
        examples=["off"],
        json_schema_extra={"positional": True},
    )
    name: str = Field(
        "",
        description="The command to turn on or off",
        max_length=32,
        examples=["animate"],
        json_schema_extra={"positional": True},
    )


class SwitchSettings(Protocol):
    """The part of the settings that turns commands off."""

    @property
    def off(self) -> Mapping[str, Collection[str]]:
        """Return the servers and groups in which the owner has turned each command off."""


class SwitchStore(Protocol):
    """The part of the store that turns commands off."""

    async def commands_off(self, place: str) -> AbstractSet[str]:
        """Return the commands that are off in a server or group."""

    async def switch_command(self, place: str, command: str, *, off: bool) -> None:
        """Turn a command off or on in a server or group."""


class CommandSwitch(Protocol):
    """What /commands needs."""

    @property
    def settings(self) -> SwitchSettings:
        """Return what the owner has turned off."""

    @property
    def store(self) -> SwitchStore:
        """Return what the managers of servers and groups have turned off."""

    @property
    def rates(self) -> Mapping[str, Rate | None]:
        """Return the rate of each command that can be limited or turned off."""


@command("Turn commands on or off in this server or group")
async def commands(call: Call[CommandSwitch], params: Params) -> Reply:
    """Show or change which commands are on. Raises BadInput outside servers and groups, NotAllowed for members."""
    if not call.request.scope:
        raise BadInput("/commands works in servers and groups only. Use it there.")
    if params.action != "show":
        await _switch(call, params.name.lstrip("/"), off=params.action == "off")
    return await _show(call)


async def _switch(call: Call[CommandSwitch], name: str, *, off: bool) -> None:
    """Turn the command off or on in the request's server or group."""
    if not (call.request.admin or await call.request.manages()):
        raise NotAllowed("Only those who manage this server or group can turn commands on or off.")
    names = call.studio.rates
    if name not in names:
        raise BadInput(
            "name is “{value}”. Give a command that can be turned off: {names}.",
            value=name[:40],
            names=", ".join(names),
        )
    await call.studio.store.switch_command(call.request.scope, name, off=off)
    log.warning("commands", command=name, off=off, place=call.request.scope, by=call.request.user)


async def _show(call: Call[CommandSwitch]) -> Reply:
    """List the commands that are on here, and those that are off, by whoever turned them off."""
    scope, settings = call.request.scope, call.studio.settings
    names = list(call.studio.rates)
    here = await call.studio.store.commands_off(scope)
    off = {*here, *(name for name in names if scope in settings.off.get(name, ()))}
    on = [name for name in names if name not in off]
    lines = [call.translate("On: {names}", names=_join(on)), call.translate("Off: {names}", names=_join(sorted(off)))]
    return Reply("\n".join(lines), facts={"on": on, "off": sorted(off)})


def _join(names: list[str]) -> str:
    return ", ".join(f"/{name}" for name in names) or "-"
