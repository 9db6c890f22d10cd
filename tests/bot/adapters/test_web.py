"""The HTTP API over real sockets, with the real store and a real worker."""

import asyncio
import base64
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import FormData
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from PIL import Image

from bot.adapters import web
from bot.adapters.web.file_answers import PIECE_BYTES, file_answer_model, file_response
from bot.adapters.web.session import network_of, preferred_language
from bot.commands import COMMANDS
from bot.core.command import Command
from bot.presentation.delivery import create_link
from engine.core.job import Done, Media, Result
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.media import files as media
from storage.store import Limit, Rate, Store
from tests import samples
from tests.bot.adapters.website import FILE_BYTES, Answer, Site, State, Visitor, drawing_engine, png, serving
from tests.fakes import echo as fake_echo
from tests.fakes import until
from tests.storage import builders
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
COMMANDS_WITHOUT_FILE = [each for each in COMMANDS if not each.hidden and not (each.source and each.source.required)]
"""Commands that can be typed without a file."""
Open = Callable[..., AbstractAsyncContextManager[Site]]
ENDED = ("done", "failed", "cancelled")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(folder: Path) -> AsyncIterator[Engine]:
    async with drawing_engine(folder) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def store() -> AsyncIterator[Store]:
    async with Store.open(":memory:") as store:
        yield store


@pytest.fixture
def open_site(engine: Engine, folder: Path, store: Store) -> Open:
    return partial(serving, engine, folder, store)


@pytest_asyncio.fixture(loop_scope="module")
async def site(open_site: Open) -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def program(site: Site) -> AsyncIterator[Visitor]:
    """A client without cookies."""
    async with site.visitor() as visitor:
        yield visitor


@pytest_asyncio.fixture(loop_scope="module")
async def browser(site: Site) -> AsyncIterator[Visitor]:
    async with site.browser() as visitor:
        yield visitor


def data_uri(content: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def form(**fields: Any) -> FormData:
    told = FormData(default_to_multipart=True)
    for name, value in fields.items():
        if isinstance(value, bytes):
            told.add_field(name, io.BytesIO(value), filename=f"{name}.png")
        else:
            told.add_field(name, value)
    return told


def jpeg(picture: samples.Picture) -> bytes:
    held = io.BytesIO()
    Image.fromarray(picture).save(held, "JPEG", quality=92)
    return held.getvalue()


def limits_of(user: str) -> list[Limit]:
    return [Limit(user, "imagine", Rate(10, 60.0))]


class TestDrawing:
    async def test_the_same_prompt_again_is_answered_from_the_cache(self, program: Visitor) -> None:
        first = await program.post("/generate-image", json={"prompt": "a cat", "steps": 2})
        assert first.status == 200, first.json
        again = await program.post("/generate-image", json={"prompt": "a cat", "steps": 2})
        assert (first.json["status"], first.json["cached"], again.json["cached"]) == ("success", False, True)
        assert again.json["seed"] == first.json["seed"]
        assert again.json["image"] == first.json["image"]
        head, _, data = first.json["image"].partition(",")
        assert head == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (512, 512)

    async def test_several_pictures_are_returned(self, program: Visitor) -> None:
        answer = await program.post("/generate-image", json={"prompt": "a cat", "steps": 1, "count": 2, "image": None})
        assert len(set(answer.json["images"])) == 2

    async def test_a_video_is_a_job_that_is_followed_to_its_media(self, program: Visitor) -> None:
        asked = {"image": data_uri(png(64, 36)), "text": "Hello.", "generate_subtitles": True}
        answer = await program.post("/render-video", json=asked)
        assert answer.status == 202, answer.json
        made = await program.ended(answer.json["id"])
        assert [media["mime"] for media in made["result"]["media"]] == ["video/mp4", "application/x-subrip"]
        refused = await program.post("/render-video", json={"text": "Hello."})
        assert (refused.status, refused.json["error"]["kind"]) == (400, "BadInput")

    async def test_a_storyboard_is_edited_and_rendered_by_its_buttons(self, program: Visitor) -> None:
        asked = {"script": "a cat\nseconds: 1\n\na dog\nseconds: 1", "shape": "square"}
        board = await program.ended((await program.post("/render-multi-scene", json=asked)).json["id"])
        buttons = {each["label"]: f"{each['command']}:{each['argument']}" for each in board["buttons"]}
        assert {"Render", "Redo scenes", "Edit script"} <= buttons.keys()
        none = await program.post("/jobs", json={"button": buttons["Redo scenes"], "text": "7"})
        assert "numbers is “7”. Give scene numbers from 1 to 2" in none.json["error"]["message"]
        redone = await program.post("/jobs", json={"button": buttons["Redo scenes"], "text": "2"})
        other = await program.ended(redone.json["id"])
        assert other["result"]["facts"]["script"].count("seed: ") == 1
        words = await program.post("/jobs", json={"button": buttons["Edit script"], "text": "a cat\nseconds: 99"})
        assert "Line 2: seconds can't be “99”" in words.json["error"]["message"]
        render = next(f"{each['command']}:{each['argument']}" for each in other["buttons"] if each["label"] == "Render")
        film = await program.ended((await program.post("/jobs", json={"button": render})).json["id"])
        assert [media["mime"] for media in film["result"]["media"]] == ["video/mp4", "text/plain"]
        pictures = next(each for each in film["buttons"] if each["label"] == "Pictures")
        packed = await program.post("/jobs", json={"button": f"pictures:{pictures['argument']}"})
        assert (await program.ended(packed.json["id"]))["result"]["media"][0]["mime"] == "application/zip"

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("text/plain", "a cat\nsecnds: 4"),
            ("text/markdown", "# Cats\nsecnds: 4"),
            ("application/toml", "[[scene]]\nseconds = = 3"),
            ("text/plain;name=a%20film.fountain", "EXT. BAY\n[[seconds: 900]]"),
        ],
    )
    async def test_a_script_can_be_a_data_uri(self, program: Visitor, kind: str, text: str) -> None:
        asked = {"file": data_uri(text.encode(), kind)}
        answer = await program.post("/render-multi-scene", json=asked)
        assert answer.status == 400
        assert answer.json["error"]["message"].startswith("Line 2: ")

    async def test_disconnecting_cancels_the_job(self, program: Visitor, store: Store) -> None:
        asking = asyncio.create_task(program.post("/generate-image", json={"prompt": "a cat", "steps": 50, "count": 4}))
        async with asyncio.timeout(HANG_SECONDS):
            while not (rows := await store.unfinished_jobs()):  # noqa: ASYNC110  # another task writes it
                await asyncio.sleep(0.01)
        asking.cancel()
        async with asyncio.timeout(HANG_SECONDS):
            while await store.unfinished_jobs():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        row = await store.job(rows[0].job.id)
        assert row is not None
        assert row.state == "cancelled"

    async def test_a_picture_starts_from_an_uploaded_one(self, program: Visitor) -> None:
        asked = form(prompt="a cat", steps="2", strength="0.5", image=png(64, 64))
        answer = await program.post("/generate-image", data=asked)
        assert answer.status == 200, answer.json
        assert answer.json["prompt"] == "a cat"


