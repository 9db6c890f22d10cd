"""Choose the FFmpeg that runs: the first program here that can do all that Atelier asks of one.

Version numbers and build flags do not tell that: Debian 12's FFmpeg 5.1 has every library and lacks one option. So each
ability is tried on a fraction of a second of generated sound and pictures.
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

LIMIT_SECONDS = 20
"""How long one trial may take, on a busy machine."""
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
"""What Atelier asks of FFmpeg, by name, in the words of its command line. The later ones read what the first wrote."""
DECODERS = frozenset(
    "aac av1 flac gif h264 hevc libvpx libvpx-vp9 mp3 opus pcm_f32le pcm_s16le vorbis vp8 vp9".split()  # noqa: SIM905
)
"""The decoders without which files that people send cannot be read; `av1` stands for any one of them."""

NONE = UserMessage(template="There is no FFmpeg here, so no sound or video can be read. Install one, then start again.")


@dataclass(frozen=True)
class Choice:
    """The `path` of the chosen program, its `version`, and what the owner should know of the choice."""

    path: str
    version: str
    notes: tuple[UserMessage, ...] = ()


@cache
def choose_ffmpeg() -> Choice:
    """Return the FFmpeg on PATH where it can do everything, or else imageio-ffmpeg's, or else the most able one."""
    found: list[tuple[str, str]] = []
    for path in _candidates():
        lacking = _lacking(path)
        if not lacking:
            return Choice(path, _version(path), tuple(_fallback(*each, path) for each in found))
        log.warning("an FFmpeg lacks something", path=path, lacks=lacking)
        found.append((path, lacking))
    if not found:
        log.error("there is no FFmpeg")
        return Choice("", "", (NONE,))
    path, lacking = min(found, key=lambda each: each[1].count(","))
    return Choice(path, _version(path), (_unable(path, lacking),))


def ffmpeg_path() -> str:
    """Return the path of the FFmpeg that `chosen` found. Raises RuntimeError where there is none."""
    if not choose_ffmpeg().path:
        raise RuntimeError(NONE.template)
    return choose_ffmpeg().path


def _candidates() -> Iterator[str]:
    if system := shutil.which("ffmpeg"):
        yield system
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        yield str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        log.warning("the packaged FFmpeg is not here", why=str(error))


def _fallback(path: str, lacking: str, instead: str) -> UserMessage:
    log.warning("another FFmpeg runs instead", unfit=path, lacks=lacking, runs=instead)
    return UserMessage(
        template="The FFmpeg at {path} cannot do all that is needed ({lacking}), so the packaged one runs.",
        facts={"path": path, "lacking": lacking},
    )


def _unable(path: str, lacking: str) -> UserMessage:
    return UserMessage(
        template="The FFmpeg at {path} cannot do all that is needed ({lacking}), and there is no other."
        " Install a newer one.",
        facts={"path": path, "lacking": lacking},
    )


def _lacking(path: str) -> str:
    """Return the names of the abilities that the program lacks, with commas between; nothing where it has them all."""
    with tempfile.TemporaryDirectory(prefix="ffmpeg-") as place:
        folder = Path(place)
        (folder / "cues.ass").write_text(CUES)
        (folder / "list.txt").write_text("file 'a.mp4'\n")
        (folder / "fonts").mkdir()
        failed = [name for name, words in TRIALS.items() if not _works(path, words, folder)]
    return ", ".join([*failed, *sorted(DECODERS - _decoders(path))])


def _works(path: str, words: str, folder: Path) -> bool:
    command = [path, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *words.split(" ")]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, timeout=LIMIT_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        log.info("an FFmpeg does not run", path=path, why=str(error)[:300])
        return False
    if ended.returncode:
        log.info("an FFmpeg cannot do this", path=path, asked=words, said=ended.stderr[-300:].decode(errors="replace"))
    return ended.returncode == 0


def _decoders(path: str) -> set[str]:
    listed = set(re.findall(r"^ [A-Z.]{6} (\S+)", _said(path, "-decoders"), re.MULTILINE))
    return listed | ({"av1"} if listed & {"libdav1d", "libaom-av1", "libgav1"} else set())


def _version(path: str) -> str:
    found = re.search(r"^ffmpeg version (\S+)", _said(path, "-version"))
    return found[1] if found else "unknown"


def _said(path: str, question: str) -> str:
    """Return what the program answers to a question such as -version; nothing where it does not run."""
    command = [path, "-hide_banner", question]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
