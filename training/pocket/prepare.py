"""Pack everything that training needs into one small folder.

    python -m training.pocket.prepare PACK

This writes ``manifest.json.xz`` (concepts and icons), ``svgs.xz``, ``webp.zip`` (the 3d set at 128 px),
``text.safetensors`` (MiniLM, int8 rows, only the word pieces that captions use) and ``tokenizer.json``.
"""

import argparse
import io
import json
import lzma
import re
import shutil
import zipfile
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from training.pocket import language, prompts, scenes, sources, text
from training.pocket.captions import Concept, clean, concepts, key

SETS = {  # set -> (style, weight). A style of STYLED is always named in the caption.
    "fluent-emoji": ("glossy", 1.0),
    "fluent-emoji-flat": ("flat", 0.8),
    "noto": ("cartoon", 1.0),
    "twemoji": ("sticker", 0.6),
    "emojione": ("vector", 0.5),
    "noto-v1": ("blob", 0.25),
    "fxemoji": ("comic", 0.12),
    "streamline-emojis": ("outline", 0.2),
    "meteocons": ("weather icon", 0.2),
}
SKIP = re.compile(
    r"skin-tone|-(light|medium-light|medium|medium-dark|dark)$|^digit-|^letter-|^keycap|^input-|regional-indicator"
    r"|button$|^japanese-.*-button|copyright|registered|trade-mark|^tag-|facing-right|couple-with-heart-(wo)?man"
    r"|^kiss-(wo)?man|^family-(man|woman)"
)
Icon = dict[str, Any]


def slug(label: str) -> str:
    """Return a label as the icon sets spell it."""
    return re.sub(r"[^a-z0-9]+", "-", clean(label).replace("'", "")).strip("-")


def find(name: str, by_slug: dict[str, str]) -> str | None:
    """Return the concept of an icon's name, or None."""
    short = re.sub(r"-\d$", "", name)
    for guess in (short, re.sub("^flag-for-", "flag-", short), re.sub("-face$", "", short), short + "-face"):
        if guess in by_slug:
            return by_slug[guess]
    return None


def find_without_hyphens(name: str, by_slug: dict[str, str]) -> str | None:
    """Return the concept of a name of fxemoji, which omits hyphens, or None."""
    squeezed = {s.replace("-", ""): c for s, c in by_slug.items()}
    return squeezed.get(name) or squeezed.get(name + "face")


def icons_of(set_: str, folder: Path, every: dict[str, Concept]) -> tuple[list[Icon], list[str]]:
    """Return a set's usable icons and their SVG documents."""
    data = json.loads((folder / "icons.json").read_text("utf-8"))
    by_slug = {slug(c.label): code for code, c in every.items()}
    look = find_without_hyphens if set_ == "fxemoji" else find
    icons, documents = [], []
    for name, body in data["icons"].items():
        code = look(weather(name), by_slug) if set_ == "meteocons" else look(name, by_slug)
        if body.get("hidden") or SKIP.search(name) or code is None or flag_elsewhere(every[code], set_):
            continue
        icons.append({"set": set_, "style": SETS[set_][0], "concept": code, "share": SETS[set_][1]})
        documents.append(to_svg(body, data))
    return icons, documents


def weather(name: str) -> str:
    """Return the emoji label of a weather icon's name in meteocons."""
    names = {"clear-day": "sun", "rain": "cloud-with-rain", "snow": "cloud-with-snow", "cloudy": "cloud"}
    plain = re.sub(r"-fill$", "", name)
    return names.get(plain, plain)


def flag_elsewhere(concept: Concept, set_: str) -> bool:
    """Return whether an icon is a flag of a set other than the one that flags are taken from.

    Flags are many, and hardly anybody asks for them.
    """
    return concept.group == 9 and set_ != "twemoji"


def to_svg(body: dict[str, Any], data: dict[str, Any]) -> str:
    """Return one icon as a complete SVG document."""
    wide, high = (body.get(k, data.get(k, 16)) for k in ("width", "height"))
    box = f"{body.get('left', 0)} {body.get('top', 0)} {wide} {high}"
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} viewBox="{box}" color="#000">{body["body"]}</svg>'