class TestFileAnswers:
    """Files are encoded in pieces while they are sent."""

    @pytest.mark.parametrize("size", [1, 2, 3, PIECE_BYTES - 1, PIECE_BYTES, 5 * PIECE_BYTES + 1])
    async def test_every_byte_arrives_and_no_piece_is_long(self, tmp_path: Path, size: int) -> None:
        files = []
        for number in range(2):
            path = tmp_path / f"{number}.png"
            path.write_bytes(bytes([number]) * size)
            files.append(Media(path=path, mime="image/png", sha256="a" * 64, bytes=size))
        done = Done(job="3f9a", result=Result(media=tuple(files), facts={"faces": 2, "prompt": "é €"}))
        faceswap = next(command for command in COMMANDS if command.name == "faceswap")
        assert faceswap.route is not None
        response = file_response(file_answer_model(faceswap, faceswap.route), done, "en")
        pieces = [piece async for piece in response.body._value]  # type: ignore[union-attr]
        body = b"".join(pieces)
        assert (max(map(len, pieces)) <= PIECE_BYTES * 4 // 3, response.content_length) == (True, len(body))
        answer = json.loads(body)
        contents = [base64.b64decode(uri.removeprefix("data:image/png;base64,")) for uri in answer["images"]]
        assert contents == [b"\0" * size, b"\1" * size]
        assert (answer["image"], answer["faces"], answer["prompt"]) == (answer["images"][0], 2, "é €")

    async def test_an_answer_says_how_long_it_is(self, program: Visitor) -> None:
        answer = await program.post("/generate-image", json={"prompt": "a cat", "steps": 1})
        assert answer.headers["Content-Length"] == str(len(answer.body))
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


class TestEnlarging:
    async def test_a_data_uri_is_returned_enlarged(self, program: Visitor) -> None:
        asked = {"image": data_uri(png(16, 12)), "scale": 3.0, "model": "realesr-animevideov3"}
        answer = await program.post("/enhance-media", json=asked)
        assert (answer.status, answer.json["status"]) == (200, "success"), answer.json
        assert (answer.json["scale"], answer.json["model"], answer.json["notes"]) == (3.0, "realesr-animevideov3", [])
        head, _, data = answer.json["image"].partition(",")
        assert head == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (48, 36)
        told = (await program.get("/openapi.json")).json
        checker(told, "UpscaleAnswer").validate(answer.json)

    async def test_an_invalid_value_is_named(self, program: Visitor) -> None:
        answer = await program.post("/enhance-media", json={"image": data_uri(png(16, 12)), "scale": 5})
        assert (answer.status, answer.json["error"]["kind"]) == (400, "BadInput")
        assert answer.json["error"]["message"].startswith("scale is 5; it must be at most 4")


class TestSwapping:
    async def test_a_face_is_swapped_once_the_person_has_agreed(self, program: Visitor) -> None:
        def asked() -> FormData:
            return form(source=jpeg(samples.six()[220:460, 400:640]), target=jpeg(samples.astronaut()), blend="0.9")

        told = (await program.get("/openapi.json")).json
        first = await program.post("/face-swap", data=asked())
        assert first.status == 428
        assert first.json["text"].startswith("Only swap faces with consent.")
        checker(told, "State").validate(first.json)
        confirm = first.json["buttons"][0]
        assert confirm["label"] == "I confirm"
        await program.ended((await program.post("/jobs", json={"button": f"yes:{confirm['argument']}"})).json["id"])
        answer = await program.post("/face-swap", data=asked())
        assert (answer.status, answer.json["status"]) == (200, "success"), answer.json
        assert (answer.json["faces"], answer.json["tier"], answer.json["notes"]) == (1, "embedded", [])
        head, _, data = answer.json["image"].partition(",")
        assert head == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (512, 512)
        checker(told, "FaceswapAnswer").validate(answer.json)
        none = await program.post("/face-swap", data=form(source=jpeg(samples.cat()), target=jpeg(samples.astronaut())))
        answer = none
        assert (answer.status, answer.json["error"]["kind"]) == (400, "BadInput")
        assert answer.json["error"]["message"].startswith("No face was found in source")


class TestAnimating:
    async def test_a_portrait_is_returned_as_a_talking_video(self, program: Visitor) -> None:
        held = io.BytesIO()
        Image.fromarray(samples.astronaut()[:300, 70:370]).save(held, "PNG")
        answer = await program.post("/live-portrait", data=form(portrait=held.getvalue(), text="Hello", language="en"))
        assert (answer.status, answer.json["status"], answer.json["model"]) == (200, "success", "mesh"), answer.json
        head, _, data = answer.json["video"].partition(",")
        assert (head, base64.b64decode(data)[4:8]) == ("data:video/mp4;base64", b"ftyp")
        told = (await program.get("/openapi.json")).json
        checker(told, "AnimateAnswer").validate(answer.json)

    async def test_without_text_it_says_what_is_missing(self, program: Visitor) -> None:
        answer = await program.post("/live-portrait", json={"portrait": data_uri(png(64, 64))})
        assert (answer.status, answer.json["error"]["kind"]) == (400, "BadInput")
        assert "Type text or attach audio, not both" in answer.json["error"]["message"]


class TestJobs:
    async def test_a_job_is_accepted_followed_and_read_again(self, program: Visitor) -> None:
        answer = await program.post("/jobs", json={"command": "echo", "options": {"text": "hi", "seconds": 0.2}})
        assert answer.status == 202
        assert answer.json["state"] == "queued"
        states = [state async for state in program.events(f"/jobs/{answer.json['id']}/events")]
        assert {state["id"] for state in states} == {answer.json["id"]}
        assert [state["state"] in ENDED for state in states] == [False] * (len(states) - 1) + [True]
        assert any(state["stage"] == "waiting" and 0 < state["fraction"] < 1 for state in states)
        assert states[-1]["result"] == {"text": "hi", "facts": {"said": "hi"}, "media": []}
        assert await program.state(answer.json["id"]) == states[-1]

    async def test_a_repeated_job_is_answered_at_once(self, program: Visitor) -> None:
        first = await program.job("echo", text="hi")
        await program.ended(first["id"])
        answer = await program.post("/jobs", json={"command": "echo", "options": {"text": "hi"}})
        assert answer.status == 200
        assert answer.json["cached"]
        assert answer.json["id"] != first["id"]
        assert answer.json["result"]["text"] == "hi"

    @pytest.mark.parametrize("asked", COMMANDS_WITHOUT_FILE, ids=lambda asked: asked.name)
    async def test_every_command_is_answered(self, asked: Command, program: Visitor) -> None:
        needed = {option.name: "a red cat" for option in asked.params.options() if option.required or option.rest}
        answer = await program.post("/jobs", json={"command": asked.name, "options": needed})
        if asked.name in {"cancel", "commands"}:  # there is no job to end, and no server or group
            assert (answer.status, answer.json["error"]["kind"]) == (400, "BadInput")
        elif asked.name in {"imagine", "magic", "video", "scenes"}:
            assert answer.status == 202
            assert (await program.ended(answer.json["id"]))["state"] == "done"
        else:
            assert (answer.status, answer.json["state"], answer.json["id"]) == (200, "done", None)
            assert answer.json["result"]["text"]

    async def test_a_button_is_clicked_by_its_id(self, program: Visitor) -> None:
        made = await program.ended((await program.job("imagine", prompt="a red cat", steps=1))["id"])
        buttons = {each["label"]: f"{each['command']}:{each['argument']}" for each in made["buttons"]}
        assert list(buttons) == ["Again", "Vary", "Upscale", "Animate", "Delete"]
        again = await program.post("/jobs", json={"button": buttons["Again"]})
        assert again.status == 202
        facts = (await program.ended(again.json["id"]))["result"]["facts"]
        assert facts["prompt"] == "a red cat"
        assert facts["seed"] != made["result"]["facts"]["seed"]
        deleted = await program.post("/jobs", json={"button": buttons["Delete"]})
        assert (deleted.status, deleted.json["state"]) == (200, "done")
        assert (await program.state(made["id"]))["result"]["media"] == []
        assert (await program.get(made["result"]["media"][0]["url"])).status == 404

    async def test_a_result_can_be_the_input_of_another_job(self, program: Visitor, site: Site) -> None:
        made = await program.ended((await program.job("imagine", prompt="a red cat", steps=1))["id"])
        measured = await program.job("measure", image=f"job:{made['id']}")
        assert measured["result"]["text"] == "512 x 512"
        async with site.browser() as other:
            refused = await other.post("/jobs", json={"command": "measure", "options": {"image": f"job:{made['id']}"}})
        assert (refused.status, refused.json["error"]["kind"]) == (403, "NotAllowed")
        unknown = await program.post("/jobs", json={"command": "measure", "options": {"image": f"job:{made['id']}.2"}})
        assert unknown.json["error"]["message"] == f"Job {made['id']} has no file 2. It made 1 file."

    async def test_a_typed_line_is_a_command_and_without_one_it_is_imagine(self, program: Visitor) -> None:
        assert (await program.post("/jobs", json={"line": "/echo hello --seconds 0"})).status == 202
        answer = await program.post("/jobs", json={"line": "a red cat --steps 1 --shape wide"})
        picture = (await program.ended(answer.json["id"]))["result"]["media"][0]
        assert picture["width"] > picture["height"]

    async def test_files_come_in_a_form_or_as_data_uris(self, program: Visitor) -> None:
        sent: list[dict[str, Any]] = [
            {"data": form(command="measure", words="small", image=png(30, 20))},
            {"data": form(line="/measure small", image=png(30, 20))},
            {"json": {"command": "measure", "options": {"words": "small", "image": data_uri(png(30, 20))}}},
        ]
        answers = [await program.post("/jobs", **body) for body in sent]
        assert [answer.json["result"]["text"] for answer in answers] == ["30 x 20 small"] * 3

    async def test_no_upload_stays_on_the_disk(self, program: Visitor, folder: Path) -> None:
        await program.post("/jobs", data=form(command="measure", image=png(30, 20)))
        await program.post("/jobs", data=form(command="measure", image=b"x" * (FILE_BYTES + 1)))
        assert not list((folder / "media" / "parts").iterdir())

    async def test_progress_has_a_preview_that_only_its_visitor_can_open(self, site: Site, browser: Visitor) -> None:
        job = await browser.job("imagine", prompt="a red apple", steps=12, count=2)
        async for state in browser.events(f"/jobs/{job['id']}/events"):
            if state["preview"]:
                seen = await browser.get(state["preview"]["url"])
                async with site.browser() as other:
                    assert (await other.get(state["preview"]["url"])).status == 404
                assert (seen.status, seen.headers["Content-Type"]) == (200, "image/webp")
                break
        else:
            pytest.fail("no preview came")
        await browser.delete(f"/jobs/{job['id']}")

    async def test_closing_the_events_leaves_the_job_alone(self, program: Visitor) -> None:
        job = await program.job("echo", text="on and on", seconds=0.5)
        async for state in program.events(f"/jobs/{job['id']}/events"):
            if state["state"] == "running":
                break
        assert (await program.ended(job["id"]))["state"] == "done"

    async def test_delete_cancels_a_running_and_a_waiting_job(self, program: Visitor) -> None:
        running, waiting = await program.job("echo", seconds=600), await program.job("echo", seconds=599)
        async for state in program.events(f"/jobs/{running['id']}/events"):
            if state["state"] == "running":
                break
        assert (await program.state(waiting["id"]))["place"] == 1
        for job in (waiting, running):
            answer = await program.delete(f"/jobs/{job['id']}")
            assert (answer.status, answer.json["state"]) == (200, "cancelled")
            assert answer.json["error"] == {"kind": "Cancelled", "message": "Cancelled."}
        again = await program.delete(f"/jobs/{running['id']}")
        assert (again.status, again.json["error"]["kind"]) == (400, "BadInput")
        assert (await program.ended((await program.job("echo", text="lives"))["id"]))["state"] == "done"

    async def test_a_failed_job_says_its_kind_and_no_traceback(self, program: Visitor) -> None:
        job = await program.job("echo", fault="error")
        state = await program.ended(job["id"])
        assert (state["state"], state["error"]["kind"]) == ("failed", "Broken")
        assert "Traceback" not in str(state)

    async def test_one_stream_follows_all_own_jobs_and_no_others(self, site: Site, browser: Visitor) -> None:
        mine = {(await browser.job("echo", text=text, seconds=0.3))["id"] for text in ("a", "b")}
        async with site.browser() as other:
            await other.job("echo", text="c", seconds=0.3)
        done: set[str] = set()
        async with asyncio.timeout(HANG_SECONDS):
            async for state in browser.events("/events"):
                assert state["id"] in mine
                done |= {state["id"]} if state["state"] == "done" else set()
                if done == mine:
                    break

    async def test_a_finished_job_and_its_media_outlive_a_restart(self, open_site: Open) -> None:
        async with open_site() as site, site.visitor() as program:
            job = await program.job("imagine", prompt="a red apple", steps=1)
            before = await program.ended(job["id"])
        async with open_site() as site, site.visitor() as program:
            after = await program.state(job["id"])
            assert after == before
            assert (await program.get(after["result"]["media"][0]["url"])).status == 200
            assert [state async for state in program.events(f"/jobs/{job['id']}/events")] == [after]


class TestMedia:
    @pytest_asyncio.fixture(loop_scope="module")
    async def url(self, browser: Visitor) -> str:
        return str((await browser.job("three"))["result"]["media"][0]["url"])

    async def test_a_file_never_changes_and_is_not_sent_twice(self, browser: Visitor, url: str) -> None:
        first = await browser.get(url)
        assert first.body == png(40, 40)
        assert first.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert first.headers["Content-Type"] == "image/png"
        again = await browser.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")

    async def test_only_its_visitor_can_open_an_address(self, site: Site, browser: Visitor, url: str) -> None:
        bare, _, key = url.partition("?")
        async with site.browser() as other, site.visitor() as program:
            assert (await other.get(url)).status == 404
            assert (await program.get(url)).status == 404
        assert (await browser.get(bare)).status == 404
        assert (await browser.get(f"/media/{'0' * 64}.png?{key}")).status == 404
        assert (await browser.get(url + "é")).status == 404

    @pytest.mark.parametrize(
        "path", ["/media/../atelier.db", "/media/%2e%2e/x", "/page/../server.py", "/page/%2e%2e/jobs.py"]
    )
    async def test_no_other_file_can_be_reached(self, program: Visitor, path: str) -> None:
        assert (await program.get(path)).status == 404

    async def test_a_range_of_a_file_can_be_requested(self, browser: Visitor, url: str) -> None:
        part = await browser.get(url, headers={"Range": "bytes=1-3"})
        assert (part.status, part.body) == (206, b"PNG")


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"prompt": ""}, "prompt is empty"),
            ({}, "prompt is missing"),
            ({"prompt": "x" * 10_001}, "prompt has 10,001 characters; the limit is 10,000"),
            ({"prompt": "a", "colour": "red"}, "no option colour"),
            ({"prompt": "a", "count": 5}, "count is 5; it must be at most 4"),
            ({"prompt": "a", "count": "many"}, "count is “many”; it must be a whole number"),
            ({"prompt": "a", "shape": "round"}, "shape is “round”"),
            ({"prompt": "a", "image": "cat.png"}, "image must be a file"),
            ({"prompt": "a", "image": "data:image/png,abc"}, "image must be a data URI in base64"),
            ({"prompt": "a", "image": "data:image/png;base64,####"}, "image is not valid base64"),
            ({"prompt": "a", "image": data_uri(b"no picture at all")}, "not a picture, audio or video"),
            ({"prompt": "\ud800"}, "prompt"),
        ],
    )
    async def test_bad_options_are_named(self, program: Visitor, store: Store, options: Any, words: str) -> None:
        for path, body in (("/generate-image", options), ("/jobs", {"command": "imagine", "options": options})):
            answer = await program.post(path, json=body)
            assert answer.status == 400, answer.json
            assert answer.json["status"] == "error"
            assert answer.json["error"]["kind"] == "BadInput"
            assert words in answer.json["error"]["message"]
        assert not await store.unfinished_jobs()

    @pytest.mark.parametrize("body", ["{", "[1]", "[" * 100_000, '"a cat"', "prompt=a+cat", b"\xff\xfe", ""])
    async def test_a_body_that_is_not_an_object_is_refused(self, program: Visitor, body: str | bytes) -> None:
        answer = await program.post("/jobs", data=body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.json["error"]["kind"]) == (400, "BadInput")

    @pytest.mark.parametrize(
        "body",
        [
            {"command": "fly"},
            {"command": 7},
            {},
            {"command": "echo", "options": [1]},
            {"line": "/fly away"},
            {"command": "\ud800"},
        ],
    )
    async def test_a_request_without_a_command_is_refused(self, program: Visitor, body: Any) -> None:
        assert (await program.post("/jobs", json=body)).status == 400

    async def test_a_form_that_breaks_off_is_refused(self, program: Visitor) -> None:
        head = {"Content-Type": "multipart/form-data; boundary=x"}
        broken = b'--x\r\nContent-Disposition: form-data; name="command"\r\n\r\nech'
        assert (await program.post("/jobs", data=broken, headers=head)).status == 400
        assert (await program.post("/jobs", data=b"", headers={"Content-Type": "multipart/form-data"})).status == 400

    async def test_a_file_over_the_limit_is_refused_with_option_and_limit(self, program: Visitor) -> None:
        for size in (FILE_BYTES + 1, 20 * FILE_BYTES):
            answer = await program.post("/jobs", data=form(command="measure", image=b"\x89PNG" + b"x" * size))
            assert (answer.status, answer.json["error"]["kind"]) == (413, "TooLarge")
            assert answer.json["error"]["message"].startswith("image: “image.png” is ")
            assert "the limit is 400" in answer.json["error"]["message"]

    async def test_a_body_over_the_limit_is_refused(self, program: Visitor) -> None:
        body = io.BytesIO(json.dumps({"prompt": "a", "image": data_uri(b"x" * 2 * FILE_BYTES)}).encode())
        answer = await program.post("/generate-image", data=body)
        assert (answer.status, answer.json["error"]["kind"]) == (413, "TooLarge")

    async def test_a_picture_of_too_many_pixels_is_refused(self, program: Visitor) -> None:
        huge = builders.png(50_000, 50_000, rows_there=1)
        answer = await program.post("/jobs", data=form(command="measure", image=huge))
        assert (answer.status, answer.json["error"]["kind"]) == (413, "TooLarge")
        assert "50000 x 50000 pixels" in answer.json["error"]["message"]

    async def test_a_file_that_is_not_what_its_name_says_is_refused(self, program: Visitor) -> None:
        told = FormData(default_to_multipart=True)
        told.add_field("command", "measure")
        told.add_field("image", png(10, 10), filename="song.mp3")
        answer = await program.post("/jobs", data=told)
        assert answer.status == 400
        assert "song.mp3" in answer.json["error"]["message"]

    async def test_an_unknown_path_is_404_and_a_wrong_method_405(self, program: Visitor) -> None:
        for path in ("/nothing", "/jobs/0000000000", "/jobs/0000000000/events", "/media/x"):
            answer = await program.get(path)
            assert (answer.status, answer.json["error"]["kind"]) == (404, "NotFound"), path
        assert (await program.delete("/jobs/0000000000")).status == 404
        answer = await program.get("/generate-image")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert answer.json["status"] == "error"

    async def test_others_cannot_see_a_private_job(self, site: Site, browser: Visitor) -> None:
        job = (await browser.job("echo", seconds=600, text="secret"))["id"]
        async with site.browser() as other:
            for answer in (
                await other.get(f"/jobs/{job}"),
                await other.get(f"/jobs/{job}/events"),
                await other.delete(f"/jobs/{job}"),
            ):
                assert answer.status == 404
        assert (await browser.delete(f"/jobs/{job}")).json["state"] == "cancelled"

    async def test_too_many_jobs_are_429_with_the_wait_and_store_nothing(self, open_site: Open) -> None:
        async with open_site(limits={"echo": Rate(2, 60.0)}) as site, site.visitor() as program:
            for text in ("a", "b"):
                await program.ended((await program.job("echo", text=text))["id"])
            before = time.time()
            answer = await program.post("/jobs", json={"command": "echo", "options": {"text": "c"}})
            assert (answer.status, answer.json["error"]["kind"]) == (429, "RateLimited")
            wait = int(answer.headers["Retry-After"])
            assert 55 <= wait <= 60
            assert answer.headers["X-RateLimit-Limit"] == "2"
            assert answer.headers["X-RateLimit-Remaining"] == "0"
            assert abs(int(answer.headers["X-RateLimit-Reset"]) - before - wait) < 3
            assert answer.json["error"]["wait"] == pytest.approx(wait, abs=1.5)
            left = (await program.get("/api/rate-limit/stats")).json["limits"]["echo"]
            assert (left["used"], left["left"]) == (2, 0)
            assert (await program.post("/jobs", json={"line": "/echo a"})).json["cached"]

    async def test_a_new_session_at_the_same_address_shares_the_limit(self, open_site: Open) -> None:
        async with open_site(limits={"echo": Rate(1, 3600.0)}) as site:
            async with site.browser() as first:
                await first.job("echo", text="a")
            async with site.browser() as second:
                waiting = await second.post("/jobs", json={"line": "/echo b"})
                assert (waiting.status, waiting.json["state"]) == (202, "queued")
                assert 0 < waiting.json["seconds_left"] <= 3600
                assert "reached the limit of /echo" in (await second.state(waiting.json["id"]))["text"]
                assert (await second.delete(f"/jobs/{waiting.json['id']}")).json["state"] == "cancelled"
            async with site.visitor() as program:
                assert (await program.post("/jobs", json={"line": "/echo b"})).status == 429

    async def test_the_eleventh_picture_in_a_minute_is_refused_on_every_address_of_a_command(
        self, open_site: Open, store: Store
    ) -> None:
        async with open_site(limits={"imagine": Rate(10, 60.0)}) as site, site.browser() as visitor:
            who = (await visitor.job("whoami"))["result"]["facts"]["user"]
            for _ in range(10):
                await store.admit(fake_echo(who).model_copy(update={"command": "imagine"}), limits_of(who))
            answer = await visitor.post("/generate-image", json={"prompt": "a cat"})
            assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (429, "10")

    async def test_an_engine_that_cannot_start_is_503(self, store: Store, tmp_path: Path) -> None:
        nowhere = HostSettings(devices=("cuda:7",), worker=WorkerSettings(folder=tmp_path))
        async with Engine.open(nowhere) as engine, serving(engine, tmp_path, store) as site, site.visitor() as program:
            answer = await program.post("/generate-image", json={"prompt": "a cat"})
        assert (answer.status, answer.json["error"]["kind"]) == (503, "EngineDied")

    async def test_refusals_are_in_the_persons_language(self, site: Site) -> None:
        async with site.visitor(**{"Accept-Language": "fr, es-419;q=0.9, en;q=0.8"}) as program:
            answer = await program.post("/generate-image", json={"prompt": ""})
            assert answer.json["error"]["message"].startswith("prompt está vacío")
            assert (await program.job("whoami"))["text"] == "es"
            assert (await program.get("/nothing")).json["error"]["message"] == "No hay nada en /nothing."


