"""Choose the FFmpeg to run: the first one that has every feature that Atelier needs.

Version numbers and build flags are not enough: Debian 12's FFmpeg 5.1 has every library but lacks one option. Each
feature is therefore tried on a fraction of a second of generated audio and video.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog

from engine.core.errors import UserMessage

log = structlog.get_logger()

TRIAL_TIMEOUT_SECONDS = 20
"""Time limit of one trial, on a busy machine."""
CUES = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,a
"""
_VIDEO = "-f lavfi -i testsrc=size=64x48:rate=10:duration=0.3"
_SOUND = "-f lavfi -i sine=duration=0.3"
_COLOURS = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"
_HDR = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=gbr:range=pc"
_LINEAR = "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,tonemap=mobius:param=0.5:peak=10"
_MP4 = "-movflags +faststart -map_metadata -1 -f mp4"
TRIALS = {
    "MP4 with H.264 and AAC": f"{_VIDEO} {_SOUND} -vf pad=ceil(iw/2)*2:ceil(ih/2)*2 -c:v libx264 -preset veryfast"
    f" -crf 18 -pix_fmt yuv420p {_COLOURS} -video_track_timescale 15360 -c:a aac -b:a 160k"
    f" -progress pipe:1 -nostats {_MP4} a.mp4",
    "reading MP4": "-f mov -protocol_whitelist file,pipe -max_pixels 65536 -i file:a.mp4 -i cues.ass -map 0:v -map 0:a"
    " -map 1:s -c copy -c:s mov_text -f mp4 b.mp4",
    "joining": "-f concat -safe 0 -protocol_whitelist file,pipe -i list.txt -map 0:v:0 -c copy -f mp4 c.mp4",
    "subtitles": f"{_VIDEO} -vf ass=cues.ass:fontsdir=fonts -f null -",
    "GIF": f"{_VIDEO} -filter_complex split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse"
    " -loop 0 a.gif",
    "waves": f"{_VIDEO} {_SOUND} -filter_complex [1:a]aresample=async=1:first_pts=0,asplit[a][b];"
    "[a]aformat=channel_layouts=stereo,showwaves=s=64x16:rate=10:mode=cline:scale=cbrt:draw=full:"
    "colors=0xffffffff|0xffffffff[w];[0:v][w]overlay=x=0:y=0:shortest=1:format=gbrp[v] -map [v] -map [b] -f null -",
    "sound of floats": f"{_SOUND} -af aformat=channel_layouts=5.1,"
    "aeval=exprs=if(isnan(val(ch))\\,0\\,clip(val(ch)\\,-1\\,1)):channel_layout=5.1,"
    "aresample=async=1:first_pts=0,aformat=sample_fmts=flt:channel_layouts=3.0 -f null -",
    "loudness": f"{_SOUND} -af volume=2dB,aformat=sample_fmts=fltp:channel_layouts=stereo,loudnorm=I=-16:LRA=11:TP=-2,"
    "aresample=48000,alimiter=level=0:limit=0.8:attack=4:release=60,atrim=end=0.2,afade=t=out:st=0.1:d=0.1,"
    "ebur128=peak=true:framelog=verbose -f null -",
    "mixing": f"{_SOUND} {_SOUND} -filter_complex [0:a]apad=whole_dur=0.5,asplit[a][b];"
    "[1:a][b]sidechaincompress=threshold=0.02:ratio=8:attack=60:release=700:knee=4[c];"
    "[a][c]amix=inputs=2:normalize=0:duration=first,aformat=channel_layouts=5.1,channelmap=map=0-FL|1-FR -f null -",
    "frames": f"{_VIDEO} -vf bwdif=mode=send_frame:deint=interlaced,fps=10:start_time=0,format=gbrap,"
    "premultiply=inplace=1,scale=32:32:in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv,setsar=1"
    " -pix_fmt yuv420p -f rawvideo -",
    "HDR": f"{_VIDEO} -vf format=gbrp16,{_HDR},{_LINEAR},zscale=transfer=bt709:dither=error_diffusion,format=gbrp"
    " -f null -",
}
"""Features that Atelier needs of FFmpeg: command lines by name. The later ones read the file that the first writes."""
DECODERS = frozenset(
    "aac av1 flac gif h264 hevc libvpx libvpx-vp9 mp3 opus pcm_f32le pcm_s16le vorbis vp8 vp9".split()  # noqa: SIM905
)
"""Decoders that are needed to read what users send. `av1` stands for any AV1 decoder."""

