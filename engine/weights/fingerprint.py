"""Models of the owner's, told apart without being read: other files in the same place are another model."""

import hashlib
from pathlib import Path


def fingerprint(place: Path, kind: str = "*") -> str:
    """Of a file, or of a folder's files of the `kind` at any depth: their names, sizes and times."""
    root, found = (place, place.rglob(kind)) if place.is_dir() else (place.parent, [place])
    files = sorted(path for path in found if path.is_file())
    stats = [(str(path.relative_to(root)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:12]


def name_with_fingerprint(folder: Path, kind: str = "*") -> str:
    """The name of a folder with the fingerprint of its files."""
    return f"{folder.name}-{fingerprint(folder, kind)}"
