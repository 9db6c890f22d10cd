"""The task faceswap as the worker runs it: faces of photographs put on others, still and moving."""

import gc
import io
import wave
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import ValidationError

from engine.core.errors import BadInput, Cancelled, MissingModel
from engine.core.job import Media, Result
from engine.core.protocol import Capability
from engine.core.settings import WorkerSettings
from engine.media import video
from engine.media.files import keep
from engine.tasks.faceswap.params import Params
from engine.tasks.faceswap.task import TASK
from engine.vision.faces.face import LEFT_EYE, RIGHT_EYE, Face
from engine.vision.faces.reader import FaceReader
from engine.weights import registry
from tests import samples, tiny_faces
from tests.task_harness import TaskHarness

Picture = NDArray[np.uint8]
SIX = samples.six()
ASTRONAUT = samples.astronaut()
MONICA, ROSS = SIX[120:330, 220:440], SIX[220:460, 400:640]
"""Two of the six, by themselves: the third from the left looks at us."""


class Bench(TaskHarness):
    """Pictures with faces, and what becomes of them."""

    def gif(self, pictures: Iterable[Picture]) -> Media:
        first, *rest = [Image.fromarray(picture) for picture in pictures]
        held = io.BytesIO()
        first.save(held, "GIF", save_all=True, append_images=rest, duration=[40, 80, 120, 160], loop=0)
        return keep(held.getvalue(), self.folder / "media")

    def clip(self, pictures: Iterable[Picture], rate: float = 25) -> Media:
        path, tone = self.folder / "clip.mp4", self.folder / "tone.wav"
        with wave.open(str(tone), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(16000)
            sound.writeframes((np.sin(np.arange(8000) / 5) * 8000).astype("<i2").tobytes())
        video.write_frames(
            pictures, path, rate, video.CancelOrTimeout(), (tone, "audio/wav", video.probe(tone, "audio/wav"))
        )
        return keep(path, self.folder / "media")

    def run(self, source: Media, target: Media, **options: Any) -> Result:
        return TASK.run(Params(source=source, target=target, **options), self.context)

    def refusal(self, source: Picture, target: Picture, **options: Any) -> str:
        with pytest.raises(BadInput) as refused:
            self.run(self.attach(source), self.attach(target), **options)
        return str(refused.value)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(registry.FOLDER.absolute()))
    return Bench(TASK, tmp_path)


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    return FaceReader(registry.FOLDER)


def open_picture(media: Media) -> Picture:
    with Image.open(media.path) as image:
        return np.asarray(image.convert("RGB"))


def difference_mask(before: Picture, after: Picture) -> NDArray[np.bool_]:
    """(H, W): where the pictures differ to the eye."""
    differs: NDArray[np.bool_] = np.abs(before.astype(int) - after).max(axis=2) > 12
    return differs


def inside(face: Face, shape: tuple[int, ...], grown: float = 0.1) -> NDArray[np.bool_]:
    left, top, right, bottom = face.box
    more = grown * (bottom - top)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    there: NDArray[np.bool_] = (
        (columns > left - more) & (columns < right + more) & (rows > top - more) & (rows < bottom + more)
    )
    return there


def test_a_face_is_put_in_where_the_targets_was_and_nothing_else_changes(bench: Bench, reader: FaceReader) -> None:
    result = bench.run(bench.attach(ROSS), bench.attach(ASTRONAUT))
    (media,) = result.media
    made, (face,) = open_picture(media), reader.faces(ASTRONAUT)
    there = inside(face, made.shape)
    assert difference_mask(ASTRONAUT, made)[there].mean() > 0.15
    assert (made[~there] == ASTRONAUT[~there]).all()
    assert (result.facts["backend"], result.facts["tier"], result.facts["faces"]) == ("mesh", "embedded", 1)
    (swapped,) = reader.faces(made)
    assert np.abs(swapped.points - face.points)[:, :2].mean() < 3


def test_a_face_put_on_itself_hardly_changes(bench: Bench, reader: FaceReader) -> None:
    (media,) = bench.run(bench.attach(ASTRONAUT), bench.attach(ASTRONAUT)).media
    there = inside(reader.faces(ASTRONAUT)[0], ASTRONAUT.shape)
    assert np.abs(open_picture(media).astype(int) - ASTRONAUT)[there].mean() < 3