def load_3d_icons(folder: Path, every: dict[str, Concept]) -> tuple[list[Icon], list[bytes]]:
    """Return the icons of the 3d set and their pictures, 128 px WebP with alpha."""
    icons, pictures = [], []
    for file in sorted((folder / "assets").glob("*.webp")):
        concept = every.get(key(file.stem))
        if (
            concept is None
            or concept.group == 9
            or re.search("1f3f[b-f]", file.stem)
            or SKIP.search(slug(concept.label))
        ):
            continue
        icons.append({"set": "fluent-3d", "style": "3d", "concept": key(file.stem), "share": 1.3})
        pictures.append(small(file))
    return icons, pictures


def small(file: Path) -> bytes:
    """Scale a picture to 128 px with premultiplied alpha, which avoids dark edges."""
    to = io.BytesIO()
    picture = Image.open(file).convert("RGBa").resize((128, 128), Image.Resampling.LANCZOS).convert("RGBA")
    picture.save(to, "webp", quality=93, method=4, alpha_quality=100)
    return to.getvalue()


def weigh(icons: list[Icon], every: dict[str, Concept]) -> None:
    """Set each icon's weight: its concept's weight divided among the sets that contain it."""
    shares: dict[str, float] = defaultdict(float)
    for icon in icons:
        shares[icon["concept"]] += icon["share"]
    for icon in icons:
        icon["w"] = round(every[icon["concept"]].weight * icon.pop("share") / shares[icon["concept"]], 5)


def prepare(pack: Path, cache: Path) -> None:
    """Fetch, correct, weigh and pack the icons."""
    text.encoder_folder()  # refuses now rather than after everything was fetched
    pack.mkdir(parents=True, exist_ok=True)
    homes = sources.fetch(cache)
    every = concepts(homes["emojibase-data"], homes["emojilib"])
    icons: list[Icon] = []
    documents: list[str] = []
    for set_ in SETS:
        found, svgs = icons_of(set_, homes[f"@iconify-json/{set_}"], every)
        icons, documents = icons + found, documents + svgs
    found, pictures = load_3d_icons(homes["@lobehub/fluent-emoji-3d"], every)
    icons += found
    weigh(icons, every)
    used = {icon["concept"] for icon in icons}
    known = {code: asdict(c) for code, c in every.items() if code in used}
    write(pack, {"icons": icons, "concepts": known}, documents, pictures)
    print(Counter(i["set"] for i in icons), len(used), "concepts")


def write(pack: Path, manifest: dict[str, Any], documents: list[str], pictures: list[bytes]) -> None:
    """Write the files of the pack."""
    (pack / "manifest.json.xz").write_bytes(lzma.compress(json.dumps(manifest).encode()))
    (pack / "svgs.xz").write_bytes(lzma.compress("\0".join(documents).encode()))
    with zipfile.ZipFile(pack / "webp.zip", "w", zipfile.ZIP_STORED) as archive:
        for i, picture in enumerate(pictures):
            archive.writestr(f"{i:05}.webp", picture)
    shutil.copy(text.encoder_folder() / "tokenizer.json", pack / "tokenizer.json")
    text.pack_encoder(pack, text.tokens(text.tokenizer(pack), sayable(manifest["concepts"])))


def sayable(known: dict[str, dict[str, Any]]) -> list[str]:
    """Return texts that together contain every word of the captions and fixed prompts."""
    en = [name for c in known.values() for name, _ in c["en"]]
    es = [name for c in known.values() for name, _ in c["es"]]
    made = [*en, *map(language.plural, en), *es, *map(language.plural_es, es), *prompts.COMPOSITIONS, *prompts.SHEET]
    source = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (language, scenes))
    words = re.findall(r"[a-záéíóúñü]+", source) + [c + "s" for c, *_ in language.COLOURS.values()]
    return (
        made + words + [language.COLOURS[c][0][:-1] + end for c in language.COLOURS for end in ("a", "as", "os", "es")]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/atelier-training")
    given = parser.parse_args()
    prepare(given.pack, given.cache)
