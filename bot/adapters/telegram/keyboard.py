"""The buttons under a Telegram message."""

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.core.command import Button

BUTTONS_PER_ROW = 4
"""Buttons in one row. A phone shows the labels of four in full."""


def keyboard_of(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """Return the buttons in rows, or None if there are none."""
    keys = [InlineKeyboardButton(button.label, callback_data=button.id) for button in buttons]
    rows = [keys[start : start + BUTTONS_PER_ROW] for start in range(0, len(keys), BUTTONS_PER_ROW)]
    return InlineKeyboardMarkup(rows) if rows else None
