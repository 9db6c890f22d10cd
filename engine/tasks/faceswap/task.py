"""The task `faceswap`: puts faces of one picture on those of another picture, a GIF or a short video."""

import time

from engine.core.errors import BadInput
from engine.core.job import Result
from engine.core.task import Task
from engine.tasks.faceswap import backends
from engine.tasks.faceswap.params import Params
from engine.worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Run one job. The fact `seconds` runs from when the model is ready until the result is on disk."""
    from engine.tasks.faceswap.run import FaceSwapJob  # loads NumPy and OpenCV

    if not params.source.mime.startswith("image/"):
        raise BadInput("source must be a picture. Attach a picture.")
    if not params.target.mime.startswith(("image/", "video/")):
        raise BadInput("target must be a picture, a GIF or a video. Attach one of these.")
    context.progress("loading", 0)
    with context.model("faceswap") as swapper:
        started = time.monotonic()
        result = FaceSwapJob(params, context, swapper).run()
        seconds = round(time.monotonic() - started, 2)
    return result.model_copy(update={"facts": {**context.service.facts(), **result.facts, "seconds": seconds}})


def workload_class(params: Params) -> str:
    """Return a name for jobs that take about as long: the target's bytes or pixels to the next power of two."""
    target = params.target
    area = (target.width or 0) * (target.height or 0)
    return f"{target.mime}, 2^{max(area, target.bytes).bit_length()}"


TASK = Task(
    name="faceswap",
    version=backends.VERSION,
    params=Params,
    run=run,
    choose=backends.choose,
    load=backends.load,
    workload_class=workload_class,
)
