"""Fetch the pinned packages of the icons and names through the npm client, and check them."""

import base64
import hashlib
import subprocess
import tarfile
from pathlib import Path

PINS = Path(__file__).parent / "packages.txt"


def fetch(folder: Path) -> dict[str, Path]:
    """Return the unpacked folder of each package by name. Raises ValueError if an archive is not the pinned one."""
    pins = [line.split() for line in PINS.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {name.rpartition("@")[0]: _package(name, digest, folder) for name, digest in pins}


def _package(name: str, digest: str, folder: Path) -> Path:
    home = folder / name.replace("/", "_")
    if not home.exists():
        home.mkdir(parents=True)
        _unpack(_archive(name, digest, folder), home)
    return home / "package"


def _archive(name: str, digest: str, folder: Path) -> Path:
    made = subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, capture_output=True, text=True)
    archive = folder / made.stdout.strip().splitlines()[-1]
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != digest:
        raise ValueError(f"{name} has the checksum {found}, not the pinned {digest}")
    return archive


def _unpack(archive: Path, home: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(home, filter="data")
    archive.unlink()
