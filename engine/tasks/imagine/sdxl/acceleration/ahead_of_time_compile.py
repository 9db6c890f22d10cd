"""Compiles in another process, so that the worker finds on disk what it would otherwise compile while drawing.

That process compiles one region after another with random weights, so it needs little memory.
"""

import copy
from collections.abc import Iterator
from typing import Any, Literal

import structlog
from pydantic import BaseModel

from engine.tasks.imagine.sdxl.acceleration.compiled_regions import UNET, VAE, Regions, allow_shapes
from engine.torch_support.compilation import exit_now, has_room, read_request, run_in_subprocess

log = structlog.get_logger()

_Inputs = tuple[tuple[Any, ...], dict[str, Any]]


class Work(BaseModel):
    """A network as a diffusers configuration, with the shapes and dtypes of its inputs."""

    kind: Literal["UNet2DConditionModel", "AutoencoderKL"]
    config: dict[str, Any]
    device: str
    dtype: str
    inputs: list[tuple[tuple[int, ...], str]]

    @property
    def regions(self) -> Regions:
        """Return the regions to compile."""
        return UNET if self.kind == UNET.kind else VAE


def compile_ahead(regions: Regions, network: Any, inputs: tuple[Any, ...]) -> bool:
    """Compile for a call with `inputs` and wait for it. Return False if that failed, which is logged."""
    if not has_room(inputs[0].device):
        return False
    code = run_in_subprocess(__spec__.name, describe_work(regions, network, inputs))
    if code:
        log.warning("not compiled ahead", network=regions.kind, code=code)
    return code == 0


def describe_work(regions: Regions, network: Any, inputs: tuple[Any, ...]) -> Work:
    """Return all that another process needs to compile for such a call."""
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
    """Read one line of `Work` from stdin and compile it."""
    work = read_request(Work)
    allow_shapes()
    made = sum(1 for _ in _compile_regions(work))
    log.info("compiled ahead", network=work.kind, regions=made)
    exit_now()


def _compile_regions(work: Work) -> Iterator[None]:
    """Compile each kind of region once."""
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
    """Return each region of the network with its inputs, without allocating weights or computing anything."""
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
    """Return what regions that compile to the same code have in common."""
    from torch.utils._pytree import tree_flatten

    weights = [(name, tuple(each.shape)) for name, each in region.named_parameters()]
    given = [_signature_part(each) for each in tree_flatten(inputs)[0]]
    return f"{region!r} {weights} {given}"


def _signature_part(value: Any) -> Any:
    import torch

    return (tuple(value.shape), value.stride(), value.dtype) if isinstance(value, torch.Tensor) else value


def _materialise(region: Any, device: str) -> Any:
    """Return a copy of a region with arbitrary weights on `device`."""
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
    """Return the same structure with zeros in place of each tensor."""
    import torch
    from torch.utils._pytree import tree_map_only

    def zeros(like: Any) -> Any:
        made = torch.empty_strided(like.shape, like.stride(), dtype=like.dtype, device=device)
        return made.zero_()

    return tree_map_only(torch.Tensor, zeros, inputs)


if __name__ == "__main__":
    main()
