"""Weights that leave their device and come back, here from the CPU to itself."""

import psutil
import pytest
import torch

from engine.torch_support.offload import WeightOffloader


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 3).half())


def values(module: torch.nn.Module) -> list[torch.Tensor]:
    return [each.clone() for each in (*module.parameters(), *module.buffers())]


def test_weights_of_every_type_are_unchanged_by_offloading_and_onloading() -> None:
    module = network()
    before = values(module)
    parking = WeightOffloader([module], "cpu")
    assert parking.size == sum(each.nbytes for each in before)
    for _ in range(2):
        assert parking.offload()
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(values(module), before, strict=True))
        parking.onload()
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(values(module), before, strict=True))


def test_nothing_moves_if_the_host_has_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    full = psutil.virtual_memory()._replace(available=1000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: full)
    module = network()
    places = [each.data_ptr() for each in module.parameters()]
    parking = WeightOffloader([module], "cpu")
    assert not parking.offload()
    assert not parking.is_offloaded
    assert [each.data_ptr() for each in module.parameters()] == places


def test_dropped_weights_free_their_memory_while_the_module_lives_on() -> None:
    module = network()
    parking = WeightOffloader([module], "cpu")
    assert parking.offload()
    parking.drop()
    assert sum(each.nbytes for each in values(module)) == 0
    assert parking.size == 0
