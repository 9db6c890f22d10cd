"""The pinned packages that the pictures and captions come from, fetched through the npm client and checked."""

import base64
import hashlib
import subprocess
import tarfile
from pathlib import Path

PACKAGES = {  # name@version -> sha512 of the published archive, base64, as the registry signs it
    "@iconify-json/fluent-emoji@1.2.7": "D8G6bKAyIsyxP1rzZtIWr/gg/fO4Rg1+DyCWlfqKK4h8W+4Em/Y0P6QYgJUQTlUcagzJvSyg+9OBv4hz4Hc/QA==",
    "@iconify-json/fluent-emoji-flat@1.2.6": "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
    "@iconify-json/meteocons@1.2.4": "E7YV02ql5WmJgAOpXU/hoF9Mdshq73KjwR6fBxZ5SrqMJghMa3CIcRG6NQGwP4I1uBOhIjOFlAikYoPAKuT56A==",
    "@iconify-json/noto@1.2.9": "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
    "@iconify-json/noto-v1@1.2.5": "/DsVMius69Q0fRS53z7QK1TROSuar606jiIx+laXtdsYGMXpf6LtHBx6CGfoo3UHHb/XpBsw+1L1x3eyPqMuVA==",
    "@iconify-json/fxemoji@1.2.2": "UAasRaxzFUKfIGSmLwnoarsssA4LX0VLLuEmplIqM6ZNQqIQRtav8tZ4H1neTlBreXuMQyAifr5jP4kn78DpiQ==",
    "@iconify-json/twemoji@1.2.5": "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
    "@iconify-json/emojione@1.2.3": "T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg==",
    "@iconify-json/streamline-emojis@1.2.4": "iNr9T9XuZVTyQPJO8ZlLxBzPkpi7qMl+z1l0C31vpEMqhPMelth3n7CeWQYtixdetDPdI81yeG4ROqjWpYJE6A==",
    "@lobehub/fluent-emoji-3d@1.1.0": "Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
    "emojibase-data@17.0.0": "Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
    "emojilib@4.0.3": "KbWiYre9aRSaPbHrHZIz9zmoM+21LAsK1VFJtnTh1VCtWE/rNMDviGhQTmselFl95dhqtGlY22iH0leG5BuW0g==",
}  # fmt: skip


def fetch(folder: Path) -> dict[str, Path]:
    """Each package's unpacked folder by its name; raises ValueError where an archive is not the pinned one."""
    return {name.rpartition("@")[0]: _package(name, digest, folder) for name, digest in PACKAGES.items()}


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
