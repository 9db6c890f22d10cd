"""Parsers of user and owner input raise only errors that can be shown."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from bot.commands import COMMANDS
from bot.config.settings import known_keys, load
from bot.config.units import parse_duration, parse_rate
from bot.core.command_line import parse, split_command
from bot.i18n.translate import translate_message
from bot.presentation.buttons import command_of, parse_button, parse_target
from bot.prompting.templates import count, expand
from bot.prompting.wildcard_lists import WildcardLists
from bot.requests.lookup import unknown_command_error
from engine.core.errors import AtelierError
from engine.core.job import Failed, key_of
from engine.tasks.film import scripts
from engine.tasks.film.scripts.draft import draft
from engine.tasks.film.scripts.reader import FORMATS
from engine.tasks.imagine.prompt_weights import fragments, has_explicit_weights
from storage.store import Store

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SURROGATES = ("\ud800", "a\udfff", "job:\ud800")
DIGITS = ("0", "1", "9", "9" * 30, "9" * 5000, "-1", "1.5", "1e999", "nan", "0x" + "f" * 5000, "٣", "²")


def texts_of(*pieces: str, max_pieces: int = 40) -> st.SearchStrategy[str]:
    """Return a strategy for texts of these pieces, numbers, and any characters but lone surrogates."""
    piece = st.sampled_from(pieces) | st.sampled_from(DIGITS) | st.text(max_size=3)
    return st.lists(piece, max_size=max_pieces).map("".join)


def allow_our_errors(read: Callable[[], Any]) -> Any:
    """Return `read()`, or None if it raises an error of ours, which must be translatable and serialisable."""
    try:
        return read()
    except AtelierError as raised:
        error = raised
    assert translate_message(error.sentence, "es")
    assert json.dumps(str(error), ensure_ascii=False).encode()
    assert Failed.of(error).model_dump_json().encode()
    return None


PROMPTS = texts_of(
    "{", "}", "|", "$$", "-", "::", "__", "\\", "__colour__", "__a__", "{2$$", "{1-", "(", ")", "[", "]", ":"
)


@FUZZ
@given(PROMPTS, st.integers() | st.none())
def test_prompts_with_variants(prompt: str, seed: int | None) -> None:
    number = allow_our_errors(lambda: count(prompt))
    prompts = allow_our_errors(lambda: expand(prompt, seed, WildcardLists(Path("nowhere"))))
    assert prompts is None or len(prompts) == number


@FUZZ
@given(
    data=st.binary(max_size=60) | PROMPTS.map(lambda text: text.replace("__", "__a__").encode()), seed=st.integers(0, 3)
)
def test_lists_of_wildcards(data: bytes, seed: int, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    allow_our_errors(lambda: expand("__a__", seed, WildcardLists(tmp_path)))


@FUZZ
@given(PROMPTS)
def test_weights_in_prompts(prompt: str) -> None:
    allow_our_errors(lambda: fragments(prompt))
    allow_our_errors(lambda: has_explicit_weights(prompt))


SCRIPTS = {
    "txt": texts_of(
        "\n", "\n\n", "> ", "# ", "## ", "| ", "scene 1", "seconds: ", "seed: ", "title: ", "---", "- ", "a:", "\r"
    ),
    "toml": texts_of(
        "\n",
        "[[scene]]\n",
        "[a]\n",
        "prompt = ",
        "seed = ",
        "scene = ",
        "'",
        '"',
        "'''",
        '"""',
        "[",
        "]",
        "{",
        "}",
        "=",
        ".",
        "\\",
        "#",
        "2026-01-01",
        "12:00:00",
        "true",
        "a = ",
    ),
    "fountain": texts_of(
        "\n",
        "\n\n",
        "EXT. A\n\n",
        "INT. B #1#\n\n",
        "CUT TO:",
        "> ",
        "[[",
        "]]",
        "/*",
        "*/",
        "seconds: ",
        "Title: ",
        "@A\n",
        "(",
        ")",
        "BOB\n",
        "#",
        "=",
        ".",
    ),
}


@pytest.mark.parametrize("suffix", FORMATS)
@FUZZ
@given(st.data())
def test_scripts(suffix: str, data: st.DataObject) -> None:
    text = data.draw(SCRIPTS.get(suffix, SCRIPTS["txt"]))
    script = allow_our_errors(lambda: scripts.read(text, suffix))
    if script is not None:
        allow_our_errors(lambda: scripts.read(script.text()))