def test_there_is_no_seam_at_the_edge(bench: Bench, reader: FaceReader) -> None:
    """Gradients over the outline are not steeper than the picture's own."""
    (media,) = bench.run(bench.attach(ROSS), bench.attach(ASTRONAUT)).media
    made, points = open_picture(media).astype(float), reader.faces(ASTRONAUT)[0].points[:, :2]
    cheeks = points[[205, 425, 187, 411, 147, 376]].mean(axis=0)
    rim = [points[number] for number in (132, 58, 172, 136, 150, 149, 176, 148, 377, 400, 378, 379, 365, 397, 288, 361)]

    def steepest(picture: Picture) -> float:
        found = []
        for point in rim:
            line = np.linspace(point, cheeks, 30)[:14].round().astype(int)
            found.append(np.abs(np.diff(picture[line[:, 1], line[:, 0]].astype(float), axis=0)).mean(axis=1).max())
        return float(np.median(found))

    assert steepest(made.astype(np.uint8)) < 1.6 * steepest(ASTRONAUT) + 4


def turned_astronaut(degrees: float) -> Picture:
    """The astronaut turned clockwise around her face, grey where nothing is left."""
    image = Image.fromarray(ASTRONAUT)
    return np.asarray(image.rotate(-degrees, Image.Resampling.BICUBIC, center=(226, 120), fillcolor=(128, 128, 128)))


@pytest.mark.parametrize("degrees", range(0, 360, 45))
def test_a_head_at_any_angle_gets_its_face_at_that_angle(bench: Bench, reader: FaceReader, degrees: int) -> None:
    """What is swapped, turned back, is what is swapped in the upright picture."""
    target = turned_astronaut(degrees)
    made = open_picture(bench.run(bench.attach(ROSS), bench.attach(target)).media[0])
    (face,), (swapped,) = reader.faces(target), reader.faces(made)
    assert np.abs(swapped.points - face.points)[:, :2].mean() < 3
    upright = open_picture(bench.run(bench.attach(ROSS), bench.attach(ASTRONAUT)).media[0])
    back = np.asarray(Image.fromarray(made).rotate(degrees, Image.Resampling.BICUBIC, center=(226, 120)))
    plain = np.asarray(Image.fromarray(target).rotate(degrees, Image.Resampling.BICUBIC, center=(226, 120)))
    middle = np.s_[90:160, 195:257]
    done = np.abs(upright.astype(int) - ASTRONAUT)[middle].mean()
    assert np.abs(back.astype(int) - upright)[middle].mean() < 0.5 * done
    assert np.abs(back.astype(int) - plain)[middle].mean() > 0.7 * done


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_source_may_lie_on_its_side_or_head_down(bench: Bench, quarter: int) -> None:
    upright, turned = (
        open_picture(bench.run(bench.attach(source), bench.attach(ASTRONAUT)).media[0]).astype(int)
        for source in (ROSS, np.ascontiguousarray(np.rot90(ROSS, quarter)))
    )
    middle = np.s_[80:170, 185:267]
    assert np.abs(turned - upright)[middle].mean() < 0.4 * np.abs(upright - ASTRONAUT)[middle].mean()


def test_of_many_the_one_that_is_upside_down_is_swapped_as_it_lies(bench: Bench, reader: FaceReader) -> None:
    target = SIX.copy()
    target[:300, 800:1100] = target[:300, 800:1100][::-1, ::-1]
    made = open_picture(bench.run(bench.attach(ASTRONAUT), bench.attach(target), face="5").media[0])
    face = reader.faces(target)[4]
    assert abs(np.degrees(face.roll)) > 120
    assert np.abs(reader.faces(made)[4].points - face.points)[:, :2].mean() < 5
    assert not difference_mask(target, made)[~inside(face, made.shape)].any()


def test_a_picture_that_exif_turns_is_swapped_as_it_is_seen(bench: Bench) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    held = io.BytesIO()
    Image.fromarray(ASTRONAUT[::-1, ::-1]).save(held, "PNG", exif=exif)
    told = keep(held.getvalue(), bench.folder / "media")
    by_exif, plain = (
        open_picture(bench.run(bench.attach(ROSS), target).media[0]) for target in (told, bench.attach(ASTRONAUT))
    )
    assert (by_exif == plain).all()


