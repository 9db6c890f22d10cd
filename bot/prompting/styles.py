"""Named styles: magic's own, and those that the owner wrote into config.toml."""

from bot.config.settings import Settings
from engine.core.errors import BadInput
from engine.tasks.magic.task import STYLES

AUTO = ("", "auto")


def apply_own_style(settings: Settings, style: str, prompt: str) -> tuple[str, str]:
    """The prompt, in the style where that is the owner's, and the style that magic has to see to.

    Capitals make no difference. Raises BadInput for a style that nobody knows.
    """
    if style not in settings.styles:
        spellings = {each.casefold(): each for each in (*AUTO, *STYLES, *settings.styles)}
        style = spellings.get(style.strip().casefold(), style)
    if style in settings.styles:
        return settings.styles[style].replace("{prompt}", prompt), "auto"
    if style not in (*AUTO, *STYLES):
        names = ", ".join((*STYLES, *settings.styles))
        raise BadInput("style is “{value}”; it must be one of {names}.", value=style, names=names)
    return prompt, style or "auto"
