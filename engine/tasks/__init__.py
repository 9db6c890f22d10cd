"""One file a task: its Params and its run. TASKS is the explicit list."""

from engine.tasks import echo, imagine
from engine.task import Task

TASKS: dict[str, Task] = {task.name: task for task in (imagine.TASK, echo.TASK)}
