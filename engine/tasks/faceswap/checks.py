"""Errors for faces that cannot be swapped, and notes on those that will not look well."""

from collections.abc import Iterator

from engine.core.errors import BadInput, UserMessage
from engine.tasks.faceswap.contract import DetectedFace, Picture
from engine.tasks.faceswap.occlusion import has_dark_glasses
from engine.tasks.faceswap.tracking import Doubts

MAX_OUTSIDE_SHARE = 0.12
"""Largest share of a source's face that may lie outside its picture."""
SMALL_FACE_PIXELS = 64
"""Width of a source's face in pixels below which the result is soft."""


def no_face(option: str) -> BadInput:
    """Return the error for a picture without a face in `option`."""
    return BadInput(
        "No face was found in {option}. Attach one with a real face, seen from the front and not too small.",
        option=option,
    )


def checked_source(face: DetectedFace, picture: Picture, number: int, most_yaw: float) -> Iterator[UserMessage]:
    """Yield notes on face `number` of the source `picture`. Raises BadInput if it cannot be used."""
    if abs(face.yaw) > most_yaw:
        raise BadInput(
            "Face {number} of source is turned {yaw}° to the side; the limit is {bound}°. Attach a picture from"
            " the front.",
            number=number,
            yaw=round(abs(face.yaw)),
            bound=round(most_yaw),
        )
    if face.share_outside(picture.shape) > MAX_OUTSIDE_SHARE:
        raise BadInput("Face {number} of source is cut off. Attach a picture that shows all of it.", number=number)
    if has_dark_glasses(picture, face.marks):
        yield UserMessage(
            template="The face in source wears dark glasses, so the result looks less like it. A picture"
            " without them works better."
        )
    width = round(face.width)
    if width < SMALL_FACE_PIXELS:
        yield UserMessage(
            template="The face in source is only {count} pixel wide, so the result is soft.",
            plural="The face in source is only {count} pixels wide, so the result is soft.",
            facts={"count": width},
        )


def checked_target(face: DetectedFace, number: int, most_yaw: float) -> Iterator[UserMessage]:
    """Yield notes on face `number` of a target. Raises BadInput if no face can be put on it."""
    if abs(face.yaw) > most_yaw:
        raise BadInput(
            "Face {number} of target is seen from the side and can't be swapped. Choose another one with face,"
            " or attach a picture from the front.",
            number=number,
        )
    yield from ()


def note_doubts(doubts: Doubts) -> Iterator[UserMessage]:
    """Yield notes on faces that could not be recognised after cuts."""
    if doubts.unlike:
        yield UserMessage(
            template="After a cut in target, a face that may be the chosen person's was left alone.",
            plural="After {count:,} cuts in target, a face that may be the chosen person's was left alone.",
            facts={"count": doubts.unlike},
        )
    if doubts.guessed:
        yield UserMessage(
            template="People can't be recognised here. After a cut in target, the only face was assumed to be"
            " the same person: please check.",
            plural="People can't be recognised here. After {count:,} cuts in target, the only face was assumed to be"
            " the same person: please check.",
            facts={"count": doubts.guessed},
        )
    if doubts.unknown:
        yield UserMessage(
            template="People can't be recognised here. After a cut in target, it was unclear whose face is"
            " whose, so they were left alone.",
            plural="People can't be recognised here. After {count:,} cuts in target, it was unclear whose face is"
            " whose, so they were left alone.",
            facts={"count": doubts.unknown},
        )
