"""Implement ONNX operators with torch: convolutions and matrix products in the weights' type, the rest in fp32.

Source: the operator specification on onnx.ai.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

Tensor = Any  # torch.Tensor, of which the types are Any here
Attributes = Mapping[str, Any]


def _conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    group: int = 1,
    auto_pad: bytes = b"NOTSET",
    **_: Any,
) -> Tensor:
    sides = weight.ndim - 2
    before, after = (pads[:sides], pads[sides:]) if pads else ((0,) * sides, (0,) * sides)
    assert auto_pad in (b"NOTSET", b"VALID"), "only explicit padding is supported"
    if tuple(before) != tuple(after):
        x, before = functional.pad(x, _torch_pads(before, after)), (0,) * sides
    run = (functional.conv1d, functional.conv2d, functional.conv3d)[sides - 1]
    bias = bias.to(weight.dtype) if bias is not None else None
    steps, spread = tuple(strides) or 1, tuple(dilations) or 1
    return run(x.to(weight.dtype), weight, bias, steps, tuple(before), spread, group).float()


def _conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    pads: Sequence[int] = (0, 0, 0, 0),
    strides: Sequence[int] = (1, 1),
    output_padding: Sequence[int] = (0, 0),
    group: int = 1,
    **_: Any,
) -> Tensor:
    bias = bias.to(weight.dtype) if bias is not None else None
    padded, more = tuple(pads[:2]), tuple(output_padding)
    return functional.conv_transpose2d(x.to(weight.dtype), weight, bias, tuple(strides), padded, more, group).float()


def _gemm(a: Tensor, b: Tensor, c: Tensor | None = None, *, alpha: float = 1, beta: float = 1, **more: Any) -> Tensor:
    a, b = (a.t() if more.get("transA") else a), (b.t() if more.get("transB") else b)
    product = alpha * (a.to(b.dtype) @ b).float()
    return product if c is None else product + beta * c.float()


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    kind = torch.float16 if torch.float16 in (a.dtype, b.dtype) else a.dtype
    return (a.to(kind) @ b.to(kind)).float()


def _batch_norm(
    x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, var: Tensor, *, epsilon: float = 1e-5, **_: Any
) -> Tensor:
    return functional.batch_norm(x, mean, var, scale, bias, eps=epsilon)


def _pad(
    x: Tensor, pads: Tensor | None = None, value: Tensor | None = None, axes: Tensor | None = None, /, **more: Any
) -> Tensor:
    sizes = list(more.get("pads", ())) if pads is None else pads.tolist()
    assert axes is None, "padding of selected axes is not supported"
    mode = {b"constant": "constant", b"reflect": "reflect", b"edge": "replicate"}[more.get("mode", b"constant")]
    half = len(sizes) // 2
    pads = _torch_pads(sizes[:half], sizes[half:])
    while len(pads) > 2 and pads[-2:] == [0, 0]:
        pads = pads[:-2]
    if mode == "constant":
        return functional.pad(x, pads, mode, float(value) if value is not None else more.get("value", 0.0))
    return functional.pad(x, pads, mode)


def _torch_pads(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """Return the padding in torch's order: pairs of before and after, from the last axis to the first."""
    return [size for pair in reversed(list(zip(before, after, strict=True))) for size in pair]


def _resize(
    x: Tensor, _roi: Any = None, scales: Tensor | None = None, sizes: Tensor | None = None, /, **more: Any
) -> Tensor:
    if sizes is not None and sizes.numel():
        size = [int(side) for side in sizes[2:]]
    else:
        assert scales is not None
        size = [int(side * float(scale)) for side, scale in zip(x.shape[2:], scales[2:], strict=True)]
    if more.get("mode", b"nearest") == b"nearest":
        return functional.interpolate(x, size, mode="nearest")
    corners = more.get("coordinate_transformation_mode", b"half_pixel") == b"align_corners"
    kind = {b"linear": "bilinear", b"cubic": "bicubic"}[more["mode"]]
    return functional.interpolate(x, size, mode=kind, align_corners=corners)


def _upsample(x: Tensor, scales: Tensor, **more: Any) -> Tensor:
    return _resize(x, None, scales, **more, coordinate_transformation_mode=b"asymmetric")


def _slice(
    x: Tensor, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None, /, **more: Any
) -> Tensor:
    first, stop = (_ints(given, more, name) for given, name in ((starts, "starts"), (ends, "ends")))
    sides = _ints(axes, more, "axes") or list(range(len(first)))
    strides = steps.tolist() if steps is not None else [1] * len(first)
    cuts = [slice(None)] * x.ndim
    for begin, end, side, stride in zip(first, stop, sides, strides, strict=True):
        assert stride > 0, "negative strides are not supported"
        cuts[side % x.ndim] = slice(begin, min(end, 2**31), stride)
    return x[tuple(cuts)]


