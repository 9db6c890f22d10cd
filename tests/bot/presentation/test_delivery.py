"""Files too large for a platform: compressed, replaced by a link, or left unchanged."""

import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from bot.app import AppContext
from bot.config.sections import BotSection, WebSection
from bot.config.settings import Settings
from bot.presentation.card import Card
from bot.presentation.delivery import LINK_SECONDS, create_link, fit_to_limit, verify_link
from bot.presentation.signing import Signer
from engine.core.job import Media
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.media.files import keep
from storage.files import Files
from storage.store import Store
from tests.timing import HANG_SECONDS


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[AppContext]:
    async with Store.open(":memory:") as store:
        yield studio_of(store, tmp_path, WebSection())


def studio_of(store: Store, folder: Path, web: WebSection) -> AppContext:
    settings = Settings(bot=BotSection(data_dir=folder), web=web)
    return AppContext(
        settings,
        store,
        Files(folder / "media", 10**7, 10**7),
        Engine(HostSettings(devices=(), worker=WorkerSettings(folder=folder))),
        (),
    )


def noise(folder: Path, mode: str = "RGB") -> Media:
    """Return a picture of 600 x 400 pixels that PNG cannot compress."""
    pixels = np.random.default_rng(1).integers(0, 255, (400, 600, len(mode)), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG")
    return keep(file.getvalue(), folder / "media")


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "image/jpeg"), ("RGBA", "image/webp")])
async def test_a_picture_is_compressed_to_fit_and_the_text_says_so(
    studio: AppContext, tmp_path: Path, mode: str, kind: str
) -> None:
    picture = noise(tmp_path, mode)
    card = await fit_to_limit(Card("here", (picture,), final=True), 200_000, "en", studio)
    (small,) = card.media
    assert small.mime == kind
    assert small.bytes <= 200_000 < picture.bytes
    assert card.text.startswith("here\nCompressed from ")


async def test_a_compressed_picture_keeps_its_colour_profile(studio: AppContext, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    with Image.open(noise(tmp_path).path) as drawn:
        drawn.save(file, "PNG", icc_profile=profile)
    card = await fit_to_limit(Card("", (keep(file.getvalue(), tmp_path / "media"),), final=True), 200_000, "en", studio)
    with Image.open(card.media[0].path) as sent:
        assert sent.info["icc_profile"] == profile


async def test_a_link_is_valid_until_it_expires_and_only_with_its_signature(studio: AppContext) -> None:
    keys, name, later = await Signer.of(studio.store), "a" * 64 + ".mp4", str(int(time.time()) + 60)
    assert verify_link(keys, name, later, keys.sign("shared", name, later))
    assert not verify_link(keys, name, "1000", keys.sign("shared", name, "1000"))
    for until in ("9" * 5000, "-1", "", "soon"):  # no number of anybody else's is ever read
        assert not verify_link(keys, name, until, keys.sign("shared", name, later))


async def test_a_file_that_fits_is_unchanged(studio: AppContext, tmp_path: Path) -> None:
    card = Card("here", (noise(tmp_path),), final=True)
    assert await fit_to_limit(card, 10**7, "en", studio) == card


async def test_a_file_that_cannot_fit_is_unchanged_without_a_public_address(studio: AppContext, tmp_path: Path) -> None:
    card = Card("here", (keep(b"\x1aE\xdf\xa3 no picture" * 9, tmp_path / "media"),), final=True)
    assert await fit_to_limit(card, 10, "en", studio) == card


async def test_a_file_that_cannot_fit_becomes_a_link_with_a_public_address(studio: AppContext, tmp_path: Path) -> None:
    public = studio_of(studio.store, tmp_path, WebSection(public_url="https://studio.example/"))
    sound = keep(b"RIFF0000WAVEfmt " * 9, tmp_path / "media")
    card = await fit_to_limit(Card("here", (sound,), final=True), 10, "es", public)
    assert card.media == ()
    assert f"https://studio.example/shared/{sound.sha256}.wav?until=" in card.text
    assert "Tienes 24 horas para descargarlo" in card.text


async def test_a_link_is_valid_for_its_own_file_until_it_expires(studio: AppContext, tmp_path: Path) -> None:
    public = studio_of(studio.store, tmp_path, WebSection(public_url="https://studio.example"))
    sound, keys = keep(b"RIFF0000WAVEfmt ", tmp_path / "media"), await Signer.of(studio.store)
    url = await create_link(sound, public)
    assert url is not None
    until, key = url.partition("until=")[2].split("&key=")
    name = f"{sound.sha256}.wav"
    assert abs(int(until) - time.time() - LINK_SECONDS) < HANG_SECONDS
    assert verify_link(keys, name, until, key)
    assert not verify_link(keys, name, str(int(until) + 1), key)
    assert not verify_link(keys, name.replace(name[0], "f"), until, key)
    past = str(int(time.time()) - 1)
    assert not verify_link(keys, name, past, keys.sign("shared", name, past))