def grey_of(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).convert("L").convert("RGB"))


def in_sepia(picture: Picture) -> Picture:
    return np.asarray(grey_of(picture) * np.array([1, 0.86, 0.68]), np.uint8)


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "LA", "P"])
def test_on_a_grey_target_the_face_is_grey(bench: Bench, mode: str) -> None:
    target = Image.fromarray(grey_of(ASTRONAUT)).convert("L")
    held = io.BytesIO()
    target.convert(mode).save(held, "PNG")
    made = open_picture(bench.run(bench.attach(ROSS), keep(held.getvalue(), bench.folder / "media")).media[0])
    assert (made == made[..., :1]).all()
    assert difference_mask(np.asarray(target.convert(mode).convert("RGB")), made)[70:170, 180:270].mean() > 0.15


def test_in_grey_frames_the_face_is_grey(bench: Bench) -> None:
    frames = [grey_of(frame) for frame in moving(4)]
    with Image.open(bench.run(bench.attach(ROSS), bench.gif(frames)).media[0].path) as gif:
        first = np.asarray(gif.convert("RGB"))
    assert (first == first[..., :1]).all()
    result = bench.run(bench.attach(ROSS), bench.clip(frames))
    for old, new in zip(frames, decode_frames(result.media[0]), strict=True):
        assert np.ptp(new.astype(int), axis=2).max() <= 2
        assert difference_mask(old, new).any()


@pytest.mark.parametrize("quality", [60, 92])
def test_a_sepia_target_keeps_its_tint(bench: Bench, quality: int) -> None:
    held = io.BytesIO()
    Image.fromarray(in_sepia(ASTRONAUT)).save(held, "JPEG", quality=quality)
    target = keep(held.getvalue(), bench.folder / "media")
    before, made = open_picture(target), open_picture(bench.run(bench.attach(ROSS), target).media[0])
    differs = difference_mask(before, made)
    assert differs[70:170, 180:270].mean() > 0.15
    light = made[differs] @ np.array([0.299, 0.587, 0.114])
    expected = light[:, None] * np.array([1, 0.86, 0.68]) / (0.299 + 0.587 * 0.86 + 0.114 * 0.68)
    assert np.abs(made[differs] - expected).mean() < 3


def test_a_grey_picture_on_a_coloured_page_keeps_its_grey(bench: Bench) -> None:
    page = np.full((700, 900, 3), (200, 60, 40), np.uint8)
    page[100:612, 200:712] = grey_of(ASTRONAUT)
    made = open_picture(bench.run(bench.attach(ROSS), bench.attach(page)).media[0])[100:612, 200:712]
    assert (made == made[..., :1]).all()


def test_a_coloured_target_keeps_its_colours_also_under_a_grey_source(bench: Bench) -> None:
    made = open_picture(bench.run(bench.attach(grey_of(ROSS)), bench.attach(ASTRONAUT)).media[0])
    skin = np.s_[120:150, 205:245]
    assert np.ptp(made[skin].astype(int), axis=2).mean() > 0.6 * np.ptp(ASTRONAUT[skin].astype(int), axis=2).mean()


def test_half_a_blend_is_half_way(bench: Bench) -> None:
    source, target = bench.attach(ROSS), bench.attach(ASTRONAUT)
    whole, half, none = (
        open_picture(bench.run(source, target, blend=blend).media[0]).astype(float) for blend in (1, 0.5, 0)
    )
    assert np.abs(half - (whole + ASTRONAUT) / 2).max() <= 1.5
    assert (none == ASTRONAUT).all()


def test_of_several_the_largest_is_taken_and_all_are_shown_with_numbers(bench: Bench) -> None:
    result = bench.run(bench.attach(ASTRONAUT), bench.attach(SIX))
    made, numbers = result.media
    assert open_picture(numbers).shape == SIX.shape
    assert "target has 6 faces, and the largest, number 1, was used." in str(result.notes[0])
    assert difference_mask(SIX, open_picture(numbers)).any()
    columns = difference_mask(SIX, open_picture(made)).nonzero()[1]
    assert 40 < columns.min() < columns.max() < 200


