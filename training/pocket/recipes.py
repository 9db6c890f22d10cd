"""Recipes: which icons a training picture shows, where, in which colours, before what, and its caption."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from training.pocket import language as say
from training.pocket.colour import RGB, Array, Paint
from training.pocket.language import Thing
from training.pocket.scenes import SCENES, Scene

LAYERS = 4  # a prop behind, then up to three objects (or four without a prop)
HATS = ("top hat", "woman's hat", "billed cap", "crown", "graduation cap", "rescue worker's helmet", "military helmet")
TURNED = re.compile(r"left|right|clock|o'clock|arrow|letter|number|sign|flag|calendar|abc|ok |text|mark|book|news")
WORDS = re.compile(rf"\b({'|'.join(say.COLOURS)}|roj|amarill|verde|azul|negr|blanc|gris|marrón)")
HIGH = {"sun", "cloud", "crescent moon", "full moon", "star", "ringed planet", "snowflake", "cloud with rain"}
KINDS = (("one", 0.46), ("scene", 0.18), ("many", 0.07), ("two", 0.29))
HOW = (("beside", 0.30), ("on", 0.22), ("under", 0.10), ("above", 0.06), ("holding", 0.17), ("wearing", 0.15))


@dataclass
class Recipe:
    """One picture. ``icons`` (4,) int32, -1 where empty; ``place`` (4, 3) scale and centre in -1..1; ``paint``
    (4, 3, 4); ``flip`` (4,); ``ground`` (14,): four RGB colours, horizon, stars; ``what`` tells equal meanings.
    """

    icons: Array
    place: Array
    paint: Array
    flip: Array
    ground: Array
    caption: str
    what: str


@dataclass
class Piece:
    """One object before it is placed: an icon, how it is said, its paint, and whether it is mirrored."""

    icon: int
    thing: Thing
    paint: Array
    flip: bool
    box: tuple[float, float, float, float]


Prop = tuple[int, Array]  # an icon and where it stands


def boxes(rgba: Array) -> Array:
    """(N, 4) left, top, right, bottom of what is visible, in -1..1."""
    seen: Array = np.asarray(rgba[..., 3] > 40)
    found = np.empty((len(rgba), 4), np.float32)
    for column, axis in ((0, 1), (1, 2)):
        line: Array = np.asarray(seen.any(axis))
        side = seen.shape[1]
        found[:, column] = line.argmax(1) / side * 2 - 1
        found[:, column + 2] = 1 - line[:, ::-1].argmax(1) / side * 2
    return found


class Cook:
    """Makes recipes from a manifest and its icons; each draw is decided by the generator that it is given."""

    def __init__(
        self,
        manifest: dict[str, Any],
        rgba: Array,
        sets: set[str] | None = None,
        *,
        plain: bool = False,
        spanish: float = 0.15,
    ) -> None:
        """``sets`` leaves those sets' icons, ``plain`` single objects without a scene; ``spanish`` is a share."""
        self.kinds, self.spanish = (("one", 1.0),) if plain else KINDS, spanish
        icons = manifest["icons"]
        self.concepts = [manifest["concepts"][i["concept"]] for i in icons]
        self.style, self.set = [i["style"] for i in icons], [i["set"] for i in icons]
        self.paint, self.box = Paint(rgba), boxes(rgba)
        shown = (rgba[..., 3] > 40).any((1, 2)) & np.array([sets is None or s in sets for s in self.set])
        self.weight = np.array([i["w"] for i in icons]) * shown
        group = np.array([c["group"] for c in self.concepts])
        label = [c["label"] for c in self.concepts]
        plain = np.array([s not in say.STYLED for s in self.style]) * self.weight
        self.drawn = {"any": np.cumsum(self.weight)}
        whole = plain * ~np.isin(group, (8, 9))
        self.object = whole * np.array([x not in HATS for x in label])
        self.actor = self.object * np.isin(group, (0, 1, 3))
        self.held = self.object * np.isin(group, (4, 6, 7))
        self.hat = plain * np.array([x in HATS for x in label])
        self.group, self.label = group, label
        self.same = {s: np.array([t == s for t in self.set]) for s in set(self.set)}
        props = {prop for scene in SCENES.values() for prop in scene.props}
        self.prop = {prop: np.flatnonzero(np.array([x == prop for x in label]) * plain) for prop in props}

    def pick(self, r: Generator, kind: str, set_: str | None = None) -> int:
        """An icon drawn by weight, of one set where ``set_`` is given and draws such things."""
        at = f"{kind} {set_}" if set_ else kind
        if at not in self.drawn:
            chances = getattr(self, kind) * (self.same[set_] if set_ else 1)
            self.drawn[at] = np.cumsum(chances if chances.any() else getattr(self, kind))
        total = self.drawn[at]
        return int(np.searchsorted(total, r.random() * total[-1], side="right"))

    def piece(self, r: Generator, icon: int, spanish: bool, colourful: float) -> Piece:
        """An icon with a name and, with the chance ``colourful``, a colour of its own or another."""
        names = self.concepts[icon]["es" if spanish else "en"]
        noun = names[int(np.searchsorted(np.cumsum([p for _, p in names]), r.random() * 0.9999))][0]
        colour, paint = self._colour(r, icon, noun, colourful)
        flip = bool(r.random() < 0.5) and not TURNED.search(self.label[icon]) and self.group[icon] not in (8, 9)
        left, top, right, bottom = self.box[icon]
        box = (-right, top, -left, bottom) if flip else (left, top, right, bottom)
        return Piece(icon, Thing(noun, colour), paint, flip, box)

    def _colour(self, r: Generator, icon: int, noun: str, colourful: float) -> tuple[str | None, Array]:
        may = self.group[icon] in (3, 4, 5, 6, 7) and not WORDS.search(noun)
        if not may or r.random() > colourful:
            return None, np.eye(3, 4)
        own = self.paint.own(icon)
        if own and r.random() < 0.4:
            return own, np.eye(3, 4)
        if not (self.paint.one_hue[icon] or (self.paint.grey[icon] and self.paint.light[icon] > 0.3)):
            return None, np.eye(3, 4)
        colour = list(RGB)[r.integers(len(RGB))]
        return colour, self.paint.repaint(icon, colour)

    def make(self, r: Generator) -> Recipe:
        """One recipe."""
        kind, spanish = choose(r, self.kinds), bool(r.random() < self.spanish)
        if kind == "two":
            pieces, places, phrase, what = self._two(r, spanish)
        elif kind == "many":
            pieces, places, phrase, what = self._many(r, spanish)
        else:
            pieces, places, phrase, what = self._one(r, spanish, kind == "scene")
        scenic = kind == "scene" or (kind != "one" and r.random() < 0.2)
        ground, props, where = self._scene(r, spanish, pieces[0]) if scenic else self._plain(r, spanish)
        caption = say.finish(r, phrase + where[0], self.style[pieces[0].icon], spanish)
        return serve(pieces, places, ground, props, text=caption, what=what + where[1])

    def _one(self, r: Generator, spanish: bool, small: bool) -> tuple[list[Piece], Array, str, str]:
        piece = self.piece(r, self.pick(r, "object" if small else "any"), spanish, 0.2)
        scale = r.uniform(0.5, 0.85) if small else r.uniform(0.82, 1.0)
        free = 1 - scale
        x, y = r.uniform(-1, 1) * free * 0.5, (r.uniform(0.3, 0.95) if small else r.uniform(-0.5, 0.5)) * free
        return [piece], np.array([[scale, x, y]]), say.say(r, piece.thing, spanish), self._means(piece)

    def _many(self, r: Generator, spanish: bool) -> tuple[list[Piece], Array, str, str]:
        piece, count = self.piece(r, self.pick(r, "object"), spanish, 0.25), int(r.integers(2, 5))
        piece.thing = Thing(piece.thing.noun, piece.thing.colour, count)
        if count == 4:
            places = [(0.46, x, y) for y in (-0.49, 0.49) for x in (-0.49, 0.49)]
        elif count == 3 and r.random() < 0.5:
            places = [(0.36, x, 0.1) for x in (-0.64, 0.0, 0.64)]
        elif count == 3:
            places = [(0.46, 0.0, -0.48), (0.46, -0.5, 0.48), (0.46, 0.5, 0.48)]
        else:
            places = [(0.5, -0.49, 0.05), (0.5, 0.49, 0.05)]
        return [piece] * count, np.array(places), say.say(r, piece.thing, spanish), f"{count} {self._means(piece)}"

    def _two(self, r: Generator, spanish: bool) -> tuple[list[Piece], Array, str, str]:
        how = choose(r, HOW)
        kinds = {"holding": ("actor", "held"), "wearing": ("actor", "hat")}.get(how, ("object", "object"))
        first = self.piece(r, self.pick(r, kinds[0]), spanish, 0.4)
        second = self.piece(r, self.pick(r, kinds[1], self.set[first.icon]), spanish, 0.4)
        places = PLACING[how](r, first, second)
        phrase = say.join(r, how, say.say(r, first.thing, spanish), say.say(r, second.thing, spanish), spanish)
        return [first, second], places, phrase, f"{self._means(first)} {how} {self._means(second)}"

    def _means(self, piece: Piece) -> str:
        return f"{piece.thing.colour or ''} {self.concepts[piece.icon]['en'][0][0]}"

    def _scene(self, r: Generator, spanish: bool, piece: Piece) -> tuple[Array, list[Prop], tuple[str, str]]:
        name = list(SCENES)[r.integers(len(SCENES))]
        scene, ground = SCENES[name], np.ones(14, np.float32)
        low = scene.ground or (scene.top, scene.low)
        for at, rgb in zip((0, 3, 6, 9), (scene.top, scene.low, *low), strict=True):
            ground[at : at + 3] = np.clip(np.array(rgb) / 255 + r.normal(0, 0.03, 3), 0, 1)
        ground[12] = scene.horizon + (r.uniform(-0.06, 0.06) if scene.ground else 0)
        ground[13] = scene.stars
        words = scene.es if spanish else scene.en
        return ground, self._props(r, scene, piece), (" " + words[r.integers(len(words))], " " + name.split(" ")[0])

    def _props(self, r: Generator, scene: Scene, piece: Piece) -> list[Prop]:
        if not scene.props or r.random() < 0.4:
            return []
        kind = scene.props[r.integers(len(scene.props))]
        mine = [i for i in self.prop[kind] if self.set[i] == self.set[piece.icon]] or list(self.prop[kind])
        if not mine or kind == self.label[piece.icon]:
            return []
        high = kind in HIGH
        scale, side = r.uniform(0.18, 0.34), r.choice([-1, 1])
        y = r.uniform(-0.75, -0.5) if high or kind.startswith("globe") else r.uniform(0.05, 0.4)
        return [(int(mine[r.integers(len(mine))]), np.array([scale, side * r.uniform(0.5, 0.72), y]))]

    @staticmethod
    def _plain(r: Generator, spanish: bool) -> tuple[Array, list[Prop], tuple[str, str]]:
        ground = np.ones(14, np.float32)
        ground[13] = 0
        if r.random() > 0.12:
            return ground, [], ("", "")
        colour = list(RGB)[r.integers(len(RGB))]
        rgb = RGB[colour] + (1 - RGB[colour]) * (0 if colour in ("black", "brown") else r.uniform(0, 0.4))
        ground[:12] = np.tile(rgb, 4)
        if spanish:
            return ground, [], (f" sobre fondo {say.COLOURS[colour][0]}", f" {colour} ground")
        words = (" on a {} background", ", {} background", " with a {} background")
        return ground, [], (words[r.integers(3)].format(colour), f" {colour} ground")


