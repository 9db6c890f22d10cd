"""Hostile scripts: each is read, or refused, in a time that is linear in its length."""

from contextlib import suppress

import pytest

from engine.core.errors import BadInput, TooLarge, UserError
from engine.tasks.film.scripts import MAX_BYTES, MAX_CHARACTERS, decode, read
from engine.tasks.film.scripts.reader import MAX_LINES
from tests.timing import thread_seconds

MAX_SECONDS = 3.0
"""Greatest processor time. The slowest takes 0.09 s; what is quadratic in 60,000 characters takes more than 5 s."""


def fill(unit: str, head: str = "", tail: str = "") -> str:
    """The longest script of `unit` again and again."""
    return head + unit * ((MAX_CHARACTERS - len(head) - len(tail)) // len(unit)) + tail


def lines(line: str) -> str:
    return "\n".join(line.format(number) for number in range(MAX_LINES))[:MAX_CHARACTERS]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        *(("txt", fill(unit)) for unit in ("|", " |", " >", " > a", "*", "- ", "scene 1 ", "a\r", "(", "x:")),
        ("txt", fill(" ", "a", "b")),
        ("txt", fill(" ", "scene 1", "\nx")),
        ("txt", lines("word{}: x")),
        ("txt", lines("a{}")),
        ("fountain", fill("[[", "EXT. A\n\n")),
        ("fountain", fill("[[a:b]]", "EXT. A\n\n")),
        ("fountain", fill("/*", "EXT. A\n\n")),
        ("fountain", fill(" ", "EXT. A #", "b")),
        ("fountain", fill("#", "EXT. A ")),
        ("fountain", fill("A", "\n\n", "a\nb")),
        ("fountain", fill("CUT ", "EXT. A\n\n> ", "x\n")),
        ("fountain", fill(" ", "EXT. A\n\n>", "CUTx\n")),
        ("fountain", lines("x , {}")),
        ("fountain", "Title: x\n" + lines(" a{}")),
        *(("toml", fill(unit, "a=")) for unit in ("[", "{", "9", '"""', '"""\\', "'''", '"\\', "1_")),
        ("toml", fill("f", "a=0x")),
        ("toml", fill("a.", "", "a=1")),
        ("toml", fill("a.", "[", "a]")),
        ("toml", fill('"a".', "", "a=1")),
        ("toml", fill("{a=1},", "a=[", "]")),
        ("toml", lines("a{}=1")),
        ("toml", lines("[[scene]] #{}")),
        ("toml", "[a.b.c.d.e]\n" + lines("f.g{}=1")),
    ],
)
def test_a_hostile_script_holds_nobody_up(suffix: str, text: str) -> None:
    def work() -> None:
        with suppress(UserError):
            read(text[:MAX_CHARACTERS], suffix)

    assert thread_seconds(work) < MAX_SECONDS


@pytest.mark.parametrize("suffix", ["txt", "fountain", "toml"])
def test_a_script_that_is_too_long_is_refused_before_it_is_parsed(suffix: str) -> None:
    with pytest.raises(TooLarge, match="The script has 60,001 characters; the limit is 60,000"):
        read("a" * (MAX_CHARACTERS + 1), suffix)
    with pytest.raises(TooLarge, match="The script has 5,001 lines; the limit is 5,000"):
        read("\r" * (MAX_LINES + 1), suffix)
    with pytest.raises(TooLarge, match="The script file is larger than 240 kB"):
        decode(b" " * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a=" + "[" * 1000, "Line 1: tables or keys are nested too deeply"),
        ("# [[[[[[[[[[[[\n\na.a.a.a.a.a.a.a.a.a.a = 1", "Line 3: tables or keys are nested too deeply"),
        ("a=" + "9" * 5000, "A number in the script is too long"),
        ("\na=2026-02-30", "Line 2: this isn't valid TOML: Invalid date or datetime"),
        ("title=0x" + "f" * 9000, "Line 1: the number for title is too large"),
        ("\ntitle=[1]", "Line 2: title must be text or a number"),
        ("[[scene]]\nprompt={a=1}", "Line 2: prompt must be text or a number"),
        ("scene=[1]", "Line 1: write scenes as [[scene]] tables"),
    ],
)
def test_a_fault_in_toml_is_named(text: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(text, "toml")
    assert why in str(refused.value)


def test_brackets_and_dots_in_the_texts_of_toml_are_words() -> None:
    dots, brackets = "And then... so... " * 9, "[[[[[[[[[[{{{{{{{{{{"
    text = f"[[scene]]\nprompt = '{dots}'\nnarration = '''{dots}\n{brackets}'''\nseed = 3 # {brackets}\n"
    (scene,) = read(text, "toml").scenes
    assert scene.prompt == dots.strip()
    assert scene.narration == f"{dots}{brackets}"
    assert scene.seed == 3


@pytest.mark.parametrize("line", ["seed: " + "9" * 5000, "seconds: " + "9" * 5000, "seconds: " + "9" * 5000 + ":00:00"])
def test_a_number_of_thousands_of_digits_is_refused_like_any_other(line: str) -> None:
    with pytest.raises(BadInput, match=r"Line 2: (seed|seconds) can't be “9999"):
        read(f"a cat\n{line[:990]}")
    with pytest.raises(BadInput, match=r"Line 2: (seed|seconds) can't be “9999"):
        read(f"a cat\n{line}")


@pytest.mark.parametrize(
    ("line", "transition"),
    [
        ("CUT TO:", "cut"),
        ("> FADE TO BLACK TO:", "crossfade"),
        ("SMASH CUT TO:.", "cut"),
        ("DISSOLVE", "crossfade"),
        (">WIPE TO", "wipe"),
        ("FADE IN:", None),
        ("CUT TO the bay:", None),
    ],
)
def test_a_transition_says_how_the_next_scene_begins(line: str, transition: str | None) -> None:
    script = read(f"EXT. A\n\n{line}\n\nEXT. B\n", "fountain")
    assert script.scenes[-1].transition == transition


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_in_utf_8_and_in_utf_16_with_its_mark(encoding: str) -> None:
    assert decode("título: La bahía\n".encode(encoding)) == "título: La bahía\n"


def test_a_file_in_another_encoding_is_named() -> None:
    for data in ("привет, мир".encode("cp1251"), b"\xff\xfea"):
        with pytest.raises(BadInput, match="file uses an unknown text encoding"):
            decode(data)


def test_what_a_screenplay_centres_is_seen() -> None:
    (scene,) = read("EXT. BAY\n\nA boat.\n> The end <\n", "fountain").scenes
    assert scene.prompt == "bay, A boat, The end"
