"""The registry of weights: licences, sources, paths and what is missing."""

import hashlib
import re
from pathlib import Path

import pytest

from engine.core.errors import MissingModel
from engine.weights import cli
from engine.weights.download import HubSource, WheelSource
from engine.weights.registry import catalogue, fetch, path_or_raise


def test_every_weight_has_a_licence_and_a_pinned_source() -> None:
    for weight in catalogue():
        assert weight.licence
        assert weight.bundled or weight.sources
        for source in weight.sources:
            assert isinstance(source, HubSource | WheelSource)
            pinned = source.revision if isinstance(source, HubSource) else source.version
            assert re.fullmatch(r"[0-9a-f]{40}|\d+(\.\d+)+(\.post\d+)?", pinned)
        for file in weight.files:
            assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert not Path(file.path).is_absolute()
            assert all(source.name_of(file) for source in weight.sources)


def test_names_and_paths_are_unique() -> None:
    names = [weight.name for weight in catalogue()]
    paths = [file.path for weight in catalogue() for file in weight.files]
    assert len(set(names)) == len(names)
    assert len(set(paths)) == len(paths)


def test_bundled_files_exist_and_have_the_right_checksum(tmp_path: Path) -> None:
    for weight in catalogue():
        for file in weight.files if weight.bundled else ():
            content = weight.path(tmp_path).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file.sha256
            assert len(content) == file.size


def test_a_file_in_the_weights_folder_replaces_the_bundled_one(tmp_path: Path) -> None:
    assert path_or_raise("pocket", tmp_path).is_file()
    (tmp_path / "pocket.onnx").write_bytes(b"mine")
    assert path_or_raise("pocket", tmp_path) == tmp_path / "pocket.onnx"


def test_noncommercial_weights_are_fetched_only_once_that_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noncommercial = [weight for weight in catalogue() if weight.noncommercial]
    assert {"buffalo_l", "inswapper_128"} <= {weight.name for weight in noncommercial}
    for weight in noncommercial:
        assert "non-commercial" in weight.licence
        with pytest.raises(MissingModel, match=r"is for non-commercial research only\. To fetch it, accept that"):
            fetch(weight, tmp_path)
    assert cli.main(["--fetch", "--folder", str(tmp_path), "buffalo_l"]) == 1
    assert "models.accept_noncommercial_weights = true" in capsys.readouterr().err


def test_the_error_for_a_missing_weight_has_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(
        MissingModel, match=r"minilm is not here\. Fetch it with: python -m engine weights --fetch minilm"
    ):
        path_or_raise("minilm", tmp_path)