def choose(r: Generator, among: tuple[tuple[str, float], ...]) -> str:
    """A name by its share."""
    at, names = r.random() * sum(p for _, p in among), [n for n, _ in among]
    return names[int(np.searchsorted(np.cumsum([p for _, p in among]), at))]


def _centre(piece: Piece, scale: float) -> float:
    return -scale * (piece.box[0] + piece.box[2]) / 2


def _beside(r: Generator, first: Piece, second: Piece) -> Array:
    a, b = r.uniform(0.46, 0.56, 2)
    side, floor = r.choice([-1, 1]), r.uniform(0.45, 0.75)
    return np.array([[a, -0.49 * side, floor - a * first.box[3]], [b, 0.49 * side, floor - b * second.box[3]]])


def _stack(r: Generator, top: Piece, base: Piece, gap: float) -> tuple[Array, Array]:
    b, floor, drift = r.uniform(0.5, 0.62), r.uniform(0.86, 0.97), r.uniform(-0.08, 0.08)
    y = floor - b * base.box[3]
    edge = y + b * base.box[1] - gap
    a = min(r.uniform(0.42, 0.55), (edge + 0.97) / (top.box[3] - top.box[1] + 1e-3))
    upper = np.array([a, _centre(top, a) + drift, edge - a * top.box[3]])
    return upper, np.array([b, _centre(base, b) + drift, y])


