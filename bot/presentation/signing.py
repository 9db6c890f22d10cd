"""Signatures for addresses of media, and for the cookie of a user who gave the token."""

import hashlib
import hmac
import secrets
from typing import Self

from storage.store import Store

_NOTE = "web.key"


class Signer:
    """Signs with a secret from the store, so that addresses and cookies are still valid after a restart."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    async def of(cls, store: Store) -> Self:
        """Return a signer with the store's secret, which is created the first time."""
        return cls(bytes.fromhex(await store.get_or_set_note(_NOTE, secrets.token_hex(32))))

    def sign(self, *parts: str) -> str:
        """Return the first 32 hexadecimal digits of the HMAC-SHA-256 of `parts`."""
        return hmac.new(self._secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:32]

    def verify(self, signature: str, *parts: str) -> bool:
        """Return whether `signature` is the signature of `parts`."""
        return constant_time_equal(signature, self.sign(*parts))


def constant_time_equal(received: str, expected: str) -> bool:
    """Return whether two secrets are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(received.encode(errors="surrogatepass"), expected.encode())