class TestWhoAsks:
    async def test_a_browser_is_known_by_its_session_and_a_program_by_its_address(
        self, browser: Visitor, program: Visitor
    ) -> None:
        facts = (await browser.job("whoami"))["result"]["facts"]
        assert facts["user"].removeprefix("web:").isalnum()
        assert len(facts["user"]) == len("web:") + 32
        assert facts["also"] == ["web-address:127.0.0.1"]
        assert (await browser.job("whoami"))["result"]["facts"] == facts
        assert (await program.job("whoami"))["result"]["facts"]["user"] == "web:127.0.0.1"

    async def test_the_session_cookie_is_for_this_site_and_not_for_scripts(self, program: Visitor) -> None:
        cookie = (await program.get("/api/page")).headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Set-Cookie" not in (await program.get("/api/page")).headers

    async def test_a_sessions_id_does_not_let_anyone_in(self, site: Site, browser: Visitor) -> None:
        name = (await browser.job("whoami"))["result"]["facts"]["user"].removeprefix("web:")
        assert name not in (await browser.get("/api/page", headers={"Cookie": ""})).headers.get("Set-Cookie", "")
        async with site.visitor(Cookie=f"atelier_session={name}") as thief:
            assert (await thief.job("whoami"))["result"]["facts"]["user"] == "web:127.0.0.1"
            assert "Set-Cookie" in (await thief.get("/api/page")).headers

    async def test_a_sessions_id_is_the_same_after_a_restart_and_another_for_another_secret(self, site: Site) -> None:
        secrets = ["a" * 43, "a" * 42 + "b"]
        names = []
        for secret in [*secrets, secrets[0]]:
            async with site.visitor(Cookie=f"atelier_session={secret}") as visitor:
                names.append((await visitor.job("whoami"))["result"]["facts"]["user"])
        assert names[0] == names[2] != names[1]

    async def test_an_invented_session_is_ignored(self, site: Site) -> None:
        async with site.visitor(Cookie="atelier_session=10.0.0.1") as program:
            assert (await program.job("whoami"))["result"]["facts"]["user"] == "web:127.0.0.1"

    @pytest.mark.parametrize(
        ("header", "language"),
        [
            ("", "en"),
            ("es", "es"),
            ("es-MX,es;q=0.9", "es"),
            ("en;q=0.5, es;q=0.9", "es"),
            ("de, fr", "en"),
            ("*", "en"),
            ("es;q=x", "es"),
        ],
    )
    async def test_accept_language_is_read_by_its_weights(self, header: str, language: str) -> None:
        assert preferred_language(header) == language

    async def test_an_ipv6_household_is_one_address(self) -> None:
        assert network_of("203.0.113.9") == network_of("::ffff:203.0.113.9") == "203.0.113.9"
        assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1%eth0") == "2001:db8::/64"
        assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")


