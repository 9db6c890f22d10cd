"""Sample recipes: which icons a training picture shows, where and in which colours, its background and its caption."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from training.pocket import language as say
from training.pocket.colour import RGB, Array, Paint
from training.pocket.language import Thing
from training.pocket.placing import PLACEMENTS, Piece
from training.pocket.scenes import SCENES, Scene

LAYERS = 4  # a prop behind, then up to three objects (or four without a prop)
HATS = ("top hat", "woman's hat", "billed cap", "crown", "graduation cap", "rescue worker's helmet", "military helmet")
FIXED = re.compile(r"left|right|clock|o'clock|arrow|letter|number|sign|flag|calendar|abc|ok |text|mark|book|news")
COLOUR_WORDS = re.compile(rf"\b({'|'.join(say.COLOURS)}|roj|amarill|verde|azul|negr|blanc|gris|marrón)")
HIGH = {"sun", "cloud", "crescent moon", "full moon", "star", "ringed planet", "snowflake", "cloud with rain"}
KIND_SHARES = (("one", 0.46), ("scene", 0.18), ("many", 0.07), ("two", 0.29))
RELATION_SHARES = (
    ("beside", 0.30),
    ("on", 0.22),
    ("under", 0.10),
    ("above", 0.06),
    ("holding", 0.17),
    ("wearing", 0.15),
)


@dataclass
class Recipe:
    """A training picture with up to four layers.

    ``icons`` (4,) int32 is -1 for an empty layer; ``place`` (4, 3) is scale and centre in -1..1; ``paint`` (4, 3, 4)
    maps RGB; ``flip`` (4,) is 0 or 1; ``ground`` (14,) is four RGB colours, the horizon and the number of stars. Two
    recipes with equal ``what`` mean the same.
    """

    icons: Array
    place: Array
    paint: Array
    flip: Array
    ground: Array
    caption: str
    what: str


Prop = tuple[int, Array]
"""An icon and its place (3,)."""


def boxes(rgba: Array) -> Array:
    """Return the left, top, right and bottom (N, 4), in -1..1, of the visible part of icons uint8 (N, S, S, 4)."""
    seen: Array = np.asarray(rgba[..., 3] > 40)
    found = np.empty((len(rgba), 4), np.float32)
    for column, axis in ((0, 1), (1, 2)):
        line: Array = np.asarray(seen.any(axis))
        side = seen.shape[1]
        found[:, column] = line.argmax(1) / side * 2 - 1
        found[:, column + 2] = 1 - line[:, ::-1].argmax(1) / side * 2
    return found


class RecipeSampler:
    """Samples recipes from a manifest and its icons. Each sample depends only on the random generator passed in."""

    def __init__(
        self,
        manifest: dict[str, Any],
        rgba: Array,
        sets: set[str] | None = None,
        *,
        plain: bool = False,
        spanish: float = 0.15,
    ) -> None:
        """Use the icons ``rgba`` uint8 (N, S, S, 4) of the manifest.

        ``sets`` restricts them to those sets, ``plain`` recipes to single objects without a scene, and ``spanish`` is
        the share of Spanish captions.
        """
        self.kinds, self.spanish = (("one", 1.0),) if plain else KIND_SHARES, spanish
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
        """Return a random icon of a kind by weight, from the set ``set_`` if it is given and has such icons."""
        at = f"{kind} {set_}" if set_ else kind
        if at not in self.drawn:
            chances = getattr(self, kind) * (self.same[set_] if set_ else 1)
            self.drawn[at] = np.cumsum(chances if chances.any() else getattr(self, kind))
        total = self.drawn[at]
        return int(np.searchsorted(total, r.random() * total[-1], side="right"))

    def piece(self, r: Generator, icon: int, spanish: bool, colourful: float) -> Piece:
        """Return an icon with a random name and, with the probability ``colourful``, a named colour."""
        names = self.concepts[icon]["es" if spanish else "en"]
        noun = names[int(np.searchsorted(np.cumsum([p for _, p in names]), r.random() * 0.9999))][0]
        colour, paint = self._colour(r, icon, noun, colourful)
        flip = bool(r.random() < 0.5) and not FIXED.search(self.label[icon]) and self.group[icon] not in (8, 9)
        left, top, right, bottom = self.box[icon]
        box = (-right, top, -left, bottom) if flip else (left, top, right, bottom)
        return Piece(icon, Thing(noun, colour), paint, flip, box)

    def _colour(self, r: Generator, icon: int, noun: str, colourful: float) -> tuple[str | None, Array]:
        may = self.group[icon] in (3, 4, 5, 6, 7) and not COLOUR_WORDS.search(noun)
        if not may or r.random() > colourful:
            return None, np.eye(3, 4)
        own = self.paint.own_colour(icon)
        if own and r.random() < 0.4:
            return own, np.eye(3, 4)
        if not (self.paint.one_hue[icon] or (self.paint.grey[icon] and self.paint.light[icon] > 0.3)):
            return None, np.eye(3, 4)
        colour = list(RGB)[r.integers(len(RGB))]
        return colour, self.paint.repaint(icon, colour)

    def sample(self, r: Generator) -> Recipe:
        """Return a random recipe."""
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
        return assemble(pieces, places, ground, props, text=caption, what=what + where[1])

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
        relation = choose(r, RELATION_SHARES)
        kinds = {"holding": ("actor", "held"), "wearing": ("actor", "hat")}.get(relation, ("object", "object"))
        first = self.piece(r, self.pick(r, kinds[0]), spanish, 0.4)
        second = self.piece(r, self.pick(r, kinds[1], self.set[first.icon]), spanish, 0.4)
        places = PLACEMENTS[relation](r, first, second)
        phrase = say.join(r, relation, say.say(r, first.thing, spanish), say.say(r, second.thing, spanish), spanish)
        return [first, second], places, phrase, f"{self._means(first)} {relation} {self._means(second)}"

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
    """Return a random name by its share."""
    at, names = r.random() * sum(p for _, p in among), [n for n, _ in among]
    return names[int(np.searchsorted(np.cumsum([p for _, p in among]), at))]


def assemble(pieces: list[Piece], places: Array, ground: Array, props: list[Prop], *, text: str, what: str) -> Recipe:
    """Return the recipe with the pieces on its layers, in front of a prop if there is a free layer."""
    icons, place = np.full(LAYERS, -1, np.int32), np.zeros((LAYERS, 3), np.float16)
    paint, flip = np.tile(np.eye(3, 4, dtype=np.float16), (LAYERS, 1, 1)), np.zeros(LAYERS, np.float16)
    behind = props if len(pieces) < LAYERS else []
    for layer, (icon, where) in enumerate(behind):
        icons[layer], place[layer] = icon, where
    for layer, (piece, where) in enumerate(zip(pieces, places, strict=True), len(behind)):
        icons[layer], place[layer], paint[layer], flip[layer] = piece.icon, where, piece.paint, piece.flip
    return Recipe(icons, place, paint, flip, ground, text, what)
