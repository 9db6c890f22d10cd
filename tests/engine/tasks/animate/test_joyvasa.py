"""JoyVASA on random weights of its shapes: what is read, how noise becomes motion, and how long sounds go on."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import Cancelled, MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.animate import backends
from engine.tasks.animate.audio_motion.driving_audio import Speech
from engine.tasks.animate.joyvasa import files, loading, sampling
from engine.tasks.animate.joyvasa.motion_generator import GeneratedMotion, MotionGenerator
from engine.tasks.animate.joyvasa.network import HOP_SAMPLES, Generator, Shape
from engine.tasks.animate.joyvasa.sampling import GUIDANCE_SCALE, Schedule, generate_coefficients
from engine.tasks.animate.liveportrait.animator import EYES, LIPS, LivePortraitAnimator, _Drive
from engine.tasks.animate.liveportrait.keypoints import Pose
from engine.tasks.animate.options import AnimationOptions
from engine.vision.faces.reader import FaceReader
from engine.weights import registry
from tests import tiny_joyvasa, tiny_liveportrait
from tests.samples import astronaut


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("acting") / "joyvasa"


@pytest.fixture(scope="module")
def made(folder: Path) -> Generator:
    return tiny_joyvasa.save(folder)


@pytest.fixture(scope="module")
def generator(folder: Path, made: Generator) -> Generator:
    assert made.shape == tiny_joyvasa.TINY
    return loading.generator(folder, "cpu")


def sound(seconds: float) -> torch.Tensor:
    times = torch.arange(round(16000 * seconds)) / 16000
    return 0.3 * torch.sin(2 * torch.pi * 180 * times) * torch.sin(2 * torch.pi * 2 * times).abs()


@torch.inference_mode()
def test_a_published_checkpoint_is_read_whole(generator: Generator, made: Generator) -> None:
    window = sound(4)[None]
    heard = generator.hear(window)
    assert heard.shape == (1, 100, 16)
    assert torch.allclose(heard, made.hear(window), atol=1e-5)
    both = torch.randn(1, 110, 70), torch.randn(1, 110, 16)
    assert torch.allclose(generator.denoising_net(*both, 3), made.denoising_net(*both, 3), atol=1e-5)


def test_the_published_files_size_is_that_of_these_shapes() -> None:
    """414,067,833 bytes: HuBERT's base, 8 layers of 256 features, 10 frames before 100, and tables of places."""
    with torch.device("meta"):
        whole = Generator(Shape(), tiny_joyvasa.encoder())
    tables = (501 + 600) * 256 * 4 + 110 * 110
    assert sum(value.nbytes for value in whole.state_dict().values()) + tables == pytest.approx(414_067_833, rel=1e-3)


@torch.inference_mode()
def test_each_frame_hears_its_own_sound_and_sees_all_motion(generator: Generator) -> None:
    motion, heard = torch.randn(1, 110, 70), torch.randn(1, 110, 16)
    plain = generator.denoising_net(motion, heard, 2)
    louder = heard.clone()
    louder[:, 40] += 1
    apart = (generator.denoising_net(motion, louder, 2) - plain).abs().amax(dim=2)[0]
    assert apart[40] > 10 * apart[:40].median()


def test_the_schedule_is_the_cosine_one_and_the_last_step_gives_what_the_network_sees() -> None:
    schedule = Schedule.of(50)
    assert schedule.left[0] == 1
    assert (schedule.left[1:] < schedule.left[:-1]).all()
    assert schedule.left[25] == pytest.approx(0.4938, abs=1e-3)
    clean, noise = torch.randn(3), torch.randn(3)
    assert torch.allclose(schedule.before(1, torch.randn(3), clean, noise), clean, atol=1e-6)
    noisy = schedule.left[30] ** 0.5 * clean + (1 - schedule.left[30]) ** 0.5 * noise
    earlier = schedule.before(30, noisy, clean, torch.zeros(3))
    assert (earlier - clean).abs().sum() < (noisy - clean).abs().sum()


@torch.inference_mode()
def test_sound_guides_and_the_seed_decides(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, other = (generate_coefficients(generator, sound(2), 50, seed) for seed in (1, 1, 2))
    assert first.shape == (50, 70)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first, generate_coefficients(generator, sound(2) * 0, 50, 1))
    monkeypatch.setattr(sampling, "GUIDANCE_SCALE", 0.0)
    assert torch.allclose(
        generate_coefficients(generator, sound(2), 50, 1),
        generate_coefficients(generator, sound(2) * 0, 50, 1),
        atol=1e-5,
    )
    assert GUIDANCE_SCALE == 2.8


@torch.inference_mode()
def test_a_long_sound_goes_on_from_window_to_window(generator: Generator) -> None:
    """The second window is what the first one's end, its sound and the same first noise make of it."""
    whole = generate_coefficients(generator, sound(9.5), 238, 3)
    assert whole.shape == (238, 70)
    assert torch.allclose(whole[:100], generate_coefficients(generator, sound(4), 100, 3), atol=1e-5)
    started = Generator(generator.shape, generator.audio_encoder).eval()
    started.load_state_dict(generator.state_dict())
    started.start_motion_feat.data[:] = whole[90:100]
    alone = generate_coefficients(started, sound(9.5)[64000:], 100, 3)
    assert not torch.allclose(whole[100:200], alone, atol=1e-3), "its sound before is another"


