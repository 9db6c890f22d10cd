"""The bot's side of the engine: the queue, the scheduler, and a supervisor for each worker process."""