def test_faces_are_named_by_number_and_mapped(bench: Bench, reader: FaceReader) -> None:
    two = np.hstack([ROSS, np.asarray(Image.fromarray(ASTRONAUT[20:230, 110:340]).resize((240, 240)))])
    result = bench.run(bench.attach(two), bench.attach(SIX), face="3=2, 6 = 1")
    (made,) = map(open_picture, result.media)
    faces, differs = reader.faces(SIX), difference_mask(SIX, made)
    shares = [differs[inside(face, made.shape, 0)].mean() for face in faces]
    assert [share > 0.1 for share in shares] == [False, False, True, False, False, True]
    assert result.facts["faces"] == 2
    assert result.notes == ()


def test_all_faces_may_get_the_same(bench: Bench) -> None:
    target = SIX[200:480, 0:680]
    result = bench.run(bench.attach(ASTRONAUT), bench.attach(target), face="all")
    assert result.facts["faces"] == len(FaceReader(registry.FOLDER).find_faces(target))


@pytest.mark.parametrize("face", ["", "x", "1=", "2,,3", "1;2", "1, 1", "-1"])
def test_what_cannot_be_read_as_faces_is_refused_with_what_can(bench: Bench, face: str) -> None:
    picture = bench.attach(ASTRONAUT)
    with pytest.raises((BadInput, ValidationError), match=r"Use all, a number \(2\), several"):
        Params(source=picture, target=picture, face=face)


def test_a_number_beyond_the_faces_is_refused_with_how_many_there_are(bench: Bench) -> None:
    assert bench.refusal(ASTRONAUT, SIX, face="7").startswith("There is no face 7 in target. 6 faces were found,")
    assert bench.refusal(ASTRONAUT, SIX, face="1=2").startswith("There is no face 2 in source. Only 1 face was found.")


def test_what_shows_no_face_is_refused_by_name(bench: Bench) -> None:
    assert bench.refusal(samples.cat(), ASTRONAUT).startswith("No face was found in source.")
    assert bench.refusal(ASTRONAUT, samples.coffee()).startswith("No face was found in target.")


def test_a_drawing_is_no_face(bench: Bench) -> None:
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((80, 80, 320, 320), fill="#ffd84d", outline="black", width=4)
    for x in (150, 250):
        draw.ellipse((x - 15, 150, x + 15, 190), fill="black")
    draw.arc((140, 180, 260, 280), 20, 160, fill="black", width=8)
    assert bench.refusal(np.asarray(image), ASTRONAUT).startswith("No face was found in source.")


def test_a_profile_is_refused_on_either_side(bench: Bench) -> None:
    assert "of source is turned 48° to the side" in bench.refusal(samples.cameraman(), ASTRONAUT)
    assert "of target is seen from the side" in bench.refusal(ASTRONAUT, samples.cameraman())


def test_a_source_partly_out_of_the_picture_is_refused_and_a_target_is_done_as_far_as_it_goes(bench: Bench) -> None:
    cut = ASTRONAUT[:, 215:]
    assert "is cut off" in bench.refusal(cut, ASTRONAUT)
    (media,) = bench.run(bench.attach(ROSS), bench.attach(cut)).media
    assert difference_mask(cut, open_picture(media)).any()


def test_dark_glasses_stay_on_the_target(bench: Bench) -> None:
    image = Image.fromarray(ASTRONAUT)
    draw = ImageDraw.Draw(image)
    for x in (204, 246):
        draw.ellipse((x - 20, 92, x + 20, 118), fill=(15, 15, 18))
    worn = np.asarray(image)
    made = open_picture(bench.run(bench.attach(ROSS), bench.attach(worn)).media[0])
    for x in (204, 246):
        assert np.abs(made[98:112, x - 14 : x + 14].astype(int) - worn[98:112, x - 14 : x + 14]).max() < 25
    assert difference_mask(worn, made)[125:165, 195:255].mean() > 0.1


