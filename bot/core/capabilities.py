"""Check a request against what the model that serves its task supports here."""

import re
from collections.abc import Collection

from engine.core.errors import BadInput
from engine.core.params import TaskParams
from engine.core.protocol import Capability

_CONTENT_HASH = re.compile(r"-[0-9a-f]{12}(?![^ ,])")
"""The end of a model's identity, which tells files of one name apart."""

NO_GUIDANCE = "{option} has no effect here: {model} draws without guidance. Leave it out."
UNSUPPORTED = "{model} doesn't support {option}. Leave it out."


def model_identity(params: TaskParams, service: Capability) -> str:
    """Return the identity of the model and of everything chosen by name, such as LoRAs, for the cache key.

    An identity covers the file's content, so that a file that was replaced counts as another model.
    """
    chosen = [
        f"{option} {choices[name].identity}"
        for option, choices in service.offers.items()
        for name in params.chosen_names(option)
    ]
    return " ".join([service.model, *chosen])


def display_model(identity: str) -> str:
    """Return a model's identity, or several in one text, as people read it: without the hashes of its files."""
    return _CONTENT_HASH.sub("", identity)


def check_supported(params: TaskParams, service: Capability) -> None:
    """Raise BadInput for an option that the model does not support, or for a name that is not available here."""
    refuses = service.refuses
    for option, choices in service.offers.items():
        for name in params.chosen_names(option):
            if name not in choices:
                raise _unavailable_name_error(option, name, choices, in_status=f"{option} {name}" in service.extras)
            refuses = choices[name].refuses if option == "model" else refuses
    for name in refuses:
        if params.is_set(name):
            template = NO_GUIDANCE if name in ("negative", "guidance") else UNSUPPORTED
            raise BadInput(template, option=name, model=display_model(service.model))


def _unavailable_name_error(option: str, name: str, choices: Collection[str], *, in_status: bool) -> BadInput:
    """Return the error for a name that is not available. With `in_status` it refers to /status, which says why."""
    if in_status:
        template = "{option} “{value}” is not available here; /status says why. Available: {known}."
        return BadInput(template, option=option, value=name, known=", ".join(choices))
    if not choices:
        return BadInput(
            "{option} “{value}” is not available: this studio has none. Leave it out.", option=option, value=name
        )
    template = "{option} “{value}” is not available here. Available: {known}."
    return BadInput(template, option=option, value=name, known=", ".join(choices))
