"""The options of full-tier image models, through the real service and a worker with small random SDXL models."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Attachment, Request
from bot.core.command_line import parse
from bot.presentation.buttons import buttons_for, parse_button
from bot.requests.service import Service
from engine.core.job import Done, Failed, Update
from engine.core.params import MAX_SEED
from storage.files import Files
from storage.store import JobRecord, Store
from tests.fakes import small_engine
from tests.tiny_sdxl import save_tiny_controlnet, save_tiny_lora, save_tiny_sdxl

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Yield a service whose default checkpoint is distilled, with a LoRA, a control and a second, guided checkpoint."""
    home, data = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("data")
    weights = home / "weights"
    (weights / "loras").mkdir(parents=True)
    save_tiny_lora(weights / "loras" / "film.safetensors")
    usual, guided = save_tiny_sdxl(home / "usual"), save_tiny_sdxl(home / "guided", spacing="leading")
    edges = save_tiny_controlnet(home / "edges")
    models = {"imagine": str(usual), "checkpoints": {"guided": str(guided)}, "controls": {"canny": str(edges)}}
    settings = Settings.model_validate({"bot": {"data_dir": data}, "models": models, "limits": {"imagine": "off"}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_WEIGHTS", str(weights))
        async with (
            Store.open(":memory:") as store,
            small_engine(data, models=tuple(settings.models.engine_names().items())) as engine,
        ):
            yield Service(
                AppContext(settings, store, Files(data / "media", max_bytes=10**7, max_pixels=10**7), engine, COMMANDS)
            )


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Attachment:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)).save(path)
    return Attachment("photo.png", path=path)


async def last(service: Service, request: Request) -> Update:
    async with aclosing(service.handle(request)) as updates:
        return [update async for update in updates][-1]


async def send(service: Service, line: str, **files: Attachment) -> Update:
    name, _, words = line.removeprefix("/").partition(" ")
    command = service.studio.command(name)
    assert command is not None
    return await last(service, Request(name, parse(command.params, words), user="web:ana", origin="", files=files))


async def run_command(service: Service, line: str, **files: Attachment) -> Done:
    update = await send(service, line, **files)
    assert isinstance(update, Done), update
    return update


async def refusal(service: Service, line: str, **files: Attachment) -> str:
    update = await send(service, line, **files)
    assert isinstance(update, Failed), update
    return f"{update.kind}: {update.sentence}"


async def press(service: Service, done: Done, label: str) -> tuple[Done, JobRecord]:
    buttons = {button.label: button for button in buttons_for(done.job, done.result, COMMANDS, "en")}
    press = parse_button(buttons[label].id, COMMANDS)
    request = Request(press.command, press.raw_options, user="web:ana", origin="", files=press.files)
    update = await last(service, request)
    assert isinstance(update, Done), update
    row = await service.studio.store.job(update.job)
    assert row is not None
    return update, row


def size(done: Done) -> tuple[Any, Any]:
    (media,) = done.result.media
    return media.width, media.height


async def test_models_lists_what_can_be_named(service: Service) -> None:
    models = (await run_command(service, "/models")).result
    assert models.facts["offers"] == {"model": ["guided"], "lora": ["film"], "control": ["canny"]}
    assert "LoRAs (option lora): film" in models.text


async def test_another_checkpoint_supports_options_that_the_default_one_does_not(service: Service) -> None:
    usual = (await run_command(service, "/imagine a cat --seed 1")).result
    other = (await run_command(service, "/imagine a cat --seed 1 --model guided --negative dog --steps 2")).result
    assert str(usual.facts["model"]).startswith("tiny-sdxl-")
    assert usual.facts["model"] != other.facts["model"]
    assert usual.media[0].sha256 != other.media[0].sha256
    refused = await refusal(service, "/imagine a cat --negative dog")
    assert "negative has no effect here: tiny-sdxl draws without guidance." in refused
    models = (await run_command(service, "/models")).result
    assert "Default model: tiny-sdxl\n" in f"{models.text}\n"


