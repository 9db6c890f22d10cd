"""The contents of a script before they are checked, with line numbers."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Raw:
    """An option, `name: value`, in line number `line`, counted from 1."""

    name: str
    value: str
    line: int


@dataclass
class RawScene:
    """A scene that starts in line number `line`. Its text is joined only when it is read."""

    line: int
    options: list[Raw] = field(default_factory=list)
    _prompt: list[str] = field(default_factory=list)
    _narration: list[str] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        """The text of what the scene shows."""
        return "".join(self._prompt).strip()

    @property
    def narration(self) -> str:
        """The text that is spoken."""
        return "".join(self._narration).strip()

    def add_prompt(self, words: str, join: str = " ") -> None:
        """Append `words` to the prompt, after `join`."""
        _append(self._prompt, words, join)

    def add_narration(self, words: str) -> None:
        """Append `words` to the narration."""
        _append(self._narration, words, " ")


def _append(pieces: list[str], words: str, join: str) -> None:
    words = words.strip()
    if words:
        pieces += [join, words] if pieces else [words]


@dataclass
class RawScript:
    """The scenes, and in `head` the options that apply to all of them."""

    head: list[Raw] = field(default_factory=list)
    scenes: list[RawScene] = field(default_factory=list)
