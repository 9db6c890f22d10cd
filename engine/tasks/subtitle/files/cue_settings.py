"""Parse the settings after the times of a WebVTT cue: `align` and `line` (WebVTT specification, section 4.4)."""

COLUMNS = {"start": 1, "left": 1, "center": 2, "middle": 2, "end": 3, "right": 3}
"""Column of each value of `align`, from 1 at the left."""


def parse_place(settings: str) -> tuple[int, list[str]]:
    """Return the position of a cue and the settings that are not supported.

    Positions are numbered like a numeric keypad; 0 means that the settings do not give one.
    """
    row, column, unknown = 0, 0, list[str]()
    for setting in settings.split():
        name, _, value = setting.partition(":")
        if name == "align" and value in COLUMNS:
            column = COLUMNS[value]
        elif name == "line" and (found := _parse_row(value)):
            row = found
        else:
            unknown.append(setting)
    return (3 * ((row or 1) - 1) + (column or 2) if row or column else 0), unknown


def _parse_row(value: str) -> int:
    """Return 3 for the top, 2 for the middle, 1 for the bottom, or 0 if `value` is not a line."""
    value, _, _ = value.partition(",")
    number = value.removesuffix("%").removeprefix("-").replace(".", "", 1)
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        return 0
    if not value.endswith("%"):
        return 1 if value.startswith("-") else 3
    percent = float(value.removesuffix("%"))
    return 3 if percent < 34 else 2 if percent < 67 else 1
