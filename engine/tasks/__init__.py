"""One file a task: its Params and its run. TASKS is the explicit list."""

from engine.task import Task
from engine.tasks import animate, echo, faceswap, imagine, magic, scenes, subtitle, upscale, video

_FILMS = (animate.TASK, video.TASK, scenes.TASK)
_EVERY = (imagine.TASK, upscale.TASK, subtitle.TASK, faceswap.TASK, *_FILMS, magic.TASK, echo.TASK)
TASKS: dict[str, Task] = {task.name: task for task in _EVERY}
