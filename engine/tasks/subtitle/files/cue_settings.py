"""The settings after a cue's times: WebVTT's `align` and `line` (section 4.4 of its specification)."""

COLUMNS = {"start": 1, "left": 1, "center": 2, "middle": 2, "end": 3, "right": 3}


def place_of(settings: str) -> tuple[int, list[str]]:
    """Return where a cue stands, numbered as a keypad is and 0 where nothing says it, and the settings left over."""
    row, column, unknown = 0, 0, list[str]()
    for setting in settings.split():
        name, _, value = setting.partition(":")
        if name == "align" and value in COLUMNS:
            column = COLUMNS[value]
        elif name == "line" and (found := _row(value)):
            row = found
        else:
            unknown.append(setting)
    return (3 * ((row or 1) - 1) + (column or 2) if row or column else 0), unknown


def _row(value: str) -> int:
    """Return 3 for the top, 2 for the middle, 1 for the bottom; 0 for what is no line."""
    value, _, _ = value.partition(",")
    number = value.removesuffix("%").removeprefix("-").replace(".", "", 1)
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        return 0
    if not value.endswith("%"):
        return 1 if value.startswith("-") else 3
    percent = float(value.removesuffix("%"))
    return 3 if percent < 34 else 2 if percent < 67 else 1
