"""Named styles: the ones that magic knows, and the ones that the owner defines in config.toml."""

from bot.requests.contexts import PromptSettings
from engine.core.errors import BadInput
from engine.tasks.magic.task import STYLES

AUTO_STYLES = ("", "auto")
"""Values with which magic chooses a style itself."""


def apply_own_style(settings: PromptSettings, style: str, prompt: str) -> tuple[str, str]:
    """Return the prompt, with the style applied if it is the owner's, and the style that is left for magic to apply.

    Case is ignored. Raises BadInput for an unknown style.
    """
    if style not in settings.styles:
        spellings = {name.casefold(): name for name in (*AUTO_STYLES, *STYLES, *settings.styles)}
        style = spellings.get(style.strip().casefold(), style)
    if style in settings.styles:
        return settings.styles[style].replace("{prompt}", prompt), "auto"
    if style not in (*AUTO_STYLES, *STYLES):
        names = ", ".join((*STYLES, *settings.styles))
        raise BadInput("style is “{value}”; it must be one of {names}.", value=style, names=names)
    return prompt, style or "auto"
