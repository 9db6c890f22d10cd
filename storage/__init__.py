"""What outlives a process: jobs, cache, limits and notes in one SQLite file, and media beside it."""
