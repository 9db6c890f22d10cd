"""Make `import torchvision` work beside a CPU build of torch. Call before transformers, diffusers, peft or spandrel.

On Linux the registry's torchvision is built for CUDA. Its compiled operators do not load beside a torch without CUDA,
and its import then fails when it registers `nms` and `qnms` with torch's tracer, because nothing declared them
(pytorch/vision issue 9085). Our libraries use only its transforms, for which declaring the two operators is enough.
Calling a missing operator still raises torchvision's own error.
"""

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
UNDECLARED = "operator torchvision::nms does not exist"


def import_torchvision() -> None:
    """Import torchvision, and declare its operators first if they cannot be loaded, as beside a CPU build of torch."""
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
