"""Storage that outlives a process: jobs, cache, rate limits and notes in one SQLite file, and media files beside it."""
