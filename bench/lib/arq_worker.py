"""Run the peer of bench/echo.py: an arq worker with the same echo."""

from typing import Any

from arq.connections import RedisSettings


async def echo(_: dict[Any, Any], text: str) -> str:
    """Return the text."""
    return text


class WorkerSettings:
    """arq's settings."""

    functions = (echo,)
    redis_settings = RedisSettings(port=16379)
    max_jobs = 64
    poll_delay = 0.01