def _on(r: Generator, first: Piece, second: Piece) -> Array:
    return np.stack(_stack(r, first, second, -0.1))


def _above(r: Generator, first: Piece, second: Piece) -> Array:
    return np.stack(_stack(r, first, second, r.uniform(0.02, 0.1)))


def _under(r: Generator, first: Piece, second: Piece) -> Array:
    upper, lower = _stack(r, second, first, r.uniform(-0.06, 0.06))
    return np.stack([lower, upper])


def _holding(r: Generator, first: Piece, second: Piece) -> Array:  # noqa: ARG001  # as the other placings
    a, b, side = r.uniform(0.68, 0.8), r.uniform(0.3, 0.4), r.choice([-1, 1])
    hand = a * (first.box[2] - first.box[0]) / 2
    x = min(hand * 0.8 - 0.12, 0.95 - b)
    return np.array([[a, _centre(first, a) - side * 0.14, 0.1], [b, side * x, r.uniform(0.25, 0.45)]])


def _wearing(r: Generator, first: Piece, second: Piece) -> Array:
    a = r.uniform(0.62, 0.74)
    y = 0.95 - a * first.box[3]
    wide = (first.box[2] - first.box[0]) * a * r.uniform(0.55, 0.75)
    b = min(wide / (second.box[2] - second.box[0] + 1e-3), 0.6)
    edge = y + a * first.box[1] + 0.16
    b = min(b, (edge + 0.98) / (second.box[3] - second.box[1] + 1e-3))
    return np.array([[a, _centre(first, a), y], [b, _centre(second, b), edge - b * second.box[3]]])


PLACING = {"beside": _beside, "on": _on, "above": _above, "under": _under, "holding": _holding, "wearing": _wearing}


def serve(pieces: list[Piece], places: Array, ground: Array, props: list[Prop], *, text: str, what: str) -> Recipe:
    """Lay the pieces on their layers, a prop first."""
    icons, place = np.full(LAYERS, -1, np.int32), np.zeros((LAYERS, 3), np.float16)
    paint, flip = np.tile(np.eye(3, 4, dtype=np.float16), (LAYERS, 1, 1)), np.zeros(LAYERS, np.float16)
    behind = props if len(pieces) < LAYERS else []
    for layer, (icon, where) in enumerate(behind):
        icons[layer], place[layer] = icon, where
    for layer, (piece, where) in enumerate(zip(pieces, places, strict=True), len(behind)):
        icons[layer], place[layer], paint[layer], flip[layer] = piece.icon, where, piece.paint, piece.flip
    return Recipe(icons, place, paint, flip, ground, text, what)
