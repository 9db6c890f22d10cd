"""Pocket: its text encoder, its sampler, and what drawing with it promises."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image

from engine.core.errors import BadInput, MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.imagine.backends import POCKET_UNSUPPORTED, choose
from engine.tasks.imagine.contract import GeneratedImages
from engine.tasks.imagine.params import Params
from engine.tasks.imagine.pocket.generator import PocketGenerator
from engine.tasks.imagine.pocket.minilm import MiniLM
from engine.tasks.imagine.pocket.pocket import Pocket
from engine.tasks.imagine.pocket.sampler import Array, sample, times
from engine.tasks.imagine.pocket.shape import Shape, widen
from engine.weights import registry

Picture = NDArray[np.uint8]

GOLDEN = Path(__file__).with_name("pocket.png")
LONG = "a small red house by the sea at night with a big yellow moon and seven stars over a very calm harbour"


@pytest.fixture(scope="module")
def pocket() -> Pocket:
    return Pocket(registry.FOLDER)


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    folder = registry.path_or_raise("minilm", registry.FOLDER)
    return MiniLM(folder / "model.safetensors", folder / "tokenizer.json", 22)


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """In dB, for the range 0..255."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float)) ** 2)))


# What a BERT in torch says of every 96th channel: of the first token of the first text, of the last of the other two.
REFERENCE = {
    "a red apple": (5, 0, [0.12972, 0.11346, -0.24241, -0.37676]),
    "": (2, -1, [-1.51903, 0.35450, -1.15085, -0.00102]),
    "Ein größeres Schloß am Meer, bei Nacht; with a very long tail of words that nobody is ever going to read": (
        22,
        -1,
        [0.17791, 0.12500, -0.00349, -0.05206],
    ),
}


@pytest.mark.parametrize("text", REFERENCE)
def test_the_text_encoder_says_what_bert_in_torch_says(minilm: MiniLM, text: str) -> None:
    tokens, token, values = REFERENCE[text]
    states = minilm.read(text).states
    assert states.shape == (tokens, 384)
    assert np.abs(states[token, ::96] - values).max() < 2e-5


def test_words_past_the_last_token_are_told(minilm: MiniLM) -> None:
    reading = minilm.read(LONG)
    assert len(reading.states) == 22
    assert reading.unread == ("calm", "harbour")
    assert LONG.endswith(" ".join(reading.unread))


def test_a_short_text_is_read_whole(minilm: MiniLM) -> None:
    assert minilm.read("A lighthouse at dusk!").unread == ()


def toy(z: Array, t: float) -> Array:
    return np.asarray(np.tanh(1.5 * z * np.float32(t) + np.float32(0.3) * np.sin(3 * z) + np.float32(0.1)))


def test_the_sampler_makes_what_the_trained_networks_own_sampler_made() -> None:
    golden = [-0.813255, -0.801578, -0.787754, -0.766514, -0.712903, -0.228880]
    golden += [0.778007, 0.839255, 0.855733, 0.864543, 0.871171, 0.877535]
    *_, x = sample(toy, np.linspace(-2, 2, 12, dtype=np.float32), times(10))
    first_order = np.linspace(-2, 2, 12, dtype=np.float32)
    for t, later in pairwise(times(10)):
        first_order = first_order + (toy(first_order, t) - first_order) * np.float32((later - t) / (1 - t))
    assert np.abs(x - golden).max() < 1e-5
    assert np.abs(first_order - golden).max() > 1e-3, "the tolerance must tell a wrong sampler"


def test_more_steps_come_closer_to_the_exact_picture_faster_than_a_first_order_sampler() -> None:
    mean, spread, noise = (np.array(values, np.float32) for values in ([0.3, -0.4, 0.1], [0.15] * 3, [1, -1.5, 0.5]))

    def exact(z: Array, t: float) -> Array:
        """The mean of x given z where x is normal: the walk then ends at mean + spread * noise."""
        sigma = 1 - t
        return np.asarray((mean * sigma**2 + spread**2 * t * z) / (spread**2 * t**2 + sigma**2))

    def miss(steps: int) -> float:
        *_, x = sample(exact, noise, times(steps))
        return float(np.abs(x - (mean + spread * noise)).max())

    assert miss(40) < miss(20) / 4 < miss(10) / 8


