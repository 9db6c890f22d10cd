"""Which devices get a worker, of a driver that knows three GPUs."""

import pynvml
import pytest

from engine.devices import VISIBLE, devices, gpus
from engine.errors import EngineDied

UUIDS = ("GPU-aa11", "GPU-aa22", "GPU-bb33")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handles are the GPUs' numbers."""
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 3)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", lambda index: UUIDS[index])


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("0,1,2", [0, 1, 2]),
        ("2", [2]),
        ("2, 0", [2, 0]),
        ("GPU-bb33", [2]),
        ("GPU-b,1", [2, 1]),
        ("GPU-aa", []),
        ("1,7,0", [1]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_only_gpus_that_cuda_shows_get_a_worker(shown: str, found: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus({VISIBLE: shown}) == found
    monkeypatch.setenv(VISIBLE, shown)
    assert devices("auto") == (tuple(f"cuda:{number}" for number in range(len(found))) or ("cpu",))


@pytest.mark.usefixtures("driver")
def test_every_gpu_gets_a_worker_where_nothing_hides_any() -> None:
    assert devices("auto") == ("cuda:0", "cuda:1", "cuda:2")
    assert devices("cuda:1") == ("cuda:1",)
    assert devices("cpu") == ("cpu",)


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(("wanted", "shown"), [("cuda", ""), ("cuda:3", "0,1,2"), ("cuda:1", "2")])
def test_a_gpu_that_is_not_here_is_refused_where_it_is_asked_for(
    wanted: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, shown)
    with pytest.raises(EngineDied, match=rf"engine\.device in config\.toml is {wanted}, and NVIDIA GPUs here: "):
        devices(wanted)