def test_a_source_in_dark_glasses_is_told_and_the_targets_eyes_stay(bench: Bench) -> None:
    image = Image.fromarray(ASTRONAUT)
    draw = ImageDraw.Draw(image)
    for x in (204, 246):
        draw.ellipse((x - 20, 92, x + 20, 118), fill=(15, 15, 18))
    draw.line((204, 104, 246, 104), fill=(15, 15, 18), width=4)
    target = np.asarray(Image.fromarray(MONICA).resize((440, 420)))
    result = bench.run(bench.attach(np.asarray(image)), bench.attach(target))
    assert any("The face in source wears dark glasses" in str(note) for note in result.notes)
    made = open_picture(result.media[0])
    (face,) = FaceReader(registry.FOLDER).faces(target)
    for rim in (RIGHT_EYE, LEFT_EYE):
        x, y = face.points[list(rim), :2].mean(axis=0).astype(int)
        assert (
            np.abs(made[y - 5 : y + 6, x - 9 : x + 10].astype(int) - target[y - 5 : y + 6, x - 9 : x + 10]).mean() < 6
        )
    assert difference_mask(target, made)[inside(face, made.shape, 0)].mean() > 0.1
    plain = bench.run(bench.attach(ASTRONAUT), bench.attach(target))
    assert not any("dark glasses" in str(note) for note in plain.notes)


def test_a_small_source_is_told(bench: Bench) -> None:
    small = np.asarray(Image.fromarray(ASTRONAUT).resize((256, 256)))
    (note,) = bench.run(bench.attach(small), bench.attach(ROSS)).notes
    assert "pixels wide, so the result is soft" in str(note)


def test_alpha_stays(bench: Bench) -> None:
    image = Image.fromarray(ASTRONAUT)
    image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 512).astype(np.uint8), (512, 1))))
    (media,) = bench.run(bench.attach(ROSS), bench.attach(np.asarray(image))).media
    with Image.open(media.path) as made:
        assert (np.asarray(made)[..., 3] == np.asarray(image)[..., 3]).all()


def test_a_marker_is_written_into_the_corner_alone(bench: Bench) -> None:
    source, target = bench.attach(ROSS), bench.attach(ASTRONAUT)
    plain, marked = (open_picture(bench.run(source, target, marker=marker).media[0]) for marker in (False, True))
    rows, columns = difference_mask(plain, marked).nonzero()
    assert rows.min() > 470
    assert columns.min() > 300
    assert (marked[rows.min() :, columns.min() :] > 200).any()


def moving(count: int, noise: float = 0) -> list[Picture]:
    """The astronaut swaying, turning and coming nearer."""
    random = np.random.default_rng(1)
    frames = []
    for number in range(count):
        angle, zoom, shift = 6 * np.sin(number / 5), 1 + 0.004 * number, 14 * np.sin(number / 7)
        turned = Image.fromarray(ASTRONAUT).rotate(angle, Image.Resampling.BICUBIC, center=(226, 120))
        part = turned.crop((int(100 + shift), 10, int(100 + shift + 256 / zoom), int(10 + 256 / zoom)))
        frame = np.asarray(part.resize((256, 256), Image.Resampling.BICUBIC)).astype(float)
        frames.append((frame + random.normal(0, noise, frame.shape)).clip(0, 255).astype(np.uint8))
    return frames


def test_a_video_keeps_its_frames_and_sound_and_has_the_face_in_each(bench: Bench, reader: FaceReader) -> None:
    source = bench.clip(moving(12))
    result = bench.run(bench.attach(ROSS), source)
    (media,) = result.media
    before, after = (video.probe(one.path, one.mime) for one in (source, media))
    assert before.video
    assert after.video
    assert (after.video.frames, after.video.rate, bool(after.sound)) == (before.video.frames, before.video.rate, True)
    assert (media.mime, media.width, media.height, result.facts["faces"]) == ("video/mp4", 256, 256, 12)
    pairs = zip(decode_frames(source), decode_frames(media), strict=True)
    for old, new in pairs:
        there = inside(reader.faces(old)[0], old.shape, 0)
        assert difference_mask(old, new)[there].mean() > 0.1
    assert len({told.fraction for told in bench.told}) > 10


def decode_frames(media: Media) -> list[Picture]:
    found = video.probe(media.path, media.mime).video
    assert found
    return list(video.read_frames(media.path, media.mime, found, video.CancelOrTimeout()))