class TestGuards:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Host": "evil.example"},
            {"Host": "127.0.0.1.evil.example:80"},
            {"Host": "[::1"},
        ],
    )
    async def test_another_sites_page_is_refused(self, program: Visitor, store: Store, headers: dict[str, str]) -> None:
        for answer in (
            await program.post("/jobs", data='{"command": "echo"}', headers={"Content-Type": "text/plain", **headers}),
            await program.get("/api/system/info", headers=headers),
        ):
            assert (answer.status, answer.json["error"]["kind"]) == (403, "NotAllowed")
        assert not await store.unfinished_jobs()

    async def test_a_link_from_elsewhere_opens_the_page(self, program: Visitor) -> None:
        assert (await program.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status == 200

    async def test_the_own_page_and_other_loopback_names_are_allowed(self, site: Site, program: Visitor) -> None:
        own = {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}
        assert (await program.post("/jobs", json={"line": "/help"}, headers=own)).status == 200
        for host in ("localhost:8080", "127.0.0.2", "[::1]:8080"):
            assert (await program.get("/healthz", headers={"Host": host})).status == 200

    @pytest.mark.parametrize("path", ["/", "/page/app.js", "/healthz", "/nothing", "/jobs/0/events"])
    async def test_every_answer_carries_the_headers(self, program: Visitor, path: str) -> None:
        headers = (await program.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"]


class TestToken:
    @pytest_asyncio.fixture(loop_scope="module")
    async def locked(self, open_site: Open) -> AsyncIterator[Site]:
        async with open_site(web={"token": "open-sesame"}) as site:
            yield site

    async def test_only_the_page_opens_without_a_token(self, locked: Site) -> None:
        async with locked.visitor() as stranger:
            for path in ("/api/page", "/api/system/info", "/jobs/0", "/events", f"/media/{'0' * 64}.png"):
                answer = await stranger.get(path)
                assert (answer.status, answer.json["error"]["kind"]) == (401, "Unauthorized"), path
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert (await stranger.post("/jobs", json={"line": "/help"})).status == 401
            assert [(await stranger.get(path)).status for path in ("/", "/page/app.js", "/healthz")] == [200] * 3

    async def test_a_program_sends_it_as_a_bearer(self, locked: Site) -> None:
        async with locked.visitor(Authorization="Bearer open-sesame") as program:
            assert (await program.job("whoami"))["result"]["facts"]["admin"]
        async with locked.visitor(Authorization="Bearer open-sesam") as program:
            assert (await program.get("/api/page")).status == 401

    async def test_a_browser_sends_the_token_once(self, locked: Site, open_site: Open) -> None:
        async with locked.visitor() as browser:
            assert (await browser.post("/api/login", json={"token": "open-sesame\ud800"})).status == 400
            let_in = await browser.post("/api/login", json={"token": "open-sesame"})
            assert let_in.status == 204
            cookie = let_in.headers["Set-Cookie"]
            assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
            assert "open-sesame" not in cookie
            assert (await browser.get("/api/page")).status == 200
        async with open_site(web={"token": "another"}) as site, site.visitor(Cookie=cookie.split(";")[0]) as browser:
            assert (await browser.get("/api/page")).status == 401

    async def test_guesses_are_limited_and_signed_in_browsers_are_not(self, locked: Site) -> None:
        async with locked.visitor() as inside, locked.visitor() as guesser:
            await inside.post("/api/login", json={"token": "open-sesame"})
            statuses = [(await guesser.post("/api/login", json={"token": str(number)})).status for number in range(11)]
            assert statuses == [401] * 10 + [429]
            right = await guesser.get("/api/page", headers={"Authorization": "Bearer open-sesame"})
            assert right.status == 429
            assert 0 < int(right.headers["Retry-After"]) <= 60
            assert (await inside.get("/api/page")).status == 200

    async def test_with_a_token_any_host_name_is_allowed(self, locked: Site) -> None:
        async with locked.visitor(Authorization="Bearer open-sesame", Host="studio.example") as program:
            assert (await program.get("/api/page")).status == 200
            assert (await program.get("/api/page", headers={"Origin": "https://studio.example"})).status == 200


class TestReports:
    async def test_figures_are_those_of_the_commands(self, program: Visitor) -> None:
        await program.ended((await program.job("echo", text="hi"))["id"])
        await program.job("echo", text="hi")
        cache = (await program.get("/api/cache/stats")).json
        assert (cache["status"], cache["entries"], cache["hits"], cache["misses"]) == ("success", 1, 1, 1)
        system = (await program.get("/api/system/info")).json
        assert system["devices"][0]["device"] == "cpu"
        services = (await program.get("/api/services/status")).json
        assert services["services"]["imagine"]["tier"] == "embedded"
        assert (await program.get("/api/rate-limit/stats")).json["status"] == "success"
        assert (await program.get("/healthz")).json == {"status": "ok"}

    async def test_the_cache_is_cleared_by_age_or_completely(self, program: Visitor) -> None:
        await program.ended((await program.job("echo", text="hi"))["id"])
        assert (await program.post("/api/cache/clear", json={"max_age_days": 7})).json["entries"] == 0
        assert (await program.post("/api/cache/clear", json={})).json["entries"] == 1
        assert (await program.post("/api/cache/clear", json={"max_age_days": -1})).status == 400
        assert (await program.post("/api/cache/clear", json={"older": 1})).status == 400

    async def test_the_page_reads_the_declarations(self, program: Visitor) -> None:
        told = (await program.get("/api/page", headers={"Accept-Language": "es"})).json
        assert (told["language"], told["file_bytes"]) == ("es", FILE_BYTES)
        assert [command["name"] for command in told["commands"] if command["default"]] == ["imagine"]
        imagine = next(command for command in told["commands"] if command["name"] == "imagine")
        shape = next(option for option in imagine["options"] if option["name"] == "shape")
        assert shape["choices"][:4] == ["square", "wide", "tall", "5:4"]
        assert shape["description"].startswith("Forma; por defecto cuadrada")


class TestDescription:
    @pytest_asyncio.fixture(loop_scope="module")
    async def told(self, program: Visitor) -> State:
        description: State = (await program.get("/openapi.json")).json
        return description

    async def test_it_is_openapi_3_1(self, told: State) -> None:
        OpenAPIV31SpecValidator(told).validate()

    async def test_every_address_that_a_command_declares_is_served_and_described(self, site: Site, told: State) -> None:
        served = {
            (route.method.lower(), route.resource.canonical)
            for route in site.server.application.router.routes()
            if route.resource is not None
        }
        declared = {("post", command.route.path) for command in COMMANDS if command.route}
        declared |= {("get", report.path) for command in COMMANDS for report in command.reports}
        assert len(declared) >= 11
        assert declared <= served
        assert [(method, path) for method, path in declared if method not in told["paths"].get(path, {})] == []

    async def test_a_command_that_may_ask_first_is_described_with_428(self, told: State) -> None:
        posts = {path: methods["post"] for path, methods in told["paths"].items() if "post" in methods}
        asking = {path for path, operation in posts.items() if "428" in operation["responses"]}
        assert asking == {"/generate-image", "/face-swap"}

    async def test_it_describes_every_route(self, site: Site, told: State) -> None:
        served = {
            (route.method.lower(), route.resource.canonical.replace("{sha256}{suffix}", "{file}"))
            for route in site.server.application.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        described = {
            (method, path) for path, methods in told["paths"].items() for method in methods.keys() - {"parameters"}
        }
        assert served - described == {("get", "/"), ("get", "/page/{name}"), ("*", "/{path}")}
        assert described <= served

    async def test_it_declares_the_options_of_every_command(self, told: State) -> None:
        for command in COMMANDS:
            declared = told["components"]["schemas"][f"{command.name.capitalize()}Options"]
            assert list(declared["properties"]) == [option.name for option in command.params.options()]

    async def test_it_holds_the_bounds_of_the_options(self, told: State) -> None:
        check = checker(told, "ImagineOptions")
        good = {"prompt": "a", "count": 4, "image": data_uri(b"x"), "seed": None, "shape": "wide"}
        assert check.is_valid(good)
        wrong = (
            {"prompt": ""},
            {"count": 5},
            {"shape": "round"},
            {"image": "cat.png"},
            {"colour": "red"},
            {"seed": 0.5},
        )
        assert not [each for each in wrong if check.is_valid(good | each)]

    async def test_answers_match_the_description(self, program: Visitor, told: State) -> None:
        job = await program.job("echo", text="hi", seconds=0.1)
        states = [job, *[state async for state in program.events(f"/jobs/{job['id']}/events")]]
        states += [await program.job("three"), await program.ended((await program.job("echo", fault="error"))["id"])]
        for state in states:
            checker(told, "State").validate(state)

    @pytest.mark.parametrize("path", ["/api/page", "/healthz", "/api/cache/stats", "/api/rate-limit/stats",
                                      "/api/services/status", "/api/system/info", "/openapi.json"])  # fmt: skip
    async def test_every_report_is_answered_as_described(self, program: Visitor, told: State, path: str) -> None:
        check_described(told, "GET", path, await program.get(path))

    async def test_every_post_is_answered_as_described(self, program: Visitor, told: State) -> None:
        drawn = await program.post("/generate-image", json={"prompt": "a cat", "steps": 1})
        check_described(told, "POST", "/generate-image", drawn)
        check_described(told, "POST", "/jobs", await program.post("/jobs", json={"line": "/help"}))
        started = await program.post("/magic-prompt", json={"idea": "a castle"})
        check_described(told, "POST", "/magic-prompt", started)
        for method, path in (("GET", "/jobs/{id}"), ("DELETE", "/jobs/{id}")):
            answer = await program._ask(method, path.format(id=started.json["id"]))
            check_described(told, method, path, answer)
        check_described(told, "POST", "/api/cache/clear", await program.post("/api/cache/clear", json={}))
        check_described(told, "POST", "/api/login", await program.post("/api/login", json={"token": "any"}))

    async def test_every_error_is_answered_as_described(self, open_site: Open, told: State) -> None:
        async with open_site(limits={"echo": Rate(1, 60)}) as site, site.visitor() as program:
            await program.job("echo", text="one")
            limited = await program.post("/jobs", json={"command": "echo", "options": {"text": "two"}})
            assert (limited.status, limited.json["error"]["wait"] > 0) == (429, True)
            check_described(told, "POST", "/jobs", limited)
            check_described(told, "POST", "/jobs", await program.post("/jobs", json={"command": "nothing"}))
            check_described(told, "GET", "/jobs/{id}", await program.get("/jobs/3f9a"))
            elsewhere = await program.get("/api/page", headers={"Origin": "https://evil.example"})
            check_described(told, "GET", "/api/page", elsewhere)
        async with open_site(web={"token": "open-sesame"}) as site, site.visitor() as program:
            check_described(told, "GET", "/events", await program.get("/events"))

    async def test_the_names_of_fields_stay(self, told: State) -> None:
        names = {name: " ".join(schema.get("properties", ())) for name, schema in told["components"]["schemas"].items()}
        assert names["State"] == (
            "id state place stage fraction seconds_left preview cached text alt buttons then result error"
        )
        assert names["Media"] == "url name mime sha256 bytes width height seconds"
        assert names["Button"] == "label command argument edit about withdraws replaces"
        assert (names["Result"], names["Error"], names["Fault"]) == (
            "text facts media", "status error", "kind message wait"
        )  # fmt: skip
        assert names["PageOption"] == (
            "name kind description required default choices minimum maximum rest positional accepts about"
        )


def checker(told: State, name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": told["components"]})


def check_described(told: State, method: str, path: str, answer: Answer) -> None:
    """Check the answer's status, content type and body against the document's description of the address."""
    described = told["paths"][path][method.lower()]["responses"]
    assert str(answer.status) in described, (method, path, answer.status, answer.body)
    content = described[str(answer.status)].get("content", {})
    if not content:
        assert answer.body == b"", (method, path, answer.body)
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    schema = {**content[kind]["schema"], "components": told["components"]}
    Draft202012Validator(schema).validate(answer.json)


class TestServer:
    async def test_a_port_in_use_turns_the_adapter_off_and_says_so(self, open_site: Open, site: Site) -> None:
        port = int(site.url.rpartition(":")[2])
        async with open_site(web={"port": port}) as other:
            await web.run(other.service)
            assert str(port) in str(other.service.studio.adapters["web"])

    async def test_it_serves_until_cancelled(self, open_site: Open) -> None:
        async with open_site(web={"port": 0}) as site:
            running = asyncio.create_task(web.run(site.service))
            await asyncio.sleep(0)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            assert "web" not in site.service.studio.adapters

    async def test_stopping_ends_streams_at_once_and_leaves_the_jobs_to_the_next_start(
        self, open_site: Open, store: Store
    ) -> None:
        async with AsyncExitStack() as clients:
            async with open_site() as site:
                program = await clients.enter_async_context(site.visitor())
                job = (await program.job("echo", seconds=600))["id"]
                streams = [asyncio.create_task(_whole(program, path)) for path in (f"/jobs/{job}/events", "/events")]
                await until(lambda: len(program.session.connector._acquired) == 2)  # type: ignore[union-attr]
            of_one, of_all = await asyncio.gather(*streams)
        assert of_one[-1]["state"] == of_all[-1]["state"] == "queued"
        row = await store.job(job)
        assert row is not None
        assert (row.state, row.attempt) == ("queued", 0)

    async def test_a_job_outside_the_queue_has_no_place(self, open_site: Open) -> None:
        async with open_site() as site, site.visitor() as program:
            job = (await program.job("echo", seconds=600))["id"]
            await site.service.close()
            await until(lambda: site.service.coalescer.queue_position(job) is None)
            state = await program.state(job)
        assert (state["state"], state["place"]) == ("queued", None)
        assert state["text"] == "⏸️ The studio is restarting. This job will continue when it is back."


async def _whole(visitor: Visitor, path: str) -> list[State]:
    return [state async for state in visitor.events(path)]


async def test_a_link_opens_from_anywhere_without_a_token_and_a_wrong_one_does_not(open_site: Open) -> None:
    async with open_site(web={"public_url": "https://studio.example", "token": "secret"}) as site:
        folder = site.service.studio.settings.bot.data_dir / "media"
        made = media.keep(png(40, 30), folder)
        url = await create_link(made, site.service.studio)
        assert url is not None
        path = url.removeprefix("https://studio.example")
        foreign = {"Host": "studio.example", "Sec-Fetch-Site": "cross-site"}
        async with site.visitor() as stranger:
            answer = await stranger.get(path, headers=foreign)
            assert (answer.status, answer.body) == (200, made.path.read_bytes())
            assert (await stranger.get(path[:-1] + "x", headers=foreign)).status == 404
            assert (await stranger.get("/jobs/x", headers=foreign)).status == 403


async def test_a_job_goes_on_after_a_restart_for_the_session_that_asked(open_site: Open) -> None:
    async with open_site() as site, site.browser() as browser:
        job = (await browser.job("echo", text="goes on", seconds=1.0))["id"]
        cookies = browser.session.cookie_jar
    async with open_site() as site, site.visitor() as stranger, site.visitor() as browser:
        for cookie in cookies:
            browser.session.cookie_jar.update_cookies({cookie.key: cookie.value})
        assert (await browser.ended(job))["result"]["text"] == "goes on"
        assert (await stranger.get(f"/jobs/{job}")).status == 404
