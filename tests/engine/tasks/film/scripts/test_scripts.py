"""Scripts in every format, and their faults by line."""

import pytest

from engine.core.errors import BadInput, TooLarge, UserError
from engine.tasks.film.scripts import read
from engine.tasks.film.scripts.draft import draft
from engine.tasks.film.scripts.script import Script, ScriptScene

PLAIN = """# The bay
style: watercolour
transition: wipe

A lighthouse at dusk,
seen from the sea
> Night falls.
> The lamp is lit.
seconds: 5
motion: zoom

Paris: a city in rain
narration: It rains.
transition: cut
seed: 7
"""
TOML = """title = "The bay"
style = "watercolour"
transition = "wipe"

[[scene]]
prompt = "A lighthouse at dusk, seen from the sea"
narration = "Night falls. The lamp is lit."
seconds = 5
motion = "zoom"

[[scene]]
prompt = "Paris: a city in rain"
narration = '''It
rains.'''
transition = "cut"
seed = 7
"""
FOUNTAIN = """Title: The bay
Author: Ana
Draft date: 1 May

EXT. BAY - NIGHT

A lighthouse over the sea.

KEEPER (V.O.)
(quietly)
Night falls.

/* not
this */

DISSOLVE TO:

INT. TOWER - LATER #2#

[[seconds: 6]]
The lamp burns.

@McAnn
It is lit.
"""


def faults(text: str, suffix: str = "txt") -> str:
    with pytest.raises(UserError) as refused:
        read(text, suffix)
    return str(refused.value)


@pytest.mark.parametrize(("text", "suffix"), [(PLAIN, "md"), (PLAIN.replace("\n", "\r\n"), "txt"), (TOML, "toml")])
def test_text_and_toml_say_the_same(text: str, suffix: str) -> None:
    script = read(text, suffix)
    assert (script.title, script.style, script.transition) == ("The bay", "watercolour", "wipe")
    first, second = script.scenes
    assert first.prompt == "A lighthouse at dusk, seen from the sea"
    assert first.narration == "Night falls. The lamp is lit."
    assert (first.seconds, first.motion, first.transition, first.line) == (5.0, "zoom", None, 5)
    assert (second.prompt, second.narration) == ("Paris: a city in rain", "It rains.")
    assert (second.transition, second.seed) == ("cut", 7)


def test_a_screenplay_is_read_with_its_dialogue_notes_and_transitions() -> None:
    script = read(FOUNTAIN, "fountain")
    assert (script.title, script.credits) == ("The bay", "Ana")
    first, second = script.scenes
    assert first.prompt == "bay - night, A lighthouse over the sea"
    assert first.narration == "Night falls."
    assert (second.prompt, second.narration) == ("tower - later, The lamp burns", "It is lit.")
    assert (second.transition, second.seconds) == ("crossfade", 6.0)


def test_a_line_of_a_chat_is_a_script() -> None:
    script = read("a red cat > Meow. | a blue dog | a bird > Tweet. > Again.")
    assert [(scene.prompt, scene.narration) for scene in script.scenes] == [
        ("a red cat", "Meow."),
        ("a blue dog", ""),
        ("a bird", "Tweet. Again."),
    ]


def test_headings_and_rules_begin_scenes() -> None:
    script = read("# Film\n\n## Scene 1: A cat\n> Meow.\n\n---\n\n## Scene 2\nA dog\n\nEscena 3: Un pájaro\n> Pío.\n")
    assert [scene.prompt for scene in script.scenes] == ["A cat", "A dog", "Un pájaro"]


def test_markdown_may_leave_lines_empty_within_a_scene() -> None:
    script = read("# Tea\n\n## Scene 1\n\nA cup.\n\n> Tea.\n\n## A cake\n\non a table\n\n- seconds: 2\n", "md")
    assert script.title == "Tea"
    seen = [(scene.prompt, scene.narration, scene.seconds) for scene in script.scenes]
    assert seen == [("A cup.", "Tea.", None), ("A cake on a table", "", 2)]


def test_a_paragraph_of_what_is_said_belongs_to_the_scene_before() -> None:
    script = read("a cat\n\n> Meow.\n\nseconds: 3\n\na dog")
    assert [(scene.prompt, scene.narration, scene.seconds) for scene in script.scenes] == [
        ("a cat", "Meow.", 3),
        ("a dog", "", None),
    ]


