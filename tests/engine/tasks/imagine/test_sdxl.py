"""SDXL on a small checkpoint with random weights, against plain diffusers."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import Cancelled, MissingModel
from engine.core.job import Result
from engine.core.settings import WorkerSettings
from engine.media.files import keep
from engine.media.png import encode
from engine.tasks.imagine.params import Params
from engine.tasks.imagine.sdxl.checkpoint import checkpoint, support
from engine.tasks.imagine.sdxl.generator import IN_TILES, SdxlGenerator
from engine.tasks.imagine.task import TASK
from engine.worker.context import Context
from engine.worker.model_pool import Pool
from tests.tiny_sdxl import save_tiny_sdxl


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sdxl(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture(scope="module")
def settings(folder: Path) -> WorkerSettings:
    return WorkerSettings(folder=folder.parent, memory=10**9, models={"imagine": str(folder)})


@pytest.fixture(scope="module")
def sdxl(settings: WorkerSettings) -> SdxlGenerator:
    return SdxlGenerator(settings)


def quiet(_stage: str, _fraction: float, _preview: object = None) -> None:
    return None


def test_it_draws_what_plain_diffusers_draws_with_lightnings_settings(sdxl: SdxlGenerator, folder: Path) -> None:
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    pipe = StableDiffusionXLPipeline.from_pretrained(folder)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config, timestep_spacing="trailing")
    generator = torch.Generator("cpu").manual_seed(7)
    plain = pipe("a cat", num_inference_steps=4, guidance_scale=0, generator=generator, output_type="np").images[0]
    assert pipe.scheduler.timesteps.tolist() == [999, 749, 499, 249]
    (ours,) = sdxl.generate(Params(prompt="a cat", seed=7), quiet).pictures
    assert np.abs(ours.astype(int) - np.round(plain * 255)).max() <= 1


def test_each_picture_of_a_count_is_the_one_that_its_seed_draws_alone(sdxl: SdxlGenerator) -> None:
    both = sdxl.generate(Params(prompt="a cat", seed=7, count=2), quiet).pictures
    alone = sdxl.generate(Params(prompt="a cat", seed=8), quiet).pictures[0]
    assert len(both) == 2
    assert np.abs(both[1].astype(int) - alone).max() <= 2


@pytest.mark.parametrize(("shape", "extent"), [("square", (64, 64)), ("wide", (80, 48)), ("tall", (48, 80))])
def test_shapes_keep_the_area_of_the_checkpoint(sdxl: SdxlGenerator, shape: Any, extent: tuple[int, int]) -> None:
    (picture,) = sdxl.generate(Params(prompt="x", seed=1, shape=shape), quiet).pictures
    assert (picture.shape[1], picture.shape[0]) == extent


def test_a_picture_to_start_from_matters_more_at_a_low_strength(sdxl: SdxlGenerator, tmp_path: Path) -> None:
    begun = [keep(encode(np.full((80, 60, 3), level, np.uint8)), tmp_path) for level in (0, 255)]

    def difference(strength: float) -> float:
        dark, light = (
            sdxl.generate(Params(prompt="x", seed=1, image=image, strength=strength), quiet).pictures[0].astype(int)
            for image in begun
        )
        return float(np.abs(dark - light).mean())

    assert difference(0.1) > 2 * difference(1.0)


def test_every_step_is_reported_and_after_the_first_picture_with_a_preview(
    sdxl: SdxlGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SdxlGenerator, "preview_every", 0.0)
    told: list[tuple[str, float, Any]] = []
    sdxl.generate(Params(prompt="x", seed=1), quiet)
    sdxl.generate(Params(prompt="x", seed=2), lambda *report: told.append(report))
    assert [round(fraction, 3) for _, fraction, _ in told] == [0.237, 0.475, 0.712, 0.95]
    assert all(preview is not None and preview.shape == (32, 32, 3) for _, _, preview in told)


def test_a_cancel_stops_it_at_the_next_step_and_it_draws_again(sdxl: SdxlGenerator) -> None:
    steps = []

    def cancel(*report: object) -> None:
        steps.append(report)
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        sdxl.generate(Params(prompt="x", seed=1), cancel)
    assert len(steps) == 1
    assert sdxl.generate(Params(prompt="x", seed=1), quiet).pictures


def test_words_past_the_77th_token_and_weights_are_drawn(sdxl: SdxlGenerator) -> None:
    def draw(prompt: str) -> Any:
        return sdxl.generate(Params(prompt=prompt, seed=1), quiet).pictures[0].astype(int)

    assert (draw("a " * 80 + "b") != draw("a " * 80 + "c")).any()
    assert (draw("a (red:1.8) cat") != draw("a red cat")).any()


def test_a_distilled_checkpoint_refuses_what_it_cannot_honour(settings: WorkerSettings) -> None:
    assert support(settings).unsupported == ("negative", "guidance")
    assert checkpoint(settings).steps == 4


def test_a_checkpoint_that_is_not_distilled_takes_guidance_and_more_steps(tmp_path: Path) -> None:
    folder = save_tiny_sdxl(tmp_path, spacing="leading")
    settings = WorkerSettings(folder=tmp_path, memory=10**9, models={"imagine": str(folder)})
    chosen = checkpoint(settings)
    assert (chosen.steps, chosen.guidance) == (30, 5.0)
    assert support(settings).unsupported == ()
    sdxl = SdxlGenerator(settings)
    plain, without_y = (
        sdxl.generate(Params(prompt="x", negative=negative, seed=1, steps=2), quiet).pictures[0]
        for negative in ("", "y")
    )
    assert (plain != without_y).any()


def test_another_file_in_the_folder_is_another_model(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    settings = WorkerSettings(folder=tmp_path, memory=10**9, models={"imagine": str(tmp_path)})
    before = checkpoint(settings).name
    (tmp_path / "model_index.json").write_text("{ }")
    assert checkpoint(settings).name != before


def test_a_folder_without_a_checkpoint_is_told_plainly(tmp_path: Path) -> None:
    settings = WorkerSettings(folder=tmp_path, memory=10**9, models={"imagine": str(tmp_path)})
    with pytest.raises(MissingModel, match=r"cannot be loaded.*models\.imagine"):
        SdxlGenerator(settings)


def test_pictures_of_several_people_are_those_that_each_would_have_got_alone(sdxl: SdxlGenerator) -> None:
    jobs = [Params(prompt=f"a cat {number}", seed=number) for number in range(6)]
    told: list[tuple[int, float]] = []
    together = dict(sdxl.generate_batch(jobs, lambda place, _, fraction, __: told.append((place, fraction))))
    for place, wait in together.items():
        alone = sdxl.generate(jobs[place], quiet).pictures[0]
        assert np.abs(wait().pictures[0].astype(int) - alone).max() <= 2
    assert sorted(together) == [0, 1, 2, 3, 4, 5]
    assert sum(place == 5 for place, _ in told) == 4


def test_who_shares_a_run_sees_previews_of_their_own_picture_alone(
    sdxl: SdxlGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SdxlGenerator, "preview_every", 0.0)
    jobs = [Params(prompt=f"a cat {number}", seed=number) for number in range(3)]
    sdxl.generate(jobs[0], quiet)
    shared: dict[int, Any] = {}
    alone: dict[int, Any] = {}
    for _ in sdxl.generate_batch(jobs, lambda place, _, __, preview: shared.update({place: preview})):
        pass
    for place, job in enumerate(jobs):
        seen: list[Any] = []
        sdxl.generate(job, lambda *report, seen=seen: seen.append(report[-1]))
        alone[place] = seen[-1]
    for place in range(3):
        assert shared[place].shape == (32, 32, 3)
        assert np.abs(shared[place].astype(int) - alone[place]).max() <= 2
    assert np.abs(shared[0].astype(int) - shared[1]).max() > 2


def test_a_run_of_several_jobs_ends_each_with_its_own_result_and_tells_who_cancelled(
    settings: WorkerSettings, tmp_path: Path
) -> None:
    assert TASK.load is not None
    assert TASK.batch is not None
    pool = Pool(10**9, {"imagine": partial(TASK.load, settings)})
    chosen = TASK.choose(settings)
    jobs = [Params(prompt=f"a cat {number}", seed=number) for number in range(5)]
    contexts = [Context(str(number), tmp_path, pool, chosen, lambda _: None) for number in range(5)]
    contexts[3].cancelled.set()
    outcomes = dict(TASK.batch.run(jobs, contexts))
    assert isinstance(outcomes.pop(3), Cancelled)
    made = [outcome for outcome in outcomes.values() if isinstance(outcome, Result)]
    assert [result.facts["prompt"] for result in made] == ["a cat 0", "a cat 1", "a cat 2", "a cat 4"]
    assert len({media.sha256 for result in made for media in result.media}) == 4


@pytest.mark.parametrize(
    ("asked", "shared"),
    [({}, True), ({"seed": 5}, True), ({"count": 2}, False), ({"negative": "rain"}, False), ({"guidance": 2}, False)],
)
def test_single_pictures_of_one_shape_share_a_run(asked: dict[str, Any], shared: bool) -> None:
    assert TASK.batch is not None
    assert (TASK.batch.key(Params(prompt="x", **asked)) == TASK.batch.key(Params(prompt="y"))) is shared


def test_only_a_distilled_checkpoint_does_several_jobs_together(settings: WorkerSettings, tmp_path: Path) -> None:
    assert support(settings).max_batch > 1
    slow = WorkerSettings(
        device="cpu",
        folder=tmp_path,
        memory=10**9,
        models={"imagine": str(save_tiny_sdxl(tmp_path, spacing="leading"))},
    )
    assert support(slow).max_batch == 1


def test_a_prompt_that_comes_again_is_not_read_again(sdxl: SdxlGenerator) -> None:
    sdxl.generate(Params(prompt="a prompt of its own", seed=1), quiet)
    before = sdxl._reader.reads
    sdxl.generate(Params(prompt="a prompt of its own", seed=2), quiet)
    assert sdxl._reader.reads == before


@pytest.mark.parametrize("level", [1, 2])
def test_with_little_memory_it_draws_the_same_in_smaller_pieces_and_says_so(sdxl: SdxlGenerator, level: int) -> None:
    asked = Params(prompt="a cat", seed=7, count=2)
    plenty = sdxl.generate(asked, quiet)
    sdxl.set_memory_level(level)
    try:
        little = sdxl.generate(asked, quiet)
    finally:
        sdxl.set_memory_level(0)
    assert [str(note) for note in little.notes] == [str(IN_TILES)]
    assert not plenty.notes
    for ours, theirs in zip(little.pictures, plenty.pictures, strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= 2


def test_a_generator_that_was_offloaded_and_loaded_back_draws_the_same(sdxl: SdxlGenerator) -> None:
    asked = Params(prompt="a cat", seed=7)
    before = sdxl.generate(asked, quiet).pictures[0]
    assert sdxl.offload()
    sdxl.onload()
    assert (sdxl.generate(asked, quiet).pictures[0] == before).all()


def test_a_small_budget_lets_the_parts_take_turns(folder: Path) -> None:
    sdxl = SdxlGenerator(WorkerSettings(folder=folder.parent, memory=10**9, models={"imagine": str(folder)}))
    whole = sdxl.size
    sdxl.set_memory_level(2)
    assert sdxl.size < whole


def test_long_prompts_are_kept_in_bounded_memory_and_the_newest_is_not_read_again(
    sdxl: SdxlGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = sdxl._reader
    reader.forget()
    monkeypatch.setattr("engine.tasks.imagine.sdxl.prompt_cache.MAX_CACHED_BYTES", 10**6)
    for number in range(12):
        sdxl.generate(Params(prompt=f"{number} {'long ' * 150}", seed=1), quiet)
        assert sum(each.bytes for each in reader._kept.values()) <= 10**6
    before = reader.reads
    sdxl.generate(Params(prompt=f"11 {'long ' * 150}", seed=2), quiet)
    assert reader.reads == before
    assert 0 < len(reader._kept) < 12


def test_a_closed_generator_releases_its_weights_though_a_compiler_still_holds_the_network(folder: Path) -> None:
    sdxl = SdxlGenerator(WorkerSettings(folder=folder.parent, memory=10**9, models={"imagine": str(folder)}))
    unet = sdxl._pipe.unet
    assert sum(each.nbytes for each in unet.parameters()) > 10**5
    sdxl.close()
    assert sum(each.nbytes for each in unet.parameters()) == 0
