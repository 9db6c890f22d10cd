"""Download one file from a platform, within a number of bytes and of seconds."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from engine.core.errors import BadInput, TooLarge, UserMessage

CHUNK_BYTES = 65536


@dataclass(frozen=True)
class Download:
    """The bounds of a download, and the names that error messages use for the file."""

    option: str
    name: str
    max_bytes: int
    #: Seconds for the whole download.
    timeout: float

    def check_size(self, size: int | None) -> None:
        """Raise TooLarge if `size`, in bytes, is over the bound, and BadInput if it is 0. None means unknown."""
        if size is not None and size > self.max_bytes:
            raise TooLarge(
                "{option}: “{name}” is {size:bytes}; the limit is {bound:bytes}. Attach a smaller file.",
                **self._names(),
                size=size,
                bound=self.max_bytes,
            )
        if size == 0:
            raise self._error("{option}: “{name}” is empty. Attach another file.")

    async def run(self, url: str, path: Path, size: int | None) -> None:
        """Download `url` to `path`. `size` is the number of bytes that the platform announced, or None.

        Raises BadInput if the file does not arrive complete, and TooLarge as soon as it is over the bound.
        """
        if not url.lower().startswith(("http://", "https://")):
            raise self._error("{option}: the address of “{name}” is not http or https. Attach the file itself.")
        try:
            received = await self._stream(url, path)
        except TimeoutError:
            raise self._error(
                "{option}: “{name}” took longer than {seconds:duration} to download. Send it again, or send a "
                "smaller file.",
                seconds=self.timeout,
            ) from None
        except (aiohttp.ClientError, ConnectionError):
            raise self._incomplete() from None
        if received < (size or 0):
            raise self._incomplete()
        self.check_size(received)

    async def _stream(self, url: str, path: Path) -> int:
        timeout = aiohttp.ClientTimeout(total=self.timeout)
        plain = {"Accept-Encoding": "identity"}  # the bytes that are counted are the bytes that are written
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=plain, auto_decompress=False) as session,
            session.get(url, max_redirects=3) as response,
        ):
            if response.status != 200:
                raise self._error(
                    "{option}: “{name}” could not be downloaded (status {status}). Send it again.",
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

    def _incomplete(self) -> BadInput:
        return self._error("{option}: the download of “{name}” was interrupted. Send it again.")

    def _error(self, template: str, **facts: str | float) -> BadInput:
        return BadInput.of(UserMessage(template=template, facts={**self._names(), **facts}))

    def _names(self) -> dict[str, str]:
        return {"option": self.option, "name": self.name}
