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
    """One scene, which begins in `line`."""

    line: int
    prompt: str = ""
    narration: str = ""
    options: list[Raw] = field(default_factory=list)

    def see(self, words: str) -> None:
        self.prompt = f"{self.prompt} {words.strip()}".strip()

    def hear(self, words: str) -> None:
        self.narration = f"{self.narration} {words.strip()}".strip()


@dataclass
class RawScript:
    """`head` holds for all scenes."""

    head: list[Raw] = field(default_factory=list)
    scenes: list[RawScene] = field(default_factory=list)
