"""Fingerprints of models."""

import os
from pathlib import Path

from engine.weights.fingerprint import fingerprint, name_with_fingerprint


def test_changed_files_change_the_fingerprint(tmp_path: Path) -> None:
    net = tmp_path / "deep" / "net.onnx"
    net.parent.mkdir()
    net.write_bytes(b"one")
    seen = {name_with_fingerprint(tmp_path, "*.onnx")}
    net.write_bytes(b"longer")
    seen.add(name_with_fingerprint(tmp_path, "*.onnx"))
    os.utime(net, (1, 1))
    seen.add(name_with_fingerprint(tmp_path, "*.onnx"))
    net.rename(net.with_name("other.onnx"))
    seen.add(name_with_fingerprint(tmp_path, "*.onnx"))
    assert len(seen) == 4
    assert all(name.startswith(f"{tmp_path.name}-") for name in seen)
    (tmp_path / "notes.txt").write_text("not a model")
    assert name_with_fingerprint(tmp_path, "*.onnx") in seen


def test_files_of_the_same_size_and_time_differ_by_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
        os.utime(tmp_path / name, (1, 1))
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")


def test_missing_paths_share_a_fingerprint(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "nothing") == fingerprint(tmp_path / "nowhere")
