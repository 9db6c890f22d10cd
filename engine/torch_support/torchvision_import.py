"""Make `import torchvision` work beside a CPU build of torch. Call before transformers, diffusers, peft or spandrel.

On Linux the registry's torchvision is built for CUDA. Its compiled operators do not load beside a torch without CUDA,
and then its import stops where it describes `nms` and `qnms` to torch's tracer, since nobody declared them
(pytorch/vision issue 9085). Declaring the two is enough for all that our libraries use, which is its transforms;
calling an operator that is not there still raises torchvision's own error.
"""

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
UNDECLARED = "operator torchvision::nms does not exist"


def import_torchvision() -> None:
    """Import torchvision. Where its operators load (CUDA, macOS, a matching CPU build) nothing else is done."""
    try:
        import torchvision
    except RuntimeError as error:
        if UNDECLARED not in str(error):
            raise
        _declare("nms", "qnms")
        import torchvision  # noqa: F401


def _declare(*operators: str) -> None:
    from torch import library

    for name in operators:
        library.define(f"torchvision::{name}", SCHEMA)