async def test_an_unavailable_name_is_refused_with_the_available_ones(service: Service, photo: Attachment) -> None:
    assert (
        await refusal(service, "/imagine x --model foto")
        == "BadInput: model “foto” is not available here. Available: guided."
    )
    assert "lora “paper” is not available here. Available: film." in await refusal(
        service, "/imagine x --lora film,paper:0.5"
    )
    assert "control “depth” is not available" in await refusal(service, "/imagine x --control depth", image=photo)


async def test_options_that_make_no_sense_together_are_refused(service: Service, photo: Attachment) -> None:
    for line, message in {
        "/imagine x --strength 0.5": "strength needs image",
        "/imagine x --width 512": "width needs height",
        "/imagine x --width 500 --height 512": "multiple of 8, such as 496",
        "/imagine x --extend left": "extend needs image",
        "/imagine x --lora film:9": "from -2.0 to 2.0",
        "/imagine x --lora film,film:2": "has the same name twice",
        "/imagine (x:3)": "weight 3 in the prompt is too large",
        "/imagine x --negative y --guidance 1": "negative has no effect when guidance is 1.0",
    }.items():
        assert message in await refusal(service, line)
    line = "/imagine x --extend left --shape wide"
    assert "shape and extend can't be used together" in await refusal(service, line, image=photo)


async def test_a_lora_and_a_control_change_the_picture(service: Service, photo: Attachment) -> None:
    bare = (await run_command(service, "/imagine a cat --seed 1")).result.media[0]
    film = (await run_command(service, "/imagine a cat --seed 1 --lora film:0.9")).result.media[0]
    edges = await run_command(service, "/imagine a cat --seed 1 --control canny", image=photo)
    assert len({bare.sha256, film.sha256, edges.result.media[0].sha256}) == 3
    assert size(edges) == (80, 48)


async def test_only_the_masked_area_is_redrawn(service: Service, photo: Attachment, tmp_path: Path) -> None:
    mask = np.zeros((64, 96, 3), np.uint8)
    mask[:, 60:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    done = await run_command(
        service, "/imagine a cat --seed 1", image=photo, mask=Attachment("mask.png", path=tmp_path / "mask.png")
    )
    assert photo.path is not None
    before, after = (np.asarray(Image.open(path)) for path in (photo.path, done.result.media[0].path))
    assert (before[:, :60] == after[:, :60]).all()
    assert (before[:, 66:] != after[:, 66:]).mean() > 0.9


async def test_zoom_out_and_pan_extend_the_picture_and_can_be_pressed_again(service: Service) -> None:
    first = await run_command(service, "/imagine a cat --seed 3")
    wider, row = await press(service, first, "➡️")
    assert (size(wider), row.job.params["extend"], row.job.command) == ((96, 64), "right", "imagine")
    taller, _ = await press(service, wider, "⬆️")
    assert size(taller)[1] > size(taller)[0]
    out, row = await press(service, first, "Zoom out")
    assert (size(out), row.job.params["prompt"]) == ((64, 64), "a cat")


async def test_vary_mixes_new_noise_into_the_noise_of_its_picture(service: Service) -> None:
    two = await run_command(service, "/imagine a cat --seed 5 --count 2")
    varied, row = await press(service, two, "Vary 2")
    params = row.job.params
    assert (params["seed"], params["variation"], params["image"], params["count"]) == (6, 0.3, None, 2)
    assert params["variation_seed"] is not None
    assert len({media.sha256 for media in (*two.result.media, *varied.result.media)}) == 4


async def test_vary_of_a_picture_past_the_greatest_seed_continues_at_zero(service: Service) -> None:
    two = await run_command(service, f"/imagine a cat --seed {MAX_SEED} --count 2")
    _, row = await press(service, two, "Vary 2")
    assert row.job.params["seed"] == 0


async def test_vary_of_a_picture_made_from_another_starts_from_that_picture(
    service: Service, photo: Attachment
) -> None:
    first = await run_command(service, "/imagine a cat --seed 5", image=photo)
    _, row = await press(service, first, "Vary")
    assert row.job.params["image"]["sha256"] == first.result.media[0].sha256
    assert row.job.params["strength"] == 0.65
