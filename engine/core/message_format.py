"""Fill the facts into the sentences for users. This is English; `bot.i18n` formats numbers for other languages.

A number in a template says how it is shown:

    {count:,}        a quantity: 12,000
    {size:bytes}     a size in decimal units: 1.5 MB
    {time:duration}  a duration in its two largest units: 3 min 20 s
    {share:.0%}      a fraction as a percentage: 45%
    {value}          as it is, such as the value of an option, which people type like this

The other formats of Python work too, such as `{seconds:.1f}`.
"""

from string import Formatter
from typing import Any

SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")
DURATION_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))
"""Each unit and its seconds, with the next smaller unit. These symbols are the same in every language."""


class MessageFormatter(Formatter):
    """Formats templates for English. A language changes `format_number`."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return one fact as text. Raises ValueError for a text where the template wants a number."""
        if format_spec == "bytes":
            return self.format_bytes(value)
        if format_spec == "duration":
            return self.format_duration(value)
        return self.format_number(value, format_spec) if format_spec else str(value)

    def format_number(self, number: float, format_spec: str) -> str:
        """Return the number in a format of Python's."""
        return format(number, format_spec)

    def format_bytes(self, count: int) -> str:
        """Return a number of bytes with a decimal unit: "999 B", "1.5 kB", "15 GB"."""
        size, unit = float(count), 0
        while size >= 999.95 and unit + 1 < len(SIZE_UNITS):
            size, unit = size / 1000, unit + 1
        is_whole = f"{size:.1f}".endswith(".0")
        return f"{self.format_number(size, '.0f' if is_whole else '.1f')} {SIZE_UNITS[unit]}"

    def format_duration(self, seconds: float) -> str:
        """Return a duration in its two largest units: "7 ms", "0.3 s", "42 s", "3 min 20 s", "2 d 4 h"."""
        if seconds < 0.095:
            return f"{max(round(seconds * 1000), 0)} ms"
        if seconds < 9.95 and seconds != round(seconds):
            return f"{self.format_number(seconds, '.1f')} s"
        whole = round(seconds)
        for unit, length, small, small_length in DURATION_UNITS:
            if whole >= length:
                number, rest = self.format_number(whole // length, ","), whole % length // small_length
                return f"{number} {unit} {rest} {small}" if rest else f"{number} {unit}"
        return f"{whole} s"


ENGLISH = MessageFormatter()
