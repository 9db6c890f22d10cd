"""Figures of a bench: printed as they come, and kept for the JSON at its end."""

from typing import Any

figures: dict[str, Any] = {}


def say(name: str, value: Any, note: str = "") -> None:
    figures[name] = value
    shown = f"{value:>10.4g}" if isinstance(value, float) else f"{value!s:>10}"
    print(f"{name:48} {shown} {note}", flush=True)