def test_the_times_rise_from_the_start_to_one_and_keep_to_the_shift() -> None:
    moments = times(10, 2.0, 0.4)
    assert moments[0] == pytest.approx(0.4)
    assert moments[-1] == 1
    assert all(a < b for a, b in pairwise(moments))
    assert times(2, 2.0) == pytest.approx([0, 1 / 3, 1])


def test_the_kept_weights_draw_what_the_trained_network_drew_in_fp32(pocket: Pocket) -> None:
    """The golden is fp32 torch on the same noise: `python -m training.pocket.export --golden` makes it anew."""
    drawn = pocket.draw("a red apple", seed=3)[0]
    assert psnr(drawn, np.asarray(Image.open(GOLDEN).convert("RGB"))) > 35


def test_each_picture_of_a_count_is_the_picture_drawn_alone(pocket: Pocket) -> None:
    both = pocket.draw("a blue car", seed=7, steps=2, count=2)
    assert np.array_equal(both[1], pocket.draw("a blue car", seed=8, steps=2)[0])
    assert not np.array_equal(both[0], both[1])


def test_each_step_shows_the_current_estimate_and_the_last_is_the_picture(pocket: Pocket) -> None:
    seen: list[tuple[int, int, Picture]] = []
    drawn = pocket.draw("a tree", seed=1, steps=3, on_step=lambda *step: seen.append(step))
    assert [(done, total) for done, total, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    assert all(picture.shape == (1, 128, 128, 3) and picture.dtype == np.uint8 for _, _, picture in seen)
    assert np.array_equal(seen[-1][2][0], drawn[0])


def test_what_a_step_raises_stops_the_drawing(pocket: Pocket) -> None:
    steps: list[int] = []

    def stop(done: int, *_: object) -> None:
        steps.append(done)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pocket.draw("a tree", seed=1, on_step=stop)
    assert steps == [1]
    assert pocket.draw("a tree", seed=1, steps=1), "the model is still good for the next"


def test_what_distilled_weights_cannot_honour_is_refused(tmp_path: Path) -> None:
    told = choose(WorkerSettings(folder=tmp_path, memory=10**9, models={"imagine": "pocket"}))
    assert told.refuses == ("negative", "guidance", *POCKET_UNSUPPORTED)


def test_a_picture_to_start_from_is_kept_the_more_the_less_the_strength(pocket: Pocket) -> None:
    image = np.full((90, 160, 3), (250, 250, 250), np.uint8)
    image[25:65, 60:100] = 200, 30, 30
    square = np.asarray(Image.fromarray(image[:, 35:125]).resize((128, 128), Image.Resampling.LANCZOS))
    weak, strong = (pocket.draw("a red square", seed=2, image=image, strength=s)[0] for s in (0.2, 0.9))
    assert psnr(weak, square) > 20
    assert psnr(weak, square) > psnr(strong, square) + 3


def test_a_walk_from_a_picture_takes_its_share_of_the_steps(pocket: Pocket) -> None:
    totals: list[int] = []
    image = np.zeros((64, 64, 3), np.uint8)
    pocket.draw("a star", seed=1, image=image, strength=0.3, on_step=lambda *step: totals.append(step[1]))
    assert 2 <= totals[0] < 10
    assert len(totals) == totals[0]


@pytest.mark.parametrize(("shape", "size"), [("square", (128, 128)), ("wide", (128, 224)), ("tall", (224, 128))])
def test_a_shape_sets_the_longer_side(pocket: Pocket, shape: Shape, size: tuple[int, int]) -> None:
    seen: list[tuple[int, ...]] = []
    drawn = pocket.draw("a boat", seed=1, steps=1, shape=shape, on_step=lambda *step: seen.append(step[2].shape))
    assert drawn[0].shape == (*size, 3)
    assert seen == [(1, *size, 3)]


def test_the_middle_of_a_wide_picture_is_the_square_one() -> None:
    square = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    assert np.array_equal(widen(square, "wide")[:, 48:176], square)
    assert np.array_equal(widen(square, "tall")[48:176], square)


def small_network(guiding: str, size: int = 32) -> bytes:
    """Draws the guidance scale as a grey, or mid grey where the scale is no input of it."""
    f = TensorProto.FLOAT
    inputs = [("z", f, ["n", 3, size, size]), ("t", f, ["n"]), ("ctx", f, ["n", "k", 384])]
    nodes = [helper.make_node("Sub", ["z", "z"], ["zero"])]
    if guiding == "input":
        inputs.append(("guidance", f, ["n"]))
        nodes.append(helper.make_node("Add", ["zero", "guidance"], ["x"]))
    else:
        nodes.append(helper.make_node("Identity", ["zero"], ["x"]))
    made = [helper.make_tensor_value_info(*one) for one in inputs]
    made.append(helper.make_tensor_value_info("mask", TensorProto.BOOL, ["n", "k"]))
    graph = helper.make_graph(nodes, "small", made, [helper.make_tensor_value_info("x", f, ["n", 3, size, size])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    told = {"size": size, "steps": 3, "guidance": 0.5, "guiding": guiding, "shift": 1.0, "tokens": 8}
    helper.set_model_props(model, {name: str(value) for name, value in told.items()})
    data = io.BytesIO()
    onnx.save(model, data)
    return data.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A weights folder with the text encoder alone."""
    (tmp_path / "minilm").symlink_to(registry.path_or_raise("minilm", registry.FOLDER).absolute())
    return tmp_path


@pytest.mark.parametrize(("guiding", "grey"), [("input", 191), ("none", 128), ("two-pass", 128)])
def test_a_dropped_file_is_drawn_with_by_what_it_says_of_itself(
    pocket: Pocket, folder: Path, guiding: str, grey: int
) -> None:
    (folder / "pocket.onnx").write_bytes(small_network(guiding))
    other = Pocket(folder)
    steps: list[int] = []
    drawn = other.draw("a tree", seed=1, on_step=lambda *step: steps.append(step[1]))
    assert drawn[0].shape == (32, 32, 3)
    assert steps == [3, 3, 3]
    assert np.unique(drawn[0]).tolist() == [grey]
    assert len(other.unread(LONG)) > len(pocket.unread(LONG))
    assert other.identity != pocket.identity
    assert other.identity.startswith("pocket-")


def test_without_the_text_encoder_the_person_learns_what_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"minilm is not here.*python -m engine weights --fetch minilm"):
        Pocket(tmp_path)


@pytest.fixture(scope="module")
def pocket_generator() -> PocketGenerator:
    return PocketGenerator(registry.FOLDER)


def generate(pocket_generator: PocketGenerator, prompt: str) -> GeneratedImages:
    return pocket_generator.generate(Params(prompt=prompt, seed=5, steps=2), lambda *_: None)


def test_an_emoji_is_drawn_as_what_it_shows(pocket_generator: PocketGenerator) -> None:
    shown = generate(pocket_generator, "🐱")
    assert np.array_equal(shown.pictures[0], generate(pocket_generator, "cat face").pictures[0])
    assert not np.array_equal(shown.pictures[0], generate(pocket_generator, "🚀").pictures[0])
    assert len(shown.notes) == 1


def test_words_in_another_script_change_nothing_and_are_named(pocket_generator: PocketGenerator) -> None:
    told = generate(pocket_generator, "a red apple 猫, красный")
    assert np.array_equal(told.pictures[0], generate(pocket_generator, "a red apple ,").pictures[0])
    assert [note.facts for note in told.notes[1:]] == [{"words": "猫 красный"}]


@pytest.mark.parametrize("prompt", ["猫", "красный кот", "قطة", "?!", "\u200b→"])
def test_a_prompt_of_which_nothing_can_be_read_is_refused(pocket_generator: PocketGenerator, prompt: str) -> None:
    with pytest.raises(BadInput, match="The model here can't read"):
        generate(pocket_generator, prompt)