def _reduction(how: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduce(x: Tensor, axes: Tensor | None = None, /, *, keepdims: int = 1, **more: Any) -> Tensor:
        sides = _ints(axes, more, "axes") or list(range(x.ndim))
        return how(x, dim=sides, keepdim=bool(keepdims))

    return reduce


def _unsqueeze(x: Tensor, axes: Tensor | None = None, /, **more: Any) -> Tensor:
    for side in sorted(_ints(axes, more, "axes")):
        x = x.unsqueeze(side)
    return x


def _squeeze(x: Tensor, axes: Tensor | None = None, /, **more: Any) -> Tensor:
    sides = _ints(axes, more, "axes")
    return x.squeeze(tuple(sides)) if sides else x.squeeze()


def _ints(given: Tensor | None, more: Attributes, name: str) -> list[int]:
    """Return the integers of an input, as in newer graphs, or else of the attribute `name`, as in older ones."""
    return list(more.get(name, ())) if given is None else [int(value) for value in given.reshape(-1)]


def _max_pool(x: Tensor, *, kernel_shape: Sequence[int], **more: Any) -> Tensor:
    pads, strides = tuple(more.get("pads", (0, 0, 0, 0))), tuple(more.get("strides", (1, 1)))
    padded = functional.pad(x, _torch_pads(pads[:2], pads[2:]), value=float("-inf"))
    return functional.max_pool2d(padded, tuple(kernel_shape), strides, ceil_mode=bool(more.get("ceil_mode", 0)))


def _average_pool(x: Tensor, *, kernel_shape: Sequence[int], **more: Any) -> Tensor:
    pads, strides = tuple(more.get("pads", (0, 0, 0, 0))), tuple(more.get("strides", (1, 1)))
    counted, rounded = bool(more.get("count_include_pad", 0)), bool(more.get("ceil_mode", 0))
    return functional.avg_pool2d(x, tuple(kernel_shape), strides, pads[:2], rounded, counted)


def _reshape(x: Tensor, shape: Tensor, **_: Any) -> Tensor:
    sides = [x.shape[place] if side == 0 else side for place, side in enumerate(shape.tolist())]
    return x.reshape(sides)


def _gather(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    places = indices.to(x.device)
    found = x.index_select(axis, places.reshape(-1) % x.shape[axis])
    return found.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis % x.ndim + 1 :])


def _cast(x: Tensor, *, to: int, **_: Any) -> Tensor:
    import onnx

    kind = torch.from_numpy(np.zeros(0, onnx.helper.tensor_dtype_to_np_dtype(to))).dtype
    return x.float() if kind == torch.float16 else x.to(kind)


def _concat(*parts: Tensor, axis: int) -> Tensor:
    return torch.cat([part.to(parts[0].device) for part in parts], axis)


def _softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return x.softmax(axis)


def _flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _prelu(x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x < 0, x * slope.float(), x)


def _clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None, /, **more: Any) -> Tensor:
    bounds = [float(given) if given is not None else more.get(name) for given, name in ((low, "min"), (high, "max"))]
    return x.clamp(*bounds)


def _binary(how: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def both(a: Tensor, b: Tensor, **_: Any) -> Tensor:
        a, b = (each.float() if each.dtype == torch.float16 else each for each in (a, b))
        return how(a.to(b.device) if a.ndim == 0 else a, b.to(a.device) if b.ndim == 0 else b)

    return both


def _divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": _binary(torch.add),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Div": _binary(_divide),
    "Dropout": lambda x, *_, **__: x,
    "Exp": torch.exp,
    "Flatten": _flatten,
    "Floor": torch.floor,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda x: x.mean(dim=tuple(range(2, x.ndim)), keepdim=True),
    "Identity": lambda x: x,
    "InstanceNormalization": lambda x, scale, bias, epsilon=1e-5: functional.instance_norm(
        x, weight=scale, bias=bias, eps=epsilon
    ),
    "LeakyRelu": lambda x, alpha=0.01: functional.leaky_relu(x, alpha),
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Mul": _binary(torch.mul),
    "Neg": torch.neg,
    "PRelu": _prelu,
    "Pad": _pad,
    "Pow": _binary(torch.pow),
    "Reciprocal": torch.reciprocal,
    "ReduceMean": _reduction(torch.mean),
    "ReduceSum": _reduction(torch.sum),
    "Relu": functional.relu,
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda x, **_: torch.tensor(x.shape),
    "Sigmoid": torch.sigmoid,
    "Slice": _slice,
    "Softmax": _softmax,
    "Sqrt": torch.sqrt,
    "Squeeze": _squeeze,
    "Sub": _binary(torch.sub),
    "Tanh": torch.tanh,
    "Transpose": lambda x, perm: x.permute(*perm),
    "Unsqueeze": _unsqueeze,
    "Upsample": _upsample,
}