NOT_FOUND = UserMessage(
    template="FFmpeg was not found, so audio and video cannot be read. Install FFmpeg, then restart."
)


@dataclass(frozen=True)
class Choice:
    """The `path` and `version` of the chosen FFmpeg, and `notes` to the owner about the choice."""

    path: str
    version: str
    notes: tuple[UserMessage, ...] = ()


@cache
def choose_ffmpeg() -> Choice:
    """Return the FFmpeg on PATH if it has every feature, or else imageio-ffmpeg's, or else the one that lacks least."""
    rejected: list[tuple[str, str]] = []
    for path in _candidates():
        missing = _missing_features(path)
        if not missing:
            return Choice(path, _version(path), tuple(_fallback_note(*each, path) for each in rejected))
        log.warning("an FFmpeg lacks features", path=path, missing=missing)
        rejected.append((path, missing))
    if not rejected:
        log.error("FFmpeg was not found")
        return Choice("", "", (NOT_FOUND,))
    path, missing = min(rejected, key=lambda each: each[1].count(","))
    return Choice(path, _version(path), (_no_other_note(path, missing),))


def ffmpeg_path() -> str:
    """Return the path of the FFmpeg that `choose_ffmpeg` selected. Raises RuntimeError if there is none."""
    if not choose_ffmpeg().path:
        raise RuntimeError(NOT_FOUND.template)
    return choose_ffmpeg().path


def _candidates() -> Iterator[str]:
    if system := shutil.which("ffmpeg"):
        yield system
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        yield str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        log.warning("the packaged FFmpeg is not installed", why=str(error))


def _fallback_note(path: str, missing: str, chosen: str) -> UserMessage:
    log.warning("another FFmpeg is used instead", rejected=path, missing=missing, chosen=chosen)
    return UserMessage(
        template="The FFmpeg at {path} lacks something that Atelier needs ({lacking}), so the packaged FFmpeg is used.",
        facts={"path": path, "lacking": missing},
    )


def _no_other_note(path: str, missing: str) -> UserMessage:
    return UserMessage(
        template="The FFmpeg at {path} lacks something that Atelier needs ({lacking}), and no other was found."
        " Install a newer one.",
        facts={"path": path, "lacking": missing},
    )


def _missing_features(path: str) -> str:
    """Return the names of the features that the program lacks, separated by commas, or "" if it has them all."""
    with tempfile.TemporaryDirectory(prefix="ffmpeg-") as name:
        folder = Path(name)
        (folder / "cues.ass").write_text(CUES)
        (folder / "list.txt").write_text("file 'a.mp4'\n")
        (folder / "fonts").mkdir()
        failed = [name for name, words in TRIALS.items() if not _works(path, words, folder)]
    return ", ".join([*failed, *sorted(DECODERS - _decoders(path))])


def _works(path: str, words: str, folder: Path) -> bool:
    """Run the program with the arguments `words` in `folder`, and return whether it succeeds."""
    command = [path, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *words.split(" ")]
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, timeout=TRIAL_TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        log.info("an FFmpeg does not run", path=path, why=str(error)[:300])
        return False
    if run.returncode:
        log.info(
            "an FFmpeg failed a trial", path=path, arguments=words, error=run.stderr[-300:].decode(errors="replace")
        )
    return run.returncode == 0


def _decoders(path: str) -> set[str]:
    listed = set(re.findall(r"^ [A-Z.]{6} (\S+)", _query(path, "-decoders"), re.MULTILINE))
    return listed | ({"av1"} if listed & {"libdav1d", "libaom-av1", "libgav1"} else set())


def _version(path: str) -> str:
    found = re.search(r"^ffmpeg version (\S+)", _query(path, "-version"))
    return found[1] if found else "unknown"


def _query(path: str, option: str) -> str:
    """Return what the program prints for an option such as -version, or "" if it does not run."""
    command = [path, "-hide_banner", option]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout
