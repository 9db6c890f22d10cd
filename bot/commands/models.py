"""/models: what /imagine may be told by name here: checkpoints, LoRAs, controls."""

from typing import Any

from bot.core.command import Reply
from bot.requests.call import Call, command
from engine.core.params import TaskParams
from engine.core.protocol import Capability

TITLES = {"model": "Checkpoints, for model:", "lora": "LoRAs, for lora:", "control": "Controls, for control:"}


class Params(TaskParams):
    """No options."""


@command("Checkpoints, LoRAs and controls that /imagine takes here")
async def models(call: Call, params: Params) -> Reply:  # noqa: ARG001  # no options
    service = await call.studio.engine.service("imagine")
    usual = call.translate("/imagine draws with {model} where none is named.", model=service.model)
    offers = [_line(call, service, option) for option in TITLES]
    return Reply("\n".join([usual, *offers]), facts=_facts(service))


def _line(call: Call, service: Capability, option: str) -> str:
    names = ", ".join(service.offers.get(option, ()))
    return f"{call.translate(TITLES[option])} {names or call.translate('none')}"


def _facts(service: Capability) -> dict[str, Any]:
    return {"model": service.model, "offers": {option: list(service.offers.get(option, ())) for option in TITLES}}
