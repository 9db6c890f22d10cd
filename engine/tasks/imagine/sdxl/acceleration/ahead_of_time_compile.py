"""Compiles in a process of its own, so that the worker finds on disk what it would have to make while it draws.

This process makes one region after the other on random weights, so that it needs little memory.
"""

import copy
from collections.abc import Iterator
from typing import Any, Literal

import structlog
from pydantic import BaseModel

from engine.tasks.imagine.sdxl.acceleration.compiled_regions import UNET, VAE, Regions, allow_shapes
from engine.torch_support.compilation import has_room, leave, read_request, run_in_subprocess

log = structlog.get_logger()

_Inputs = tuple[tuple[Any, ...], dict[str, Any]]


class Work(BaseModel):
    """A network by its diffusers configuration, and the shapes and dtypes of what its function is given."""

    kind: Literal["UNet2DConditionModel", "AutoencoderKL"]
    config: dict[str, Any]
    device: str
    dtype: str
    inputs: list[tuple[tuple[int, ...], str]]

    @property
    def regions(self) -> Regions:
        return UNET if self.kind == UNET.kind else VAE


def compile_ahead(regions: Regions, network: Any, inputs: tuple[Any, ...]) -> bool:
    """Compile for such a call, and wait for it. False where that could not be done, which is logged."""
    if not has_room(inputs[0].device):
        return False
    code = run_in_subprocess(__spec__.name, describe_work(regions, network, inputs))
    if code:
        log.warning("not compiled ahead", network=regions.kind, code=code)
    return code == 0


def describe_work(regions: Regions, network: Any, inputs: tuple[Any, ...]) -> Work:
    """What another process has to know of such a call."""
    return Work(
        kind=regions.kind,
        config={name: value for name, value in network.config.items() if not name.startswith("_")},
        device=str(inputs[0].device),
        dtype=_name(next(network.parameters()).dtype),
        inputs=[(tuple(each.shape), _name(each.dtype)) for each in inputs],
    )


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def main() -> None:
    """Read a line of `Work` from stdin and do it."""
    work = read_request(Work)
    allow_shapes()
    made = sum(1 for _ in _compile_regions(work))
    log.info("compiled ahead", network=work.kind, regions=made)
    leave()


def _compile_regions(work: Work) -> Iterator[None]:
    """Once a kind of region."""
    import torch

    seen = set()
    for region, inputs in _calls(work):
        name = _signature(region, inputs)
        if name not in seen:
            seen.add(name)
            with torch.inference_mode():
                made = _materialise(region, work.device)
                made.compile(dynamic=False)
                made(*_fill_with_zeros(inputs[0], work.device), **_fill_with_zeros(inputs[1], work.device))
            yield


def _calls(work: Work) -> list[tuple[Any, _Inputs]]:
    """The regions of the network and what they are given, without weights and without sums."""
    from engine.torch_support.torchvision_import import import_torchvision

    import_torchvision()
    import diffusers
    import torch

    with torch.device("meta"):
        network = getattr(diffusers, work.kind).from_config(work.config).to(getattr(torch, work.dtype)).eval()
    calls: list[tuple[Any, _Inputs]] = []
    for region in work.regions.of(network):
        region.register_forward_pre_hook(lambda each, *given: calls.append((each, given)), with_kwargs=True)
    inputs = [torch.empty(shape, dtype=getattr(torch, dtype), device="meta") for shape, dtype in work.inputs]
    with torch.inference_mode():
        work.regions.function(network)(*inputs)
    return calls


def _signature(region: Any, inputs: _Inputs) -> str:
    """What two regions have in common that are compiled to the same."""
    from torch.utils._pytree import tree_flatten

    weights = [(name, tuple(each.shape)) for name, each in region.named_parameters()]
    given = [_signature_part(each) for each in tree_flatten(inputs)[0]]
    return f"{region!r} {weights} {given}"


def _signature_part(value: Any) -> Any:
    import torch

    return (tuple(value.shape), value.stride(), value.dtype) if isinstance(value, torch.Tensor) else value


def _materialise(region: Any, device: str) -> Any:
    """A copy with weights, whatever they are."""
    import torch

    with torch.inference_mode(mode=False):
        made = copy.deepcopy(region)
        made._forward_pre_hooks.clear()  # noqa: SLF001  # those that looked at its calls
        made._forward_pre_hooks_with_kwargs.clear()  # noqa: SLF001
        made = made.to_empty(device=device)
        for each in made.parameters():
            torch.nn.init.normal_(each, std=0.02)
    return made


def _fill_with_zeros(inputs: Any, device: str) -> Any:
    """The same structure with zeros where a tensor was."""
    import torch
    from torch.utils._pytree import tree_map_only

    def zeros(like: Any) -> Any:
        made = torch.empty_strided(like.shape, like.stride(), dtype=like.dtype, device=device)
        return made.zero_()

    return tree_map_only(torch.Tensor, zeros, inputs)


if __name__ == "__main__":
    main()
