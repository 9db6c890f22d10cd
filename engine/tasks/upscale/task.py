"""The task `upscale`: enlarges a picture, a GIF or a short video two to four times."""

import time

from engine.core.errors import BadInput
from engine.core.job import Result
from engine.core.task import Task
from engine.tasks.upscale import backends
from engine.tasks.upscale.params import Params
from engine.worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Run one job. The fact `seconds` runs from when the model is ready until the result is on disk."""
    from engine.tasks.upscale.run import enlarge  # loads NumPy

    if not params.image.mime.startswith(("image/", "video/")):
        raise BadInput("image must be a picture, a GIF or a video. Attach one of these.")
    context.progress("loading", 0)
    with context.model("upscale") as upscalers:
        started = time.monotonic()
        media, notes, facts = enlarge(params, context, upscalers)
        seconds = round(time.monotonic() - started, 2)
    return Result(media=(media,), notes=notes, facts={**facts, "seconds": seconds})


def workload_class(params: Params) -> str:
    """Return a name for jobs that take about as long: the network's pixels to a power of two."""
    image = params.image
    area = (image.width or 0) * (image.height or 0)
    return f"{params.model or 'usual'}, {image.mime}, 2^{max(area, image.bytes).bit_length()}"


TASK = Task(
    name="upscale",
    version=backends.VERSION,
    params=Params,
    run=run,
    choose=backends.choose,
    load=backends.load,
    workload_class=workload_class,
)
