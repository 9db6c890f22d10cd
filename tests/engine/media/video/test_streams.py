"""FFmpeg's description of a recording, in the words of its versions 5 and 9."""

import pytest

from engine.media.video.colours import Colours
from engine.media.video.streams import input_lines, parse_layout, parse_picture, parse_streams, preferred_stream

FIVE = """Input #0, matroska,webm, from 'a.mkv':
  Duration: 00:00:08.02, start: 0.000000, bitrate: 238 kb/s
  Stream #0:0: Video: h264 (High), yuv420p(tv, progressive), 320x180 [SAR 1:1 DAR 16:9], 25 fps, 25 tbr, 1k tbn
  Stream #0:1(deu): Audio: aac (LC), 44100 Hz, 5.1(side), fltp
  Stream #0:2(eng): Audio: aac (LC), 16000 Hz, mono, fltp (default)
Output #0, null, to 'pipe:':
  Stream #0:0: Video: h264 (High), yuv420p(tv, progressive), 320x180 [SAR 1:1 DAR 16:9], q=2-31, 25 fps, 25 tbr
  Stream #0:1(eng): Audio: aac (LC), 16000 Hz, mono, fltp (default)
Stream mapping:
  Stream #0:0 -> #0:0 (copy)"""
NINE = "\n".join(FIVE.split("\n")[:5] + FIVE.split("\n")[8:] + FIVE.split("\n")[5:8])


@pytest.mark.parametrize("said", [FIVE, NINE])
def test_the_streams_of_the_output_are_not_those_of_the_input(said: str) -> None:
    found = list(parse_streams(input_lines(said.split("\n"))))
    assert [(line.index, line.kind) for line in found] == [(0, "Video"), (1, "Audio"), (2, "Audio")]
    sound = preferred_stream(found[1:])
    assert sound
    assert (sound.index, parse_layout(found[1]), parse_layout(sound)) == (2, "5.1(side)", "mono")


@pytest.mark.parametrize(
    ("rest", "shown", "colours"),
    [
        (", yuv420p, 64x48, 25 fps", (64, 48), Colours("yuv420p")),
        (
            ", yuv420p10le(tv, bt2020nc/bt2020/smpte2084, progressive), 320x180 [SAR 1:1 DAR 16:9], 25 fps",
            (320, 180),
            Colours("yuv420p10le", "bt2020nc", "bt2020", "smpte2084"),
        ),
        (
            ", yuvj420p(pc, bt709/unknown/unknown, progressive), 64x48 [SAR 1:1 DAR 4:3], SAR 4:3 DAR 16:9, 25 fps",
            (85, 48),
            Colours("yuvj420p", "bt709", is_full=True),
        ),
        (
            ", yuv420p(tv, smpte170m, top coded first (swapped)), 720x576 [SAR 16:15 DAR 4:3], 25 fps",
            (768, 576),
            Colours("yuv420p", "smpte170m", "smpte170m", "smpte170m", is_interlaced=True),
        ),
        (", gray(10 bpc), 64x48, 25 tbr", (64, 48), Colours("gray")),
    ],
)
def test_the_properties_of_a_video_stream_are_parsed(rest: str, shown: tuple[int, int], colours: Colours) -> None:
    (line,) = parse_streams([f"  Stream #0:0: Video: h264 (High) (avc1 / 0x31637661){rest}"])
    found = parse_picture(line)
    assert found
    assert (found.shown, found.colours) == (shown, colours)
