"""/models: list the checkpoints, LoRAs and controls that can be chosen by name in /imagine."""

from typing import Any

from bot.core.capabilities import display_model
from bot.core.command import Reply
from bot.requests.call import JobCall, command
from engine.core.params import TaskParams
from engine.core.protocol import Capability

TITLES = {
    "model": "Checkpoints (option model):",
    "lora": "LoRAs (option lora):",
    "control": "Controls (option control):",
}


class Params(TaskParams):
    """This command has no options."""


@command("List the models, LoRAs and controls you can use with /imagine")
async def models(call: JobCall, params: Params) -> Reply:  # noqa: ARG001  # no options
    """List what can be named, with the default model first."""
    service = await call.studio.engine.service("imagine")
    default = call.translate("Default model: {model}", model=display_model(service.model))
    choices = [_format_choices(call, service, option) for option in TITLES]
    return Reply("\n".join([default, *choices]), facts=_describe_choices(service))


def _format_choices(call: JobCall, service: Capability, option: str) -> str:
    names = ", ".join(service.offers.get(option, ()))
    return f"{call.translate(TITLES[option])} {names or call.translate('none')}"


def _describe_choices(service: Capability) -> dict[str, Any]:
    return {"model": service.model, "offers": {option: list(service.offers.get(option, ())) for option in TITLES}}
