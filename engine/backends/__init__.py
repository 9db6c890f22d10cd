"""What a task stands on where there is a choice. Heavy libraries are imported inside, when a model is loaded."""
