"""Build concepts: the object that an emoji shows, and its English and Spanish names.

A keyword that is another picture's name is dropped ("banana" is a keyword of the monkey), so that one word means one
object. A name that several pictures share is kept only if it is the head of each label ("apple": red, green apple).
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
Words = dict[str, list[str]]
Names = list[tuple[str, float]]

GROUPS = {0: 0.7, 1: 0.25, 3: 1.5, 4: 1.4, 5: 1.2, 6: 1.1, 7: 1.0, 8: 0.15, 9: 0.04}
REQUESTED_WEIGHT = 2.5  # relative weight of an object of objects.txt within its group
RARE = re.compile(
    r"o\u2019clock|-thirty|banknote|mahjong|japanese|quarter|gibbous|speaker|chart|envelope|mailbox|pointing"
)
VAGUE = {"face", "cara", "mark", "marca", "symbol", "símbolo", "button", "botón", "bandera", "animal"}
LETTERS = re.compile(r"[\w'\u2019 -]{3,28}")


@dataclass(frozen=True)
class Concept:
    """An object: its published label, emojibase group, names with their shares (summing to 1), and weight."""

    label: str
    group: int
    en: Names
    es: Names
    weight: float


@dataclass(frozen=True)
class RequestedObject:
    """A line of objects.txt."""

    en: tuple[str, ...]
    es: tuple[str, ...]
    labels: tuple[str, ...]


def requested_objects() -> list[RequestedObject]:
    """Return the lines of objects.txt in order."""
    text = (Path(__file__).parent / "objects.txt").read_text("utf-8")
    return [_parse_line(line) for line in text.splitlines() if line and not line.startswith("#")]


def _parse_line(line: str) -> RequestedObject:
    en, es, *labels = (part.strip() for part in line.split("="))
    first = tuple(name.strip() for name in en.split(","))
    shown = labels[0] if labels else first[0]
    return RequestedObject(
        first, tuple(n.strip() for n in es.split(",")), tuple(clean(x.strip()) for x in shown.split(";"))
    )


def clean(label: str) -> str:
    """Return a label as a person would type it: in lower case, without quotes and colons."""
    return re.sub(r"\s+", " ", re.sub(r"[:\u201c\u201d⊛]", "", label)).replace("\u2019", "'").strip().lower()


def concepts(emojibase: Path, emojilib: Path) -> dict[str, Concept]:
    """Return the concepts by lower-case hex code without variation selectors."""
    en = [e for e in json.loads((emojibase / "en/data.json").read_text("utf-8")) if e.get("group") in GROUPS]
    es = {e["hexcode"]: e for e in json.loads((emojibase / "es/data.json").read_text("utf-8"))}
    more = json.loads((emojilib / "dist/emoji-en-US.json").read_text("utf-8"))
    english = {e["hexcode"]: [*e.get("tags", []), *_words(more, e["emoji"])] for e in en}
    spanish = {code: e.get("tags", []) for code, e in es.items() if code in english}
    keep_en = _keepers({e["hexcode"]: (clean(e["label"]), english[e["hexcode"]], e["group"]) for e in en}, last=True)
    labelled = [(e["hexcode"], clean(es[e["hexcode"]]["label"]), e["group"]) for e in en]
    keep_es = _keepers({code: (label, spanish[code], group) for code, label, group in labelled}, last=False)
    asked = requested_objects()
    return {key(e["hexcode"]): _concept(e, es[e["hexcode"]], keep_en, keep_es, asked) for e in en}


def published_names(emojibase: Path, emojilib: Path) -> dict[str, Names]:
    """Return the published English names without corrections.

    The label has half of the share, the keywords the rest.
    """
    more = json.loads((emojilib / "dist/emoji-en-US.json").read_text("utf-8"))
    found: dict[str, Names] = {}
    for entry in json.loads((emojibase / "en/data.json").read_text("utf-8")):
        words = sorted({w.lower() for w in [*entry.get("tags", []), *_words(more, entry["emoji"])]})
        half = 0.5 / max(1, len(words))
        found[key(entry["hexcode"])] = [(clean(entry["label"]), 1 - half * len(words)), *((w, half) for w in words)]
    return found


def key(hexcode: str) -> str:
    """Return a code point's name in the form that all icon sets share."""
    return hexcode.lower().replace("-fe0f", "")


def _words(more: Words, emoji: str) -> list[str]:
    return [w.replace("_", " ") for w in more.get(emoji, more.get(emoji.replace("\ufe0f", ""), []))]


def bare(label: str) -> str:
    """Return a label without words that only say it is a face, as in "dog face" and "cara de perro"."""
    return re.sub(r"^cara de |^front-facing | face$", "", label)


def _keepers(every: dict[str, tuple[str, list[str], int]], last: bool) -> Words:
    labels = {bare(label) for label, _, _ in every.values()} | {label for label, _, _ in every.values()}
    used = Counter(k for _, words, _ in every.values() for k in {w.lower() for w in words})
    heads = {n for a in requested_objects() for n in (a.en if last else a.es)}

    def is_kept(word: str, label: str, group: int) -> bool:
        if not LETTERS.fullmatch(word) or word in labels or word in heads or word in VAGUE:
            return False
        head = label.endswith(" " + word) if last else label.startswith(word + " ")
        return head or (used[word] == 1 and group >= 3) or (used[word] <= 3 and group == 0)

    return {
        code: sorted({w.lower() for w in words if is_kept(w.lower(), label, group)})
        for code, (label, words, group) in every.items()
    }


def _concept(en: Entry, es: Entry, keep_en: Words, keep_es: Words, all_: list[RequestedObject]) -> Concept:
    label, code, group = clean(en["label"]), en["hexcode"], en["group"]
    asked = [a for a in all_ if label in a.labels]
    weight = GROUPS[group] * (REQUESTED_WEIGHT if asked else 1.0) * (0.15 if RARE.search(en["label"].lower()) else 1.0)
    if asked and group in (0, 1):
        weight = 1.5
    return Concept(
        label,
        group,
        _names(label, [n for a in asked for n in _repeat_first(a.en)], keep_en[code]),
        _names(clean(es["label"]), [n for a in asked for n in _repeat_first(a.es)], keep_es[code]),
        weight,
    )


def _repeat_first(names: tuple[str, ...]) -> list[str]:
    return [names[0], *names]  # the first name counts twice


def _names(label: str, asked: list[str], keywords: list[str]) -> Names:
    shares: Counter[str] = Counter()
    main = asked or [bare(label)]
    for name in main:
        shares[name] += 0.75 / len(main)  # type: ignore[assignment]
    shares[bare(label)] += 0.15  # type: ignore[assignment]
    for word in keywords:
        shares[word] += 0.10 / len(keywords)  # type: ignore[assignment]
    total = sum(shares.values())
    return [(name, share / total) for name, share in shares.items()]
