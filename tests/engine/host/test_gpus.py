"""Workers on a machine with two GPUs. A module in place of NVML reports them; workers and engine are the real ones.

The module has the functions of nvidia-ml-py 12 and 13 that Atelier calls, with their types.
"""

from collections.abc import Sequence
from pathlib import Path

import pynvml
import pytest

from engine.core.devices import VISIBLE_GPUS_VARIABLE
from engine.core.errors import EngineDied
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.host.process import WorkerProcess
from tests.fakes import until

DRIVER = """
from types import SimpleNamespace

class NVMLError(Exception): pass
class NVMLError_NotSupported(NVMLError): pass
class NVMLError_NotFound(NVMLError): pass

UUIDS = ("GPU-1111", "GPU-2222")

def nvmlInit(): pass
def nvmlDeviceGetCount(): return len(UUIDS)
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetUUID(handle): return UUIDS[handle]
def nvmlDeviceGetMemoryInfo(handle): return SimpleNamespace(used=(handle + 1) * 1000, free=7)
def nvmlDeviceGetMigMode(handle): raise NVMLError_NotSupported
"""


class EchoOnly(HostSettings):
    """Workers that run only the echo task, which needs no GPU."""

    def for_worker(self, device: str, tasks: Sequence[str] = ()) -> WorkerSettings:
        return super().for_worker(device, tasks or ("echo",))


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the driver with two GPUs in this process and on the workers' path."""
    (tmp_path / "driver").mkdir()
    (tmp_path / "driver" / "pynvml.py").write_text(DRIVER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "driver"))
    monkeypatch.delenv(VISIBLE_GPUS_VARIABLE, raising=False)
    namespace: dict[str, object] = {}
    exec(DRIVER, namespace)  # the constant above
    for name, value in namespace.items():
        if name.startswith("nvml"):
            monkeypatch.setattr(pynvml, name, value)
    monkeypatch.setattr(pynvml, "NVMLError_NotSupported", namespace["NVMLError_NotSupported"])


def visible_gpus(pid: int) -> str:
    """Return CUDA_VISIBLE_DEVICES as the process found it at its start, which its own children inherit."""
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(each.split("=", 1) for each in environment if each)[VISIBLE_GPUS_VARIABLE]


@pytest.mark.usefixtures("two_gpus")
async def test_each_worker_sees_its_own_gpu_alone_and_keeps_the_name_that_the_owner_wrote(tmp_path: Path) -> None:
    host = EchoOnly(devices=("cuda:0", "cuda:1"), worker=WorkerSettings(folder=tmp_path))
    async with Engine.open(host) as engine:
        await until(lambda: all(worker.memory for worker in engine.state().workers), 60)
        workers = engine.state().workers
        assert [worker.device for worker in workers] == ["cuda:0", "cuda:1"]
        assert [visible_gpus(worker.pid or 0) for worker in workers] == ["GPU-1111", "GPU-2222"]
        assert [worker.memory.used if worker.memory else 0 for worker in workers] == [1000, 2000]


@pytest.mark.usefixtures("two_gpus")
async def test_numbers_count_the_gpus_that_the_owner_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE_GPUS_VARIABLE, "1,0")
    settings = EchoOnly(devices=("cuda:0",), worker=WorkerSettings()).for_worker("cuda:0")
    assert (settings.device, settings.gpu) == ("cuda:0", "GPU-2222")


@pytest.mark.usefixtures("two_gpus")
async def test_a_worker_whose_gpu_has_gone_takes_no_other(tmp_path: Path) -> None:
    settings = WorkerSettings(folder=tmp_path, device="cuda:1", gpu="GPU-3333", tasks=("echo",))
    worker = await WorkerProcess.start(settings)
    with pytest.raises(EngineDied, match=r"The GPU cuda:1 is no longer available"):
        await worker.receive()
    await worker.close()
