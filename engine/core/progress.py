"""How far a piece of work is, told while it is done; whoever listens may raise to end it."""

from collections.abc import Callable

OnStep = Callable[[float], None]
"""Hears what share is done, 0 to 1."""


def subrange(on_step: OnStep, number: int, count: int) -> OnStep:
    """For the part `number` of `count` alike, counted from 0."""
    return lambda done: on_step((number + done) / count)