@FUZZ
@given(st.binary(max_size=40), st.text(max_size=40))
def test_files_of_scripts_and_ideas(data: bytes, idea: str) -> None:
    allow_our_errors(lambda: scripts.decode(data))
    for mark in ("utf-8-sig", "utf-16"):
        allow_our_errors(lambda mark=mark: scripts.decode(idea.encode(mark)))  # type: ignore[misc]  # bound at once
    allow_our_errors(lambda: draft(idea, "es", 3).text())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*DIGITS, *SURROGATES]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SHORT = texts_of(
    "--", "—", "=", " ", '"', "“", "”", "--seed ", "--shape Wide", "--image x", "film:0.8", ",", "a", "/", max_pieces=10
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
@settings(FUZZ, max_examples=40)
@given(st.data())
def test_options_of_every_command(command: Any, data: st.DataObject) -> None:
    names = [option.name for option in command.params.options()]
    name = st.sampled_from([*names, *SURROGATES, "", "other"]) if names else st.sampled_from(SURROGATES)
    raw = data.draw(st.dictionaries(name, VALUES | SHORT, max_size=5))
    params = allow_our_errors(lambda: command.params.parse(raw))
    if params is not None:
        dumped = params.with_seed().model_dump(mode="json")
        json.dumps(dumped, ensure_ascii=False).encode()
        assert key_of(command.name, 1, "model", dumped)
        for option in ("weights", "ratios", "motion", "lora", "model"):
            allow_our_errors(lambda option=option: params.chosen_names(option) if option in names else ())  # type: ignore[misc]


@FUZZ
@given(SHORT | st.text(max_size=30), st.sampled_from(COMMANDS))
def test_command_lines(line: str, command: Any) -> None:
    name, _, words = split_command(f"/{command.name} {line}") or ("", "", line)
    raw = allow_our_errors(lambda: parse(command.params, words))
    if raw is not None:
        allow_our_errors(lambda: command.params.parse(raw))
    split_command(line)
    str(unknown_command_error(line, list(COMMANDS)))
    str(unknown_command_error(name, list(COMMANDS)))


IDS = st.sampled_from([f"{command.name}:" for command in COMMANDS]) | st.sampled_from([":", "", *SURROGATES])


@FUZZ
@given(
    IDS,
    st.text(max_size=20) | st.sampled_from([*SURROGATES, "a.1", "a.٣", "a.²", "a." + "9" * 5000, "a.-1", ".", "a.b.c"]),
)
def test_ids_of_buttons(command: str, argument: str) -> None:
    press = parse_button(command + argument, COMMANDS, "\ud800")
    found = command_of(command + argument, COMMANDS)
    assert parse_target(argument)[1] >= 0
    if found is not None:
        allow_our_errors(lambda: found.params.parse(press.raw_options))


@pytest.mark.parametrize("name", [*SURROGATES, "\0", "", "a" * 100_000, "'; DROP TABLE jobs"])
async def test_names_of_jobs(name: str) -> None:
    async with Store.open(":memory:") as store:
        assert await store.job(name) is None


KEYS = [f"{section}.{key}" for section, keys in known_keys(COMMANDS).items() for key in keys]
SETTINGS = texts_of(
    *KEYS,
    "\n",
    " = ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    '"""',
    ",",
    ".",
    "true",
    '"5GB"',
    '"10m"',
    '"10/60s"',
    '"cuda:1"',
    "[web]\n",
    "[roles]\n",
    "[styles]\n",
    "{people = ['discord:1'], weight = ",
    "'{prompt}'",
    "2026-01-01",
    "#",
    "\\",
    "inf",
    "-",
    "_",
)
LINES = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(
            [
                "0x" + "f" * 5000,
                "9" * 5000,
                "inf",
                "-nan",
                "'\\u0000'",
                '"\\u0000"',
                "2026-01-01",
                "[[[]]]",
                "{}",
                "true",
                "''",
                '"' + "9" * 5000 + 's"',
                '"9999999999999999999999999TB"',
                '"' + "9" * 400 + '/1s"',
                "1",
                "-1",
                "[1]",
                "{a = 1}",
            ]
        )
        | SHORT.map(json.dumps),
    ).map(" = ".join),
    max_size=4,
).map("\n".join)


@settings(FUZZ, max_examples=400)
@given(text=SETTINGS | LINES)
def test_settings(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(os.fsencode(text))
    allow_our_errors(lambda: load(path, {"ATELIER_WEB_TOKEN": "x"}, COMMANDS))


@pytest.mark.parametrize(
    "text",
    [
        "a=" + "[" * 100_000,
        "a=" + "{a=" * 50_000,
        "a=" + "9" * 5000,
        "web.port=" + "9" * 5000,
        "web.port=0x" + "f" * 5000,
        ".".join("a" * 20_000) + " = 1",
        "web" + ".a" * 2000 + " = 1",
        "\0",
    ],
)
def test_settings_that_are_deep_or_long(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(AtelierError):
        load(path, {}, COMMANDS)


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "1e999"])
def test_numbers_of_hundreds_of_digits_in_units(number: str, tmp_path: Path) -> None:
    for line in (
        "limits.imagine = '{}/1s'",
        "engine.timeout = '{}h'",
        "cache.max_bytes = '{}TB'",
        "cache.max_bytes = {}",
    ):
        (tmp_path / "config.toml").write_text(line.format(number))
        with pytest.raises(AtelierError):
            load(tmp_path / "config.toml", {}, COMMANDS)


@FUZZ
@given(texts_of("s", "m", "h", "/", " ", "off", "."))
def test_units(text: str) -> None:
    for read in (parse_duration, parse_rate):
        try:
            read(text)
        except PydanticCustomError:
            continue
