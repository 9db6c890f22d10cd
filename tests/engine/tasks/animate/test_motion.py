"""What a sound says of a mouth, and the movement that follows from it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.tasks.animate.audio_motion.motion import Motion, from_speech
from engine.tasks.animate.audio_motion.speech_features import SAMPLE_RATE, SpeechFeatures, extract

FPS = 25


def tone(seconds: float, *partials: float) -> NDArray[np.float32]:
    """A voice of 120 Hz whose loudest partials are near `partials` hertz."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    total = np.zeros(len(times))
    for pitch in range(120, 7000, 120):
        near = sum(np.exp(-(((pitch - formant) / 130) ** 2)) for formant in partials)
        total += near * np.sin(2 * np.pi * pitch * times)
    return np.asarray(0.3 * total / max(1e-9, np.abs(total).max()), np.float32)


def quiet(seconds: float) -> NDArray[np.float32]:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


def movement(heard: SpeechFeatures, seed: int = 1, *, eyes: bool = True) -> Motion:
    return from_speech(heard, FPS, "natural", seed, eyes=eyes)


def test_the_mouth_opens_with_the_voice_and_is_shut_in_silence() -> None:
    sound = np.concatenate([quiet(1), tone(1, 700, 1200), quiet(1)])
    jaw = movement(extract(sound, FPS)).jaw
    assert len(jaw) == 75
    assert jaw[:20].max() < 0.05
    assert jaw[30:45].min() > 0.5
    assert jaw[57:].max() < 0.05


def test_an_open_vowel_opens_further_than_a_closed_one() -> None:
    open_, closed = (
        movement(extract(tone(1, *formants), FPS)).jaw[8:16].mean() for formants in ((750, 1250), (300, 2300))
    )
    assert open_ > 1.2 * closed


def test_lips_are_spread_for_ee_and_round_for_oo() -> None:
    spread, rounded = (
        movement(extract(tone(1, *formants), FPS)).spread[8:16].mean() for formants in ((300, 2300), (300, 850))
    )
    assert spread > 0.2
    assert rounded < -0.2


def test_a_hiss_keeps_the_jaw_nearly_shut() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE)
    hissing = np.diff(np.diff(noise, append=0), append=0).astype(np.float32)
    sound = np.concatenate([hissing, tone(1, 700, 1200)])
    jaw = movement(extract(sound, FPS)).jaw
    assert 0.02 < jaw[8:18].mean() < 0.6 * jaw[32:42].mean()


def test_silence_moves_no_lip() -> None:
    assert movement(extract(quiet(2), FPS)).jaw.max() == 0


def test_it_blinks_and_each_blink_is_whole() -> None:
    lids = movement(extract(quiet(20), FPS)).lids
    shut = np.flatnonzero((lids[1:] > 0.9) & (lids[:-1] <= 0.9))
    assert 3 <= len(shut) <= 9
    assert lids.min() == 0
    assert movement(extract(quiet(20), FPS), eyes=False).lids.max() == 0


def test_the_same_seed_moves_the_same_and_another_one_otherwise() -> None:
    heard = extract(tone(3, 700, 1200), FPS)
    assert (movement(heard).yaw == movement(heard).yaw).all()
    assert not np.allclose(movement(heard).yaw, movement(heard, seed=2).yaw)


@pytest.mark.parametrize("style", ["calm", "natural", "lively"])
def test_a_head_sways_a_few_degrees_and_never_jerks(style: str) -> None:
    motion = from_speech(extract(tone(30, 700, 1200), FPS), FPS, style, 3)  # type: ignore[arg-type]  # one of the styles
    for angle in (motion.yaw, motion.pitch, motion.roll):
        assert float(np.abs(angle).max()) < 7
        assert float(np.abs(np.diff(angle)).max()) < 0.5


def test_a_sound_of_any_length_has_a_frame_for_each_moment() -> None:
    for seconds in (0.2, 1.0, 7.33):
        assert len(extract(tone(seconds, 500), FPS)) == int(np.ceil(seconds * FPS))
