"""A picture of the result of each command that makes something: the message that Atelier answers on Discord.

`python -m docs.pictures` calls this. The studio is real and draws with the embedded tier; its faces are drawn ones.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tests.servers.discord import Person, Shown

SECONDS = 240.0
"""What a command may take on a busy machine."""
SCRIPT = "a castle at night > Night falls. | a sailboat at sunset > A boat comes home. | a fox in the snow > It snows."


@dataclass(frozen=True)
class Example:
    """A command as a person typed it, and the message that answered it."""

    command: str
    shown: Shown


async def examples(person: Person) -> AsyncIterator[Example]:
    """Yield an example of each command, some made from the results of earlier ones."""
    imagine = await ask(person, "imagine", prompt="a fox in the snow", seed=3)
    yield imagine
    yield await ask(person, "magic", idea="a castle at noon", style="watercolour")
    yield await ask(person, "upscale", image=("fox.png", imagine.shown.files[0].data), scale=2)
    source = await ask(person, "imagine", prompt="a smiling man with a beard", seed=2)
    portrait = await ask(person, "imagine", prompt="a grandmother", seed=4)
    face, other = portrait.shown.files[0].data, source.shown.files[0].data
    animate = await ask(person, "animate", portrait=("face.png", face), text="Good morning! It is nice to meet you.")
    yield animate
    yield await ask(person, "subtitle", media=("hello.mp4", animate.shown.files[0].data), style="boxed")
    yield await ask(person, "faceswap", source=("source.png", other), target=("target.png", face))
    yield await ask(person, "video", prompt="a sailboat at sunset", seconds=2, seed=1)
    yield await ask(person, "scenes", script=SCRIPT, seed=2)
    yield await ask(person, "stats")


async def ask(person: Person, command: str, **options: Any) -> Example:
    """Use a slash command, and say yes to its question if it asks one. Return its last message."""
    answer = person.slash(command, **options)
    shown = await answer.until(is_final, within=SECONDS)
    yes = next((label for label, button in shown.buttons.items() if button.startswith("yes:")), None)
    if yes is not None:
        shown = await person.press(yes, answer.message).until(lambda state: state.files and is_final(state), SECONDS)
    return Example(command, shown)


def is_final(shown: Shown) -> bool:
    """Return whether the message is more than progress."""
    return not shown.loading and "Cancel" not in shown.buttons