def test_a_gif_keeps_its_times(bench: Bench) -> None:
    (media,) = bench.run(bench.attach(ROSS), bench.gif(moving(4))).media
    with Image.open(media.path) as made:
        assert (made.format, made.n_frames) == ("GIF", 4)  # type: ignore[attr-defined]  # of animated formats
        times = []
        for number in range(4):
            made.seek(number)
            times.append(made.info["duration"])
    assert times == [40, 80, 120, 160]


def test_in_a_video_faces_keep_their_numbers_when_they_pass_and_come_back(bench: Bench, reader: FaceReader) -> None:
    """Face 1 leaves for a while; face 2 is never taken for it."""
    two = np.hstack([ASTRONAUT[20:230, 110:340], np.asarray(Image.fromarray(ROSS).resize((210, 210)))])
    gone = two.copy()
    gone[:, :230] = 128
    frames = [two] * 4 + [gone] * 8 + [two] * 10
    result = bench.run(bench.attach(MONICA), bench.clip(frames), face="1")
    before, after = two, decode_frames(result.media[0])
    right = inside(reader.faces(two)[1], two.shape, 0)
    left = inside(reader.faces(two)[0], two.shape, 0)
    for frame in after:
        assert difference_mask(before, frame)[right].mean() < 0.02
    assert all(difference_mask(before, frame)[left].mean() > 0.2 for frame in (after[1], after[-1]))
    assert isinstance(result.facts["faces"], int)
    assert 10 < result.facts["faces"] < len(frames)


def test_a_video_without_a_face_or_without_that_many_is_refused(bench: Bench) -> None:
    empty = bench.clip([np.full((64, 64, 3), 90, np.uint8)] * 3)
    with pytest.raises(BadInput, match="No face was found in target"):
        bench.run(bench.attach(ROSS), empty)
    with pytest.raises(BadInput, match=r"There is no face 2 in target\. At most 1 face is visible at once"):
        bench.run(bench.attach(ROSS), bench.clip(moving(3)), face="2")


def test_the_swapped_face_trembles_less_than_the_one_that_was_there(bench: Bench, reader: FaceReader) -> None:
    """Frame to frame in a still scene with noise, measured by the landmark network."""
    frames = [frame for frame in moving(1) for _ in range(16)]
    random = np.random.default_rng(2)
    noisy = [(one + random.normal(0, 10, one.shape)).clip(0, 255).astype(np.uint8) for one in frames]
    made = decode_frames(bench.run(bench.attach(ROSS), bench.clip(noisy)).media[0])

    def trembling(pictures: list[Picture]) -> float:
        points = np.stack([reader.faces(picture)[0].points[:, :2] for picture in pictures])
        return float(np.abs(np.diff(points, axis=0)).mean())

    assert trembling(made) < 1.1 * trembling(noisy)


@pytest.mark.parametrize("live", [False, True])
def test_a_cancel_ends_it(bench: Bench, live: bool) -> None:
    target = bench.clip(moving(3)) if live else bench.attach(ASTRONAUT)
    bench.context.cancelled.set()
    with pytest.raises(Cancelled):
        bench.run(bench.attach(ROSS), target)


def test_a_damaged_picture_is_refused_by_name(bench: Bench) -> None:
    whole = bench.attach(ASTRONAUT)
    cut = keep(whole.path.read_bytes()[:-90000], bench.folder / "media")
    with pytest.raises(BadInput, match="source is damaged"):
        bench.run(cut, whole)
    with pytest.raises(BadInput, match="target is damaged"):
        bench.run(whole, cut)


