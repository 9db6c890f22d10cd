"""The Upscale button at its default scale, through the real service, worker and FFmpeg."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Attachment, Request
from bot.presentation.buttons import buttons_for, parse_button
from bot.requests.service import Service
from engine.core.job import Done
from engine.media.video import CancelOrTimeout, write_frames
from storage.files import Files
from storage.store import Store
from tests.fakes import small_engine

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Yield a service without networks, which enlarges by bicubic interpolation."""
    data = tmp_path_factory.mktemp("data")
    settings = Settings.model_validate({"bot": {"data_dir": data}, "limits": {"upscale": "off"}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_WEIGHTS", str(data / "no weights"))
        async with Store.open(":memory:") as store, small_engine(data) as engine:
            files = Files(data / "media", max_bytes=10**7, max_pixels=10**8)
            yield Service(AppContext(settings, store, files, engine, COMMANDS))


def clip_of(path: Path, width: int, height: int) -> Path:
    write_frames(np.zeros((2, height, width, 3), np.uint8), path, 10, CancelOrTimeout())
    return path


async def ask(service: Service, request: Request) -> Done:
    async with aclosing(service.handle(request)) as updates:
        update = [update async for update in updates][-1]
    assert isinstance(update, Done), update
    return update


async def enlarge_twice(service: Service, path: Path) -> Done:
    files = {"image": Attachment(path.name, path=path)}
    return await ask(service, Request("upscale", {"scale": "2"}, user="web:ana", origin="", files=files))


async def press_upscale(service: Service, done: Done) -> Done:
    buttons = {button.label: button for button in buttons_for(done.job, done.result, COMMANDS, "en")}
    press = parse_button(buttons["Upscale"].id, COMMANDS)
    return await ask(service, Request(press.command, press.raw_options, user="web:ana", origin="", files=press.files))


def size(done: Done) -> tuple[int | None, int | None]:
    (media,) = done.result.media
    return media.width, media.height


def notes(done: Done) -> list[str]:
    return [str(note) for note in done.result.notes if "bicubic" not in str(note)]


async def test_the_button_under_a_video_enlarges_it_as_far_as_players_can_play_it(
    service: Service, tmp_path: Path
) -> None:
    largest = await press_upscale(service, await enlarge_twice(service, clip_of(tmp_path / "small.mp4", 480, 270)))
    assert (size(largest), largest.result.facts["scale"], notes(largest)) == ((3840, 2160), 4, [])
    larger = await press_upscale(service, await enlarge_twice(service, clip_of(tmp_path / "wide.mp4", 480, 272)))
    assert (size(larger), larger.result.facts["scale"]) == ((1920, 1088), 2)
    assert notes(larger) == ["Enlarged at scale 2. Scale 4 would give 3840 x 2176 pixels; the limit is 8,294,400."]


async def test_the_button_under_a_large_picture_enlarges_it_twice(service: Service, tmp_path: Path) -> None:
    Image.new("RGB", (1100, 1000)).save(tmp_path / "a.png")
    larger = await press_upscale(service, await enlarge_twice(service, tmp_path / "a.png"))
    assert (size(larger), larger.result.facts["scale"]) == ((4400, 4000), 2)
    assert notes(larger) == ["Enlarged at scale 2. Scale 4 would give 8800 x 8000 pixels; the limit is 67,108,864."]


@pytest.mark.parametrize(
    ("extent", "frames", "note"),
    [
        ((600, 500), 100, "2400 x 2000 pixels; the limit is 4,000,000."),
        ((5000, 8), 2, "20000 x 32 pixels; the limit for a side is 16,383."),
    ],
)
async def test_an_animation_is_enlarged_twice_where_four_times_is_over_a_limit(
    extent: tuple[int, int], frames: int, note: str, service: Service, tmp_path: Path
) -> None:
    pictures = [Image.new("RGB", extent, (number, 0, 0)) for number in (0, 9)] * (frames // 2)
    path = tmp_path / "a.webp"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], lossless=True, quality=0, method=0)
    files = {"image": Attachment("a.webp", path=path)}
    larger = await ask(service, Request("upscale", {}, user="web:ana", origin="", files=files))
    assert size(larger) == (2 * extent[0], 2 * extent[1])
    assert notes(larger) == [f"Enlarged at scale 2. Scale 4 would give {note}"]
