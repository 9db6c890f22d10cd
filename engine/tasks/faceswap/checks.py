"""Errors for faces that cannot be swapped, and notes on those that will not look well."""

from collections.abc import Iterator

from engine.core.errors import BadInput, UserMessage
from engine.tasks.faceswap.contract import DetectedFace, Picture
from engine.tasks.faceswap.occlusion import has_dark_glasses
from engine.tasks.faceswap.tracking import Doubts

MOST_OUTSIDE = 0.12
"""Largest share of a source's face that may lie outside its picture."""
SMALL = 64
"""Width of a source's face in pixels below which the result is soft."""


def no_face(option: str) -> BadInput:
    """Return the error for a picture without a face in `option`."""
    return BadInput(
        "No face was found in {option}. Attach one in which a real face can be seen, not too small, from the front.",
        option=option,
    )


def checked_source(face: DetectedFace, picture: Picture, number: int, most_yaw: float) -> Iterator[UserMessage]:
    """Yield notes on face `number` of the source `picture`. Raises BadInput if it cannot be used."""
    if abs(face.yaw) > most_yaw:
        raise BadInput(
            "Face {number} of source looks {yaw}° aside, so half of it is hidden; at most {bound}° are possible."
            " Attach a picture from the front.",
            number=number,
            yaw=round(abs(face.yaw)),
            bound=round(most_yaw),
        )
    if face.share_outside(picture.shape) > MOST_OUTSIDE:
        raise BadInput(
            "Face {number} of source is partly out of the picture. Attach one that shows all of it.", number=number
        )
    if has_dark_glasses(picture, face.marks):
        yield UserMessage(
            template="The face in source wears dark glasses, so its eyes cannot be seen, and the result is less like"
            " it. One without them is better."
        )
    width = round(face.width)
    if width < SMALL:
        yield UserMessage(
            template="The face in source is only {width} pixels wide, so the result is soft.", facts={"width": width}
        )


def checked_target(face: DetectedFace, number: int, most_yaw: float) -> Iterator[UserMessage]:
    """Yield notes on face `number` of a target. Raises BadInput if no face can be put on it."""
    if abs(face.yaw) > most_yaw:
        raise BadInput(
            "Face {number} of target is seen from the side, where no other can be put on it. Choose another with face,"
            " or attach a picture that shows more of its front.",
            number=number,
        )
    yield from ()


def note_doubts(doubts: Doubts) -> Iterator[UserMessage]:
    """Yield notes on faces that could not be recognised after cuts."""
    if doubts.unlike:
        yield UserMessage(
            template="After a cut in target a face may be the chosen person's, but not surely, so it was left as it is."
            " Number of such cuts: {count}.",
            facts={"count": doubts.unlike},
        )
    if doubts.guessed:
        yield UserMessage(
            template="People cannot be recognised here, so after a cut in target the only face in view was taken for"
            " the same person. Check that it is. Number of such cuts: {count}.",
            facts={"count": doubts.guessed},
        )
    if doubts.unknown:
        yield UserMessage(
            template="People cannot be recognised here, so after a cut in target it was not clear whose face is whose,"
            " and faces were left as they are. Number of such cuts: {count}.",
            facts={"count": doubts.unknown},
        )
