"""One file streamed from a platform, held to a bound in bytes and in seconds."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from engine.core.errors import BadInput, TooLarge

CHUNK_BYTES = 65536


@dataclass(frozen=True)
class Download:
    """`option` and `name` are what refusals call the file. `max_bytes` in bytes, `timeout` in seconds for all of it."""

    option: str
    name: str
    max_bytes: int
    timeout: float

    def check_size(self, size: int | None) -> None:
        """Raises TooLarge for a `size` over the bound, and BadInput for nothing at all; None is not known yet."""
        if size is not None and size > self.max_bytes:
            raise TooLarge(
                "{option}: “{name}” has {size}; at most {bound} are allowed. Attach a smaller file.",
                **self._names(),
                size=format_bytes(size),
                bound=format_bytes(self.max_bytes),
            )
        if size == 0:
            raise self._refusal("{option}: “{name}” is empty. Attach another file.")

    async def run(self, url: str, path: Path, size: int | None) -> None:
        """Write what is at `url` to `path`; `size` is what the platform said of it, if it did.

        Raises BadInput where it does not arrive whole, TooLarge as soon as it is over the bound.
        """
        if not url.lower().startswith(("http://", "https://")):
            raise self._refusal("{option}: “{name}” is at no web address (http or https). Attach the file itself.")
        try:
            received = await self._stream(url, path)
        except TimeoutError:
            raise self._refusal(
                "{option}: “{name}” did not arrive within {seconds:g} s. Send it again, or a smaller file.",
                seconds=self.timeout,
            ) from None
        except (aiohttp.ClientError, ConnectionError):
            raise self._broken_off() from None
        if received < (size or 0):
            raise self._broken_off()
        self.check_size(received)

    async def _stream(self, url: str, path: Path) -> int:
        timeout = aiohttp.ClientTimeout(total=self.timeout)
        plain = {"Accept-Encoding": "identity"}  # so that what is counted is what is written
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=plain, auto_decompress=False) as session,
            session.get(url, max_redirects=3) as response,
        ):
            if response.status != 200:
                raise self._refusal(
                    "{option}: “{name}” cannot be fetched, its server answers {status}. Send it again.",
                    status=response.status,
                )
            self.check_size(response.content_length)
            return await self._write(response.content, path)

    async def _write(self, content: aiohttp.StreamReader, path: Path) -> int:
        received = 0
        with path.open("wb") as file:
            async for chunk in content.iter_chunked(CHUNK_BYTES):
                received += len(chunk)
                self.check_size(received)
                await asyncio.to_thread(file.write, chunk)
        return received

    def _broken_off(self) -> BadInput:
        return self._refusal("{option}: “{name}” did not arrive whole, the connection broke off. Send it again.")

    def _refusal(self, template: str, **facts: str | float) -> BadInput:
        return BadInput(template, **self._names(), **facts)

    def _names(self) -> dict[str, str]:
        return {"option": self.option, "name": self.name}


def format_bytes(size: int) -> str:
    """`size` as people read it: "512 bytes", "1.5 kB", "26.2 MB"."""
    if size < 1000:
        return f"{size} bytes"
    power, unit = next(
        ((power, unit) for power, unit in ((3, "kB"), (6, "MB")) if size < 999.95 * 10**power), (9, "GB")
    )
    return f"{size / 10**power:.1f} {unit}"
