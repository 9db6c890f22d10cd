"""The table of weights, read from the list that fetches them."""

from collections.abc import Iterator

from docs.markdown import code, plain, table
from engine.weights.registry import Weight, catalogue


def reference() -> str:
    """Return a table of every weight with its size, its licence, and the command and tier that use it."""
    return table(("weight", "what it does", "size", "licence", "used by"), _rows())


def _rows() -> Iterator[tuple[str, ...]]:
    for weight in catalogue():
        licence = f"{weight.licence}{', fetched only once you accept it' if weight.noncommercial else ''}"
        size = f"{_size(weight)}{', fetched by name' if weight.on_demand else ''}"
        yield code(weight.name), plain(weight.about), size, licence, f"{code(f'/{weight.task}')} {weight.tier}"


def _size(weight: Weight) -> str:
    megabytes = weight.size / 1e6
    if megabytes >= 1000:
        return f"{megabytes / 1000:.1f} GB"
    return f"{megabytes:.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"
