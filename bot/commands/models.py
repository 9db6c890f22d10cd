"""/models: what /imagine may be told by name here: checkpoints, LoRAs, controls."""

from typing import Any

from bot.core.command import Reply
from bot.requests.call import Call, command
from engine.core.params import TaskParams
from engine.core.protocol import Service

TITLES = {"model": "Checkpoints, for model:", "lora": "LoRAs, for lora:", "control": "Controls, for control:"}


class Params(TaskParams):
    """No options."""


@command("Checkpoints, LoRAs and controls that /imagine takes here")
async def models(call: Call, params: Params) -> Reply:  # noqa: ARG001  # no options
    service = await call.studio.engine.service("imagine")
    usual = call.say("/imagine draws with {model} where none is named.", model=service.model)
    offers = [_line(call, service, option) for option in TITLES]
    return Reply("\n".join([usual, *offers]), facts=_facts(service))


def _line(call: Call, service: Service, option: str) -> str:
    names = ", ".join(service.offers.get(option, ()))
    return f"{call.say(TITLES[option])} {names or call.say('none')}"


def _facts(service: Service) -> dict[str, Any]:
    return {"model": service.model, "offers": {option: list(service.offers.get(option, ())) for option in TITLES}}
