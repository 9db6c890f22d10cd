"""Which FFmpeg runs: the system's where it can do everything that is asked of one, or else the packaged one."""

import re
import shutil
from pathlib import Path

import imageio_ffmpeg
import pytest

from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.media.video import choose_ffmpeg
from engine.media.video.programs import DECODERS, TRIALS, ffmpeg_path

SOURCES = Path(__file__).parents[4] / "engine"
PACKAGED = imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program on PATH, to be written; the choice is made anew, in this test alone."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("engine.media.video.programs.choose_ffmpeg", choose_ffmpeg.__wrapped__)
    return tmp_path / "ffmpeg"


def write(path: Path, but: str = "") -> None:
    """The packaged FFmpeg under another name, which fails at command lines that have `but` in them."""
    refusal = f'case "$*" in *{but}*) echo "Option not found" >&2; exit 1;; esac\n' if but else ""
    path.write_text(f'#!/bin/sh\n{refusal}exec "{PACKAGED}" "$@"\n')
    path.chmod(0o755)


def test_the_packaged_ffmpeg_has_every_feature() -> None:
    assert [choice.notes for choice in [choose_ffmpeg()]] == [()]


def test_the_systems_ffmpeg_is_used_if_it_has_every_feature(system: Path) -> None:
    write(system)
    choice = choose_ffmpeg.__wrapped__()
    assert (choice.path, choice.notes) == (str(system), ())


@pytest.mark.parametrize(
    ("but", "lacking"),
    [("framelog=", "loudness"), ("libx264", "MP4 with H.264 and AAC"), ("ass=", "subtitles"), ("zscale", "HDR")],
)
def test_an_ffmpeg_that_lacks_a_feature_is_skipped_with_a_note(system: Path, but: str, lacking: str) -> None:
    write(system, but)
    choice = choose_ffmpeg.__wrapped__()
    assert choice.path == PACKAGED
    (note,) = choice.notes
    assert lacking in str(note.facts["lacking"])
    assert str(system) in str(note)


def test_a_decoder_that_is_missing_is_named(system: Path) -> None:
    write(system, "-decoders")
    (note,) = choose_ffmpeg.__wrapped__().notes
    assert set(str(note.facts["lacking"]).split(", ")) == DECODERS


@pytest.mark.parametrize("body", ["#!/bin/sh\nexit 1\n", "no program", "#!/bin/sh\nkill -SEGV $$\n"])
def test_a_program_that_does_not_run_is_skipped(system: Path, body: str) -> None:
    system.write_text(body)
    system.chmod(0o755)
    assert choose_ffmpeg.__wrapped__().path == PACKAGED


def test_without_the_packaged_one_the_systems_is_used_with_a_warning(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(system, "zscale")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "")
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: (_ for _ in ()).throw(RuntimeError("none")))
    choice = choose_ffmpeg.__wrapped__()
    assert choice.path == str(system)
    assert str(choice.notes[0]).endswith("and no other was found. Install a newer one.")
    system.unlink()
    monkeypatch.setenv("PATH", str(system.parent))
    assert "FFmpeg was not found" in str(choose_ffmpeg.__wrapped__().notes[0])
    with pytest.raises(RuntimeError, match="FFmpeg was not found"):
        ffmpeg_path()


async def test_a_worker_reports_a_fallback(system: Path, tmp_path: Path) -> None:
    write(system, "framelog=")
    assert shutil.which("ffmpeg") == str(system)
    settings = HostSettings(devices=("cpu",), worker=WorkerSettings(folder=tmp_path / "data"))
    async with Engine.open(settings) as engine:
        await engine.service("echo")
        (worker, *_) = engine.state().workers
    assert [str(note.facts["lacking"]) for note in worker.notes] == ["loudness"]
    assert worker.versions["ffmpeg"]


def test_every_filter_in_use_has_a_trial() -> None:
    """By the names that the sources give to `filter`, and overlay, which has a method of its own."""
    used = {
        name
        for path in SOURCES.rglob("*.py")
        if "ffmpeg" in (text := path.read_text("utf-8")) or "video" in text
        for name in re.findall(r"""\.filter\(\s*(?:\[.*\],\s*)?"(\w+)\"""", text)
    }
    tried = set(re.findall(r"[a-z]\w+", " ".join(TRIALS.values())))
    assert {"ebur128", "zscale", "ass", "showwaves", "sidechaincompress"} <= used
    assert used - tried == set()
