"""Progress callbacks. A callback may raise to cancel the work that calls it."""

from collections.abc import Callable

OnStep = Callable[[float], None]
"""Receives the fraction of the work that is done, from 0 to 1."""


def subrange(on_step: OnStep, number: int, count: int) -> OnStep:
    """Return a callback for step `number` (from 0) of `count` equal steps, which reports to `on_step`."""
    return lambda done: on_step((number + done) / count)
