"""The worker's side of the engine: the loop that runs jobs, and the pool of loaded models."""