def test_a_script_written_down_is_read_as_the_same() -> None:
    for script in (read(PLAIN), read(FOUNTAIN, "fountain"), draft("a red fox in the snow", "en", 3)):
        again = read(script.text())
        assert again.text() == script.text()
        assert [scene.prompt for scene in again.scenes] == [scene.prompt for scene in script.scenes]
        assert again.title == script.title


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("seconds: soon", "Line 6: seconds can't be “soon”. Use a number from 1 to 60."),
        ("seconds: 10 h", "Line 6: seconds can't be “10 h”. Use a number from 1 to 60."),
        ("seconds: 36000", "Line 6: seconds can't be “36000”. Use a number from 1 to 60."),
        ("motion: spin", "Line 6: motion can't be “spin”. Use one of auto, still, pan"),
        ("transition: fade", "Line 6: transition can't be “fade”. Use one of cut, crossfade, wipe."),
        ("seed: -1", "Line 6: seed can't be “-1”. Use a whole number"),
        ("secnds: 5", "Line 6: there is no option “secnds”. Did you mean seconds?"),
        ("motion: pan\nmotion: pan", "Line 7: motion appears twice."),
        ("title: Late", "Line 6: there is no option “title”."),
    ],
)
def test_a_broken_line_is_named_by_its_number(line: str, why: str) -> None:
    assert faults(f"title: A\n\na cat\n\na dog\n{line}\n").startswith(why)


def test_faults_of_toml_are_named_by_their_lines() -> None:
    assert faults('[[scene]]\nprompt = "a"\nseconds = = 5', "toml").startswith("Line 3: this isn't valid TOML")
    second = '[[scene]]\nprompt = "a"\n\n[[scene]]\nprompt = "b"\nseconds = 99'
    assert faults(second, "toml").startswith("Line 6: seconds can't be “99”")
    assert faults('colour = "red"\n[[scene]]\nprompt = "a"', "toml").startswith("Line 1: there is no option “colour”")
    assert faults('[[scene]]\nnarration = "a"', "toml").startswith("Line 1: this scene has narration but no picture")


def test_faults_of_a_screenplay_are_named_by_their_lines() -> None:
    assert faults("KEEPER\nHello.", "fountain").startswith("Line 2: someone speaks before the first scene")
    assert faults("EXT. BAY\n\nSea.\n[[motion: spin]]", "fountain").startswith("Line 4: motion can't be “spin”")


def test_an_unknown_language_is_named_by_its_line() -> None:
    assert faults("title: A\nlanguage: xx\n\na cat").startswith("Line 2: no voice speaks the language “xx”")


@pytest.mark.parametrize("language", ["pt-br", "en_GB", "eo", "en-au"])
def test_a_language_may_be_a_dialect_or_one_that_only_voices_know(language: str) -> None:
    assert read(f"title: A\nlanguage: {language}\n\na cat").language == language


def test_words_without_a_picture_are_refused() -> None:
    assert faults("> Meow.\n\na cat").startswith("Line 1: this scene has narration but no picture")
    assert faults("a cat\n---\n> Meow.").startswith("Line 3: this scene has narration but no picture")
    assert faults("a cat | > Meow.").startswith("Line 1: this scene has narration but no picture")


@pytest.mark.parametrize("text", ["", "  \n\n", "title: Empty", "---"])
def test_a_script_without_scenes_is_refused(text: str) -> None:
    assert faults(text).startswith("The script has no scenes")


def test_60_scenes_are_a_film_and_61_are_refused() -> None:
    assert len(read("\n\n".join(["a cat"] * 60)).scenes) == 60
    with pytest.raises(TooLarge, match=r"The script has 61 scenes; the limit is 60\. Scene 61 starts in line 121"):
        read("\n\n".join(["a cat"] * 61))


def test_a_film_of_more_than_15_minutes_is_refused() -> None:
    with pytest.raises(TooLarge, match=r"The film would last about 16 min.*; the limit is 15 min"):
        read("\n\n".join(["a cat\nseconds: 60"] * 16))


def test_a_text_that_is_too_long_is_refused_by_its_line() -> None:
    with pytest.raises(BadInput, match="Line 3: this text has 1,001 characters; the limit is 1,000"):
        read("a cat\n\n" + "a" * 1001)


@pytest.mark.parametrize(("idea", "language"), [("a red fox in the snow", "en"), ("un zorro rojo en la nieve", "es")])
def test_a_draft_keeps_the_idea_in_every_scene_and_is_a_script(idea: str, language: str) -> None:
    made = draft(idea, language, 1)
    assert len(read(made.text()).scenes) == 5
    assert all(idea in scene.prompt for scene in made.scenes)
    assert all(scene.narration for scene in made.scenes)
    assert made == draft(idea, language, 1)
    assert len({draft(idea, language, seed).text() for seed in range(8)}) > 4


def test_a_draft_of_odd_words_is_a_script_too() -> None:
    for idea in ("a | b > c", "{idea} and {0}", "seconds: 5", "> hello", "# fish"):
        assert len(draft(idea, "en", 0).scenes) == 5


def test_a_scene_is_as_long_as_its_words_take() -> None:
    assert ScriptScene("a").length == 4.0
    assert ScriptScene("a", "b" * 130).length == pytest.approx(11.2)
    assert ScriptScene("a", "b" * 130, seconds=5).length == pytest.approx(11.2)


def test_other_seeds_change_only_their_scenes() -> None:
    script = Script((ScriptScene("a"), ScriptScene("b"), ScriptScene("c", seed=1)))
    changed = script.with_seeds({1: 99})
    assert [scene.seed for scene in changed.scenes] == [None, 99, 1]
