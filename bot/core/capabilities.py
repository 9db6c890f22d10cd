"""What the model that serves a task takes here: the names that options may have, and what it cannot honour."""

from collections.abc import Collection

from engine.core.errors import BadInput
from engine.core.params import TaskParams
from engine.core.protocol import Capability

UNGUIDED = "{option} has no effect with {model}, which draws without guidance. Leave it out."
CANNOT = "{model}, which draws here, cannot do {option}. Leave it out."


def model_identity(params: TaskParams, service: Capability) -> str:
    """Of the model that does it, with all that was chosen by name: a file that was replaced is another."""
    chosen = [
        f"{option} {known[name].identity}"
        for option, known in service.offers.items()
        for name in params.chosen_names(option)
    ]
    return " ".join([service.model, *chosen])


def check_supported(params: TaskParams, service: Capability) -> None:
    """Raises BadInput for an option that the model cannot honour, or a name that is not known here."""
    refuses = service.refuses
    for option, known in service.offers.items():
        for name in params.chosen_names(option):
            if name not in known:
                raise _missing_name_error(option, name, known, told=f"{option} {name}" in service.extras)
            refuses = known[name].refuses if option == "model" else refuses
    for name in refuses:
        if params.is_set(name):
            template = UNGUIDED if name in ("negative", "guidance") else CANNOT
            raise BadInput(template, option=name, model=service.model)


def _missing_name_error(option: str, name: str, known: Collection[str], *, told: bool) -> BadInput:
    """`told` where /status says why."""
    if told:
        template = "{option} “{value}” is not here, and /status says why. There is: {known}."
        return BadInput(template, option=option, value=name, known=", ".join(known))
    if not known:
        return BadInput("{option} “{value}” is not here; the owner has added none.", option=option, value=name)
    template = "{option} “{value}” is not here. There is: {known}."
    return BadInput(template, option=option, value=name, known=", ".join(known))
