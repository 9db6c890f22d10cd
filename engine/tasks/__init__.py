"""One file a task: its Params and its run. TASKS is the explicit list."""

from engine.task import Task
from engine.tasks import animate, echo, faceswap, imagine, magic, subtitle, upscale, video

_EVERY = (imagine.TASK, upscale.TASK, animate.TASK, subtitle.TASK, faceswap.TASK, video.TASK, magic.TASK, echo.TASK)
TASKS: dict[str, Task] = {task.name: task for task in _EVERY}