def test_memory_is_flat_in_length(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the sound, the networks have one window of it at a time."""
    given: list[tuple[int, ...]] = []
    hear = Generator.hear

    def record_shape(self: Generator, samples: torch.Tensor) -> torch.Tensor:
        given.append(tuple(samples.shape))
        return hear(self, samples)

    monkeypatch.setattr(Generator, "hear", record_shape)
    assert generate_coefficients(generator, sound(30), 750, 1).shape == (750, 70)
    assert given == [(1, 64000)] * 8


def test_a_cancel_ends_acting_at_the_next_step(folder: Path, made: Generator) -> None:
    asked = list[int]()

    def check() -> None:
        asked.append(1)
        if len(asked) == made.shape.steps + 2:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        MotionGenerator(folder, "cpu").generate(sound(30).numpy(), 750, 1, check=check)
    assert len(asked) == made.shape.steps + 2


def test_an_actor_gives_what_the_motion_extractor_gives(folder: Path, made: Generator) -> None:
    assert made.shape.coefficients == 70
    actor, samples = MotionGenerator(folder, "cpu"), sound(6).numpy()
    acting = actor.generate(samples, 150, 1)
    shapes = [tuple(value.shape) for value in (acting.exp, acting.scale, acting.t, acting.angles)]
    assert shapes == [(150, 21, 3), (150, 1), (150, 3), (150, 3)]
    still = actor.generate(samples, 150, 1, sway=0)
    assert torch.allclose(still.angles, still.angles[:1].expand_as(still.angles))
    assert torch.equal(still.exp, acting.exp)
    assert float(acting.angles.diff(dim=0).abs().max()) < 3, "a head does not jump"
    told, random = loading.template(folder), generate_coefficients(loading.generator(folder, "cpu"), sound(6), 150, 1)
    wanted = random[:, :63].numpy() * told["std_exp"] + told["mean_exp"]
    np.testing.assert_allclose(acting.exp.flatten(1).numpy(), wanted, atol=1e-5)


@torch.inference_mode()
def test_the_picture_takes_the_actors_change_its_lips_and_eyes_as_wished(tmp_path: Path) -> None:
    tiny_liveportrait.save(tmp_path / "live")
    tiny_joyvasa.save(tmp_path / "joyvasa")
    animator = LivePortraitAnimator(tmp_path / "live", registry.FOLDER, "cpu", tmp_path / "joyvasa")
    assert animator.motion_by == "joyvasa"
    speech = Speech(sound(1).numpy(), 25)
    options = AnimationOptions(lip_zero=False, eyes=True, stitching=False)
    acting = animator.motion_from(speech, options)
    assert isinstance(acting, GeneratedMotion)
    assert len(acting) == len(speech) == 25
    networks, face = animator._networks, FaceReader(registry.FOLDER).find_faces(astronaut())[0]
    pose = Pose.of(networks.motion(torch.rand(1, 3, 256, 256)))

    def drive(**asked: bool) -> torch.Tensor:
        return _Drive(networks, pose, face, AnimationOptions(**{**vars(options), **asked})).points(acting)

    plain = drive()
    assert torch.allclose(plain[:1], pose.points(), atol=1e-5), "it begins as the picture is"
    others = [place for place in range(21) if place not in LIPS]
    own = drive(lip_zero=True)
    assert torch.allclose(own[:, others], plain[:, others], atol=1e-6)
    assert not torch.allclose(own[0, LIPS], plain[0, LIPS])
    others = [place for place in range(21) if place not in EYES]
    still = drive(eyes=False)
    assert torch.allclose(still[:, others], plain[:, others], atol=1e-6)
    assert not torch.allclose(still[5:, EYES], plain[5:, EYES])
    short = GeneratedMotion(*(value[:2] for value in vars(acting).values()))
    frames = list(animator.frames(astronaut()[:256, 100:356], face, short, options))
    assert [frame.shape for frame in frames] == [(256, 256, 3)] * 2


def test_auto_takes_it_where_it_is_and_the_service_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))

    def settings(motion: str = "auto") -> WorkerSettings:
        return WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9, models={"motion": motion})

    tiny_liveportrait.save(tmp_path / "liveportrait")
    assert files.folder(settings()) is None
    assert "motion envelope" in backends.choose(settings()).model
    tiny_joyvasa.save(tmp_path / "joyvasa")
    assert files.folder(settings()) == tmp_path / "joyvasa"
    assert "motion joyvasa-" in backends.choose(settings()).model
    assert files.folder(settings("envelope")) is None
    assert "motion envelope" in backends.choose(settings("envelope")).model
    with pytest.raises(MissingModel, match=r"JoyVASA is incomplete: motion_generator"):
        files.folder(settings(str(tmp_path / "nowhere")))


def test_what_is_no_joyvasa_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    tiny_joyvasa.save(tmp_path)
    (tmp_path / files.TEMPLATE).write_bytes(pickle.dumps(print))
    with pytest.raises(MissingModel, match=r"motion_template\.pkl is not a complete JoyVASA file"):
        loading.template(tmp_path)
    told = torch.load(tmp_path / files.GENERATOR, weights_only=False)
    del told["model"]["null_audio_feat"]
    torch.save(told, tmp_path / files.GENERATOR)
    with pytest.raises(MissingModel, match="is not a complete JoyVASA file"):
        loading.generator(tmp_path, "cpu")
    torch.save({"model": print}, tmp_path / files.GENERATOR)
    with pytest.raises(MissingModel, match="is not a complete JoyVASA file"):
        loading.generator(tmp_path, "cpu")


def test_a_window_has_as_many_frames_as_the_encoder_gives_in_it() -> None:
    """Or else the encoder would have to be resampled, as the published code does with other lengths."""
    model = tiny_joyvasa.encoder(**tiny_joyvasa.SMALL, **tiny_joyvasa.HEARS)
    assert int(model._get_feat_extract_output_lengths(torch.tensor(200 * HOP_SAMPLES + 80))) == 200
