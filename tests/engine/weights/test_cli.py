"""`python -m engine weights`: its table, its errors and its exit codes."""

import re
from pathlib import Path

import pytest

from engine.weights import cli
from engine.weights.registry import catalogue
from tests.engine.weights.weight_servers import CLOSED, use_servers


def test_the_table_shows_what_is_installed_and_unchecked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--folder", str(tmp_path)]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert list(rows) == ["name", *(weight.name for weight in catalogue())]
    assert "yes" in rows["pocket"]
    assert re.search(r"embedded +91.3 MB +Apache-2.0 +no ", rows["minilm"])
    assert "no, unchecked" in rows["sdxl"]


def test_a_failed_fetch_says_so_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_servers(monkeypatch, CLOSED, CLOSED)
    assert cli.main(["--fetch", "--folder", str(tmp_path), "sdxl-vae-fp16-fix"]) == 1
    output = capsys.readouterr()
    assert "sdxl-vae-fp16-fix could not be downloaded" in output.err
    assert str(tmp_path) not in output.err
    assert "sdxl-vae-fp16-fix" in output.out


def test_an_unknown_name_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["sdlx"])
    assert "there is no weight called sdlx" in capsys.readouterr().err
