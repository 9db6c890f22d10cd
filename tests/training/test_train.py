from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402
from torch import Tensor  # noqa: E402

from training.pocket.matcher import Matcher  # noqa: E402
from training.pocket.muon import orthogonal  # noqa: E402
from training.pocket.network import Pocket  # noqa: E402
from training.pocket.sample import noise, sample  # noqa: E402
from training.pocket.settings import Settings  # noqa: E402
from training.pocket.train import Trainer  # noqa: E402


@pytest.fixture
def settings(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("training.pocket.train.PREVIEW", ("a cat",))
    return Settings(pack, tmp_path, 1e9, batch=1, pool=4, widths=(16, 32, 64, 64), max_steps=2)


@pytest.mark.timeout(600)  # torch loads half of itself for its first optimiser
def test_a_run_resumes_where_it_stopped(settings: Settings) -> None:
    first = Trainer(settings)
    first.train()
    second = Trainer(settings)
    assert second.steps == first.steps == 2
    for a, b in zip(first.weights, second.weights, strict=True):
        assert torch.equal(a, b)


@pytest.mark.timeout(600)
def test_a_student_starts_as_its_teacher_and_says_that_it_draws_in_one_pass(settings: Settings) -> None:
    trainer = Trainer(replace(settings, max_steps=0, distil=1e9))
    trainer.become_student()
    assert trainer.teacher is not None
    for a, b in zip(trainer.model.parameters(), trainer.teacher.parameters(), strict=True):
        assert torch.equal(a, b)
    trainer.train()
    with safe_open(settings.run / "distilled" / "pocket_fp16.safetensors", "pt") as file:
        assert file.metadata()["guiding"] == "none"


def test_the_matrix_step_makes_singular_values_near_one() -> None:
    for shape in ((2, 64, 48), (2, 48, 64)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(0))))
        assert values.min() > 0.5
        assert values.max() < 1.4


class Sure(Pocket):
    """A network that knows the picture."""

    def forward(self, z: Tensor, *_: Tensor) -> Tensor:
        return torch.full_like(z, 0.25)


def test_the_sampler_ends_on_what_a_sure_network_predicts() -> None:
    text = torch.zeros(2, 3, 384), torch.ones(2, 3, dtype=torch.bool)
    drawn = sample(Sure((16, 32, 64, 64)), text, None, [1, 2], steps=6)
    assert torch.allclose(drawn, torch.full_like(drawn, 0.25), atol=1e-5)


def test_a_seeds_noise_does_not_depend_on_its_neighbours() -> None:
    assert torch.equal(noise([3, 4], 8)[1], noise([4], 8)[0])


def test_pictures_that_mean_the_same_do_not_push_each_other_away() -> None:
    torch.manual_seed(0)
    model = Matcher(16).eval()
    one = torch.randn(1, 3, 128, 128), torch.randn(1, 4, 384), torch.ones(1, 4, dtype=torch.bool)
    picture, states, mask = (part.repeat_interleave(2, 0) for part in one)
    same, other = (model(picture, states, mask, torch.tensor(what)).item() for what in ([7, 7], [7, 8]))
    assert same == pytest.approx(0, abs=1e-4)
    assert other == pytest.approx(0.6931, abs=1e-3)
