"""The embedded tier of `imagine`: a 30-million-parameter model that draws emoji-like pictures on a CPU without torch.

engine/weights/embedded/README.md is its model card.
"""

from engine.tasks.imagine.pocket.pocket import Pocket

__all__ = ["Pocket"]
