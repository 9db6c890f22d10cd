"""One folder for each capability; `registry.TASKS` lists the tasks."""
