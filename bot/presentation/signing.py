"""Signatures under what this server hands out: addresses of media, and the cookie of who gave the token."""

import hashlib
import hmac
import secrets
from typing import Self

from storage.store import Store

_NOTE = "web.key"


class Signer:
    """Signs with a secret that outlives a restart, so that an address or a cookie from before still holds."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    async def of(cls, store: Store) -> Self:
        """The store's secret; made and kept there the first time."""
        return cls(bytes.fromhex(await store.get_or_set_note(_NOTE, secrets.token_hex(32))))

    def sign(self, *parts: str) -> str:
        """HMAC-SHA-256 over `parts`, 32 hexadecimal digits."""
        return hmac.new(self._secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:32]

    def verify(self, signature: str, *parts: str) -> bool:
        return constant_time_equal(signature, self.sign(*parts))


def constant_time_equal(given: str, wanted: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(errors="surrogatepass"), wanted.encode())
