"""Files in JSON bodies: found, decoded and written in pieces, with every byte kept and every limit held."""

import base64
import json
import os
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from bot.adapters.web import data_uri
from bot.adapters.web.body_stream import CHUNK_BYTES
from bot.adapters.web.data_uri import MAX_TEXT_BYTES, MAX_TEXTS_BYTES, DataUri, extract_data_uris
from bot.adapters.web.form import Bounds
from bot.adapters.web.json_body import parse_json
from bot.adapters.web.request_body import save_data_uri
from engine.core.errors import BadInput, TooLarge

CONTENT = os.urandom(200_000)
URI = "data:image/png;base64," + base64.b64encode(CONTENT).decode()

QUOTES = some.text(some.sampled_from('da:t"\\/,é\n'), max_size=30)
VALUES = some.recursive(QUOTES, lambda inner: some.dictionaries(QUOTES, inner) | some.lists(inner), max_leaves=8)
BASE64 = some.text(some.sampled_from("AB+/=\n-é"), max_size=14)
VALID_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
BASE64 |= some.binary(max_size=9).map(lambda content: base64.b64encode(content).decode())


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def content_of(uri: DataUri, folder: Path) -> bytes:
    path = folder / "file"
    _, size = uri.save("image", path)
    content = path.read_bytes()
    assert size == len(content)
    return content


class TestFinding:
    @pytest.mark.parametrize("size", [1, 7, 4096, CHUNK_BYTES, 10**9])
    @pytest.mark.parametrize("escape", [None, ("/", "\\/"), ("+", "\\u002B")])
    def test_a_long_one_keeps_every_byte_however_the_body_arrives(
        self, size: int, escape: tuple[str, str] | None, tmp_path: Path
    ) -> None:
        body = json.dumps({"a": 'say "data:"', "options": {"image": URI, "text": '\\"data:é'}, "z": "data:,"})
        fields = parse_json(cut((body.replace(*escape) if escape else body).encode(), size), 1)
        assert content_of(fields["options"].pop("image"), tmp_path) == CONTENT
        assert fields == {"a": 'say "data:"', "options": {"text": '\\"data:é'}, "z": "data:,"}

    def test_no_piece_is_long_enough_to_hold_the_interpreter(self) -> None:
        body = json.dumps({"image": "data:;base64," + "A" * 3_000_000}).encode()
        uri = parse_json(cut(body, CHUNK_BYTES), 1)["image"]
        assert max(map(len, uri.pieces)) <= CHUNK_BYTES + 5

    def test_a_short_one_stays_a_text(self) -> None:
        text = "data:" + "A" * (MAX_TEXT_BYTES - 5)
        assert parse_json([json.dumps({"image": text}).encode()]) == {"image": text}

    @pytest.mark.parametrize("size", [1, 6, 100])
    @given(value=VALUES)
    @settings(max_examples=150, deadline=None)
    @example(value={'"data:': '\\"data:'})
    def test_any_valid_json_is_read_as_before(self, value: object, size: int) -> None:
        body = json.dumps({"a": value}).encode()
        assert parse_json(cut(body, size)) == {"a": value}

    @pytest.mark.parametrize("size", [1, 6, 100])
    @given(text=some.text(some.sampled_from('{}[]":data\\u0,'), max_size=60))
    @settings(max_examples=150, deadline=None)
    @example(text='{"a":"data:')
    @example(text='{"a":"data:\\')
    @example(text='{"a":"data:\\u12"}')
    @example(text='{"a":"\\\\"data:"}')
    def test_anything_else_is_refused_as_before(self, text: str, size: int) -> None:
        try:
            expected = json.loads(text)
        except ValueError:
            expected = None
        if not isinstance(expected, dict):
            with pytest.raises(BadInput):
                parse_json(cut(text.encode(), size))


class TestLimits:
    def test_the_text_beside_the_files_is_limited(self) -> None:
        with pytest.raises(TooLarge, match="400 kB of text"):
            extract_data_uris(cut(b'{"a": "' + b"x" * MAX_TEXTS_BYTES + b'"}', CHUNK_BYTES), 1)

    def test_more_files_than_a_command_takes_are_refused(self) -> None:
        body = json.dumps({"options": {"a": URI, "b": URI, "c": URI}}).encode()
        with pytest.raises(BadInput, match="too many files; the limit is 2"):
            extract_data_uris(cut(body, CHUNK_BYTES), 2)

    @pytest.mark.parametrize("fields", [{"a": [URI]}, {"a": {"a": URI}}, {"options": {"a": {"b": URI}}}])
    def test_one_inside_another_value_is_refused_by_name(self, fields: dict[str, object]) -> None:
        with pytest.raises(TooLarge, match=r"^[ab] is longer than 100 kB"):
            parse_json([json.dumps(fields).encode()], 1)

    def test_one_as_a_name_is_refused(self) -> None:
        with pytest.raises(TooLarge):
            parse_json([json.dumps({URI: 1}).encode()], 1)

    def test_a_head_is_limited(self, tmp_path: Path) -> None:
        uri = parse_json([f'{{"image": "data:{"x" * 3000};base64,{"A" * 100_000}"}}'.encode()], 1)["image"]
        with pytest.raises(BadInput, match="image must be a data URI"):
            uri.save("image", tmp_path / "file")


@given(text=BASE64, size=some.integers(1, 9))
@settings(max_examples=400, deadline=None)
@example(text="AA==", size=2)
@example(text="AA==AA==", size=4)
@example(text="AA=A", size=1)
@example(text="====", size=3)
@example(text="AAAA=", size=1)
@example(text="AAAA====", size=9)
@example(text="AAA=====", size=9)
def test_base64_in_pieces_is_what_it_is_as_a_whole(text: str, size: int) -> None:
    data = text.encode()
    if not VALID_BASE64.fullmatch(text):
        with pytest.raises(ValueError):  # noqa: PT011  # binascii's own, or one of ours
            list(data_uri._decode(cut(data, size)))
    else:
        assert b"".join(data_uri._decode(cut(data, size))) == base64.b64decode(data)


def test_the_file_is_deleted_with_its_request(tmp_path: Path) -> None:
    with ExitStack() as stack:
        file = save_data_uri("image", DataUri((URI.encode(),)), Bounds(tmp_path, 10**6), stack)
        assert file.path is not None
        assert (file.name, file.size, file.path.read_bytes()) == ("image", len(CONTENT), CONTENT)
    assert not file.path.exists()
