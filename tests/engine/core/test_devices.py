"""Device discovery with a driver that reports three GPUs."""

import pynvml
import pytest

from engine.core.devices import VISIBLE_GPUS_VARIABLE, devices, gpus, hide_other_gpus
from engine.core.errors import EngineDied

UUIDS = ("GPU-aa11", "GPU-aa22", "GPU-bb33")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace NVML with a driver whose handles are the GPU numbers."""
    monkeypatch.delenv(VISIBLE_GPUS_VARIABLE, raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 3)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", lambda index: UUIDS[index])
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMigMode", _raise_not_supported)


def _raise_not_supported(_: int) -> tuple[int, int]:
    raise pynvml.NVMLError_NotSupported


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
        ("1,1", []),
        ("0,GPU-aa11", []),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_only_gpus_that_cuda_shows_get_a_worker(shown: str, found: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus({VISIBLE_GPUS_VARIABLE: shown}) == found
    monkeypatch.setenv(VISIBLE_GPUS_VARIABLE, shown)
    assert devices("auto") == (tuple(f"cuda:{number}" for number in range(len(found))) or ("cpu",))


@pytest.mark.usefixtures("driver")
def test_every_gpu_gets_a_worker_when_none_is_hidden() -> None:
    assert devices("auto") == ("cuda:0", "cuda:1", "cuda:2")
    assert devices("cuda:1") == ("cuda:1",)
    assert devices("cpu") == ("cpu",)


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(("wanted", "shown"), [("cuda", ""), ("cuda:3", "0,1,2"), ("cuda:1", "2")])
def test_requesting_a_missing_gpu_is_an_error(wanted: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE_GPUS_VARIABLE, shown)
    with pytest.raises(EngineDied, match=rf"engine\.device in config\.toml is {wanted}, but this machine doesn't"):
        devices(wanted)


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("device", "shown", "uuid"),
    [
        ("cuda:0", None, "GPU-aa11"),
        ("cuda:2", None, "GPU-bb33"),
        ("cuda", None, "GPU-aa11"),
        ("cuda:1", "2,0", "GPU-aa11"),
    ],
)
def test_a_worker_sees_only_its_own_gpu_as_number_0(device: str, shown: str | None, uuid: str) -> None:
    environment = {} if shown is None else {VISIBLE_GPUS_VARIABLE: shown}
    assert hide_other_gpus(device, environment) == "cuda:0"
    assert environment == {VISIBLE_GPUS_VARIABLE: uuid}


@pytest.mark.usefixtures("driver")
def test_a_cpu_worker_changes_nothing_and_a_missing_gpu_is_an_error() -> None:
    environment = dict[str, str]()
    assert hide_other_gpus("cpu", environment) == "cpu"
    with pytest.raises(EngineDied, match="cuda:3 is no longer available"):
        hide_other_gpus("cuda:3", environment)
    assert environment == {}


@pytest.mark.usefixtures("driver")
def test_each_slice_of_a_gpu_in_mig_mode_gets_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def slice_of(gpu: int, index: int) -> str:
        if index == 1:
            raise pynvml.NVMLError_NotFound
        return f"MIG-{gpu}-{index}"

    monkeypatch.setattr(pynvml, "nvmlDeviceGetMigMode", lambda gpu: (gpu == 1, False))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMaxMigDeviceCount", lambda _: 3)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMigDeviceHandleByIndex", slice_of)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", lambda gpu: gpu if isinstance(gpu, str) else UUIDS[gpu])
    assert gpus({}) == [0, "MIG-1-0", "MIG-1-2", 2]
    assert gpus({VISIBLE_GPUS_VARIABLE: "1,0"}) == ["MIG-1-0", 0]
    assert devices("auto") == ("cuda:0", "cuda:1", "cuda:2", "cuda:3")


@pytest.mark.usefixtures("driver")
def test_a_gpu_that_has_failed_is_left_out_and_the_others_keep_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle_of(index: int) -> int:
        if index == 1:
            raise pynvml.NVMLError_GpuIsLost
        return index

    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", handle_of)
    assert devices("auto") == ("cuda:0", "cuda:2")
    environment = dict[str, str]()
    with pytest.raises(EngineDied, match="cuda:1 is no longer available"):
        hide_other_gpus("cuda:1", environment)
    assert (hide_other_gpus("cuda:2", environment), environment) == ("cuda:0", {VISIBLE_GPUS_VARIABLE: "GPU-bb33"})
