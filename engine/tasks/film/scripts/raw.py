"""What a script says, word for word, with the lines where it says it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Raw:
    """`name: value` in `line`, counted from 1."""

    name: str
    value: str
    line: int


@dataclass
class RawScene:
    """One scene, which begins in `line`. Its words are joined once, when they are asked for."""

    line: int
    options: list[Raw] = field(default_factory=list)
    _seen: list[str] = field(default_factory=list)
    _heard: list[str] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        return "".join(self._seen).strip()

    @property
    def narration(self) -> str:
        return "".join(self._heard).strip()

    def see(self, words: str, join: str = " ") -> None:
        """Add `words` to what is seen, after `join`."""
        _append(self._seen, words, join)

    def hear(self, words: str) -> None:
        """Add `words` to what is heard."""
        _append(self._heard, words, " ")


def _append(pieces: list[str], words: str, join: str) -> None:
    words = words.strip()
    if words:
        pieces += [join, words] if pieces else [words]


@dataclass
class RawScript:
    """`head` holds for all scenes."""

    head: list[Raw] = field(default_factory=list)
    scenes: list[RawScene] = field(default_factory=list)
