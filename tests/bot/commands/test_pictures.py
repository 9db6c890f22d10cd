"""What a full-tier model can do, asked for by people: the real service and a worker with small random SDXLs."""

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
    """A studio whose usual checkpoint is distilled, with a LoRA, a control and a second, guided checkpoint."""
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


async def asked(service: Service, line: str, **files: Attachment) -> Update:
    name, _, words = line.removeprefix("/").partition(" ")
    command = service.studio.command(name)
    assert command is not None
    return await last(service, Request(name, parse(command.params, words), user="web:ana", origin="", files=files))


async def drawn(service: Service, line: str, **files: Attachment) -> Done:
    update = await asked(service, line, **files)
    assert isinstance(update, Done), update
    return update


async def refusal(service: Service, line: str, **files: Attachment) -> str:
    update = await asked(service, line, **files)
    assert isinstance(update, Failed), update
    return f"{update.kind}: {update.sentence}"


async def pressed(service: Service, done: Done, label: str) -> tuple[Done, JobRecord]:
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


async def test_models_lists_what_may_be_named(service: Service) -> None:
    told = (await drawn(service, "/models")).result
    assert told.facts["offers"] == {"model": ["guided"], "lora": ["film"], "control": ["canny"]}
    assert "LoRAs (option lora): film" in told.text


async def test_another_checkpoint_draws_and_takes_what_the_usual_one_refuses(service: Service) -> None:
    usual = (await drawn(service, "/imagine a cat --seed 1")).result
    other = (await drawn(service, "/imagine a cat --seed 1 --model guided --negative dog --steps 2")).result
    assert str(usual.facts["model"]).startswith("tiny-sdxl-")
    assert usual.facts["model"] != other.facts["model"]
    assert usual.media[0].sha256 != other.media[0].sha256
    assert "negative has no effect" in await refusal(service, "/imagine a cat --negative dog")


async def test_a_name_that_is_not_here_is_refused_with_those_that_are(service: Service, photo: Attachment) -> None:
    assert (
        await refusal(service, "/imagine x --model foto")
        == "BadInput: model “foto” is not available here. Available: guided."
    )
    assert "lora “paper” is not available here. Available: film." in await refusal(
        service, "/imagine x --lora film,paper:0.5"
    )
    assert "control “depth” is not available" in await refusal(service, "/imagine x --control depth", image=photo)


async def test_options_that_make_no_sense_together_are_refused(service: Service, photo: Attachment) -> None:
    for line, told in {
        "/imagine x --strength 0.5": "strength needs image",
        "/imagine x --width 512": "width needs height",
        "/imagine x --width 500 --height 512": "multiple of 8, such as 496",
        "/imagine x --extend left": "extend needs image",
        "/imagine x --lora film:9": "from -2.0 to 2.0",
        "/imagine x --lora film,film:2": "has the same name twice",
        "/imagine (x:3)": "weight 3 in the prompt is too large",
        "/imagine x --negative y --guidance 1": "negative has no effect when guidance is 1.0",
    }.items():
        assert told in await refusal(service, line)
    line = "/imagine x --extend left --shape wide"
    assert "shape and extend can't be used together" in await refusal(service, line, image=photo)


async def test_a_lora_and_a_control_change_the_picture(service: Service, photo: Attachment) -> None:
    bare = (await drawn(service, "/imagine a cat --seed 1")).result.media[0]
    film = (await drawn(service, "/imagine a cat --seed 1 --lora film:0.9")).result.media[0]
    edges = await drawn(service, "/imagine a cat --seed 1 --control canny", image=photo)
    assert len({bare.sha256, film.sha256, edges.result.media[0].sha256}) == 3
    assert size(edges) == (80, 48)


async def test_into_a_mask_only_that_place_is_drawn(service: Service, photo: Attachment, tmp_path: Path) -> None:
    mask = np.zeros((64, 96, 3), np.uint8)
    mask[:, 60:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    done = await drawn(
        service, "/imagine a cat --seed 1", image=photo, mask=Attachment("mask.png", path=tmp_path / "mask.png")
    )
    assert photo.path is not None
    before, after = (np.asarray(Image.open(path)) for path in (photo.path, done.result.media[0].path))
    assert (before[:, :60] == after[:, :60]).all()
    assert (before[:, 66:] != after[:, 66:]).mean() > 0.9


async def test_zoom_out_and_pan_draw_on_and_may_be_pressed_again(service: Service) -> None:
    first = await drawn(service, "/imagine a cat --seed 3")
    wider, row = await pressed(service, first, "➡️")
    assert (size(wider), row.job.params["extend"], row.job.command) == ((96, 64), "right", "imagine")
    taller, _ = await pressed(service, wider, "⬆️")
    assert size(taller)[1] > size(taller)[0]
    out, row = await pressed(service, first, "Zoom out")
    assert (size(out), row.job.params["prompt"]) == ((64, 64), "a cat")


async def test_vary_turns_the_noise_of_the_picture_that_was_pressed(service: Service) -> None:
    two = await drawn(service, "/imagine a cat --seed 5 --count 2")
    varied, row = await pressed(service, two, "Vary 2")
    told = row.job.params
    assert (told["seed"], told["variation"], told["image"], told["count"]) == (6, 0.3, None, 2)
    assert told["variation_seed"] is not None
    assert len({media.sha256 for media in (*two.result.media, *varied.result.media)}) == 4


async def test_vary_of_a_picture_past_the_greatest_seed_goes_on_at_zero(service: Service) -> None:
    two = await drawn(service, f"/imagine a cat --seed {MAX_SEED} --count 2")
    _, row = await pressed(service, two, "Vary 2")
    assert row.job.params["seed"] == 0


async def test_vary_of_what_began_with_a_picture_begins_with_it_again(service: Service, photo: Attachment) -> None:
    first = await drawn(service, "/imagine a cat --seed 5", image=photo)
    _, row = await pressed(service, first, "Vary")
    assert row.job.params["image"]["sha256"] == first.result.media[0].sha256
    assert row.job.params["strength"] == 0.65
