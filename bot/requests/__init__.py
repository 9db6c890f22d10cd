"""The path of a request, from a platform's message to the jobs that it starts."""
