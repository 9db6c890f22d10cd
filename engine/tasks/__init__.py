"""One file a task: its Params and its run. TASKS is the explicit list."""

from engine.task import Task
from engine.tasks import echo, faceswap, imagine, subtitle, upscale

TASKS: dict[str, Task] = {
    task.name: task for task in (imagine.TASK, upscale.TASK, subtitle.TASK, faceswap.TASK, echo.TASK)
}
