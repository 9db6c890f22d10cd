"""TASKS, the explicit list of tasks."""

from engine.core.task import Task
from engine.tasks import echo
from engine.tasks.animate import task as animate
from engine.tasks.faceswap import task as faceswap
from engine.tasks.film import scenes_task as scenes
from engine.tasks.film import video_task as video
from engine.tasks.imagine import task as imagine
from engine.tasks.magic import task as magic
from engine.tasks.subtitle import task as subtitle
from engine.tasks.upscale import task as upscale

_FILMS = (animate.TASK, video.TASK, scenes.TASK)
_EVERY = (imagine.TASK, upscale.TASK, subtitle.TASK, faceswap.TASK, *_FILMS, magic.TASK, echo.TASK)
TASKS: dict[str, Task] = {task.name: task for task in _EVERY}