class TestChoosing:
    """Which backend serves, and what is said of InsightFace's licence."""

    def chosen(self, folder: Path, wanted: str, device: str = "cpu", *, accepted: bool = False) -> Capability:
        return TASK.choose(
            WorkerSettings(
                device=device, folder=folder, memory=10**9, models={"faceswap": wanted}, noncommercial=accepted
            )
        )

    def test_without_a_gpu_it_is_the_mesh(self, tmp_path: Path) -> None:
        service = self.chosen(tmp_path, "auto")
        assert (service.backend, service.tier) == ("mesh", "embedded")
        assert "needs an NVIDIA GPU" in str(service.why)

    def test_on_a_gpu_it_waits_for_the_owners_word_and_then_for_the_weights(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
        service = self.chosen(tmp_path, "auto", "cuda:0")
        assert service.backend == "mesh"
        assert "models.accept_noncommercial_weights = true" in str(service.why)
        assert "--fetch buffalo_l inswapper_128" in str(self.chosen(tmp_path, "auto", "cuda:0", accepted=True).why)
        tiny_faces.folder(tmp_path / "insightface")
        service = self.chosen(tmp_path, "auto", "cuda:0", accepted=True)
        assert (service.backend, service.tier, service.model) == ("inswapper", "full", "inswapper_128")
        assert "non-commercial research only" in str(service.why)

    def test_a_folder_is_known_by_its_files(self, tmp_path: Path) -> None:
        tiny_faces.folder(tmp_path)
        first = self.chosen(tmp_path, str(tmp_path), accepted=True)
        assert (first.backend, first.tier) == ("inswapper", "full")
        tiny_faces.inswapper(tmp_path / "inswapper_128.onnx", 16)
        assert self.chosen(tmp_path, str(tmp_path), accepted=True).model != first.model

    def test_it_is_not_loaded_before_the_licence_is_accepted(self, tmp_path: Path) -> None:
        tiny_faces.folder(tmp_path)
        assert TASK.load is not None
        settings = WorkerSettings(folder=tmp_path, memory=10**9, models={"faceswap": str(tmp_path)})
        with pytest.raises(MissingModel, match="for non-commercial research only"):
            TASK.load(settings)
        assert TASK.load(settings.model_copy(update={"noncommercial": True})).size > 0


class TestFull:
    """Swapping through networks of InsightFace's shapes, as a test makes them."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        tiny_faces.folder(tmp_path / "networks")
        return Bench(TASK, tmp_path, {"faceswap": str(tmp_path / "networks")}, noncommercial=True)

    def green_patches(self, *corners: tuple[int, int]) -> Picture:
        picture = np.full((640, 640, 3), 128, np.uint8)
        for x, y in corners:
            picture[y : y + 32, x : x + 32] = (20, 250, 20)
        return picture

    def test_a_picture(self, bench: Bench) -> None:
        target = self.green_patches((96, 320), (384, 224))
        result = bench.run(bench.attach(self.green_patches((320, 320))), bench.attach(target), face="2")
        differs = difference_mask(target, open_picture(result.media[0]))
        assert differs[:, 300:].any()
        assert not differs[:, :250].any()
        assert (result.facts["backend"], result.facts["tier"]) == ("inswapper", "full")

    def test_on_a_grey_face_and_its_surroundings_the_swap_is_grey(self, bench: Bench) -> None:
        """The detector of these networks needs a green patch, so the picture is of one tone instead: green to grey."""
        tone = np.array([0.08, 1, 0.08])
        ramp = np.tile(np.linspace(40, 250, 640)[:, None, None], (1, 640, 1))
        target = (ramp * tone).astype(np.uint8)
        target[320:352, 320:352] = (20, 250, 20)
        result = bench.run(bench.attach(self.green_patches((320, 320))), bench.attach(target))
        made = open_picture(result.media[0]).astype(int)
        differs = (made != target).any(axis=2)
        assert differs.sum() > 1000
        assert np.abs(made[differs] - made[differs][:, 1:2] * tone).mean() < 2

    def test_what_a_cancelled_job_began_is_not_held(self, bench: Bench) -> None:
        with bench.context.model("faceswap") as swapper:
            pictures = [self.green_patches((96 + 32 * step, 320)) for step in range(3)]
            seen = weakref.ref(pictures[0])
            (face,) = swapper.faces(pictures[0])
            who = swapper.identity(pictures[0], face)
            for picture in pictures:
                swapper.begin(who, picture, face, 1.0)
            del picture, pictures
            assert seen() is None

    def test_networks_that_are_given_back_are_gone_at_once(self, bench: Bench) -> None:
        with bench.context.model("faceswap") as swapper:
            network = weakref.ref(swapper._network._session)
        gc.disable()
        try:
            bench.pool.free()
            assert network() is None
        finally:
            gc.enable()

    def test_a_video(self, bench: Bench) -> None:
        frames = [self.green_patches((96 + 32 * step, 320)) for step in range(4)]
        result = bench.run(bench.attach(self.green_patches((320, 320))), bench.clip(frames))
        assert result.facts["faces"] == 4
        assert len(decode_frames(result.media[0])) == 4
