"""Names of files that are sent to people: what was asked for, so that a saved file can be found again."""

import re
import unicodedata

from engine.core.job import Media

SLUG_CHARACTERS, HASH_CHARACTERS = 40, 6
"""Characters of the words in a name, and of the hash that tells files of the same words apart."""
_SEPARATORS = re.compile(r"[^a-z0-9]+")


def file_name(media: Media, prompt: str) -> str:
    """Return a name such as `a-green-frog-1f3a9c.png`; without words in Latin letters, twice as much of the hash."""
    plain = unicodedata.normalize("NFKD", prompt[: 2 * SLUG_CHARACTERS].lower()).encode("ascii", "ignore").decode()
    slug = _SEPARATORS.sub("-", plain)[:SLUG_CHARACTERS].strip("-")
    return f"{slug}-{media.sha256[:HASH_CHARACTERS]}{media.path.suffix}" if slug else _hash_name(media)


def _hash_name(media: Media) -> str:
    return f"{media.sha256[: 2 * HASH_CHARACTERS]}{media.path.suffix}"
