import re
import tomllib
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.config.settings import Settings, known_keys, load
from bot.config.toml_file import TomlFile
from bot.config.units import format_rate, parse_rate
from engine.core.errors import BadInput
from storage.store import Rate

ROOT = Path(__file__).parents[3]


def settings(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "my.toml"
    file.write_text(text, "utf-8")
    return load(file, environ, COMMANDS)


def refusal(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(BadInput) as refused:
        settings(folder, text, **environ)
    return str(refused.value)


def test_an_empty_file_and_no_file_give_every_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}, COMMANDS) == settings(tmp_path, "") == Settings()
    assert (load(None, {}, COMMANDS).web.host, load(None, {}, COMMANDS).web.port) == ("127.0.0.1", 8080)


def test_the_bundled_config_toml_changes_no_default() -> None:
    assert load(ROOT / "config.toml", {}, COMMANDS) == Settings()


def test_config_toml_in_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text("[web]\nport = 9000\n")
    assert load(None, {}, COMMANDS).web.port == 9000


def test_a_named_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.toml: No such file"):
        load(tmp_path / "absent.toml", {}, COMMANDS)


def test_sizes_durations_and_rates_are_read_as_written(tmp_path: Path) -> None:
    text = """
        cache.max_bytes = "1.5GB"
        media.max_bytes = "2MiB"
        engine = {memory = 512, timeout = "1h"}
        [limits]
        imagine = "7/90s"
        video = "1/2h"
        magic = "off"
    """
    read = settings(tmp_path, text)
    assert (read.cache.max_bytes, read.media.max_bytes, read.engine.memory) == (1_500_000_000, 2 * 2**20, 512)
    assert read.engine.timeout == 3600
    assert read.limits["imagine"] == Rate(7, 90)
    assert (read.limits["video"], read.limits["magic"]) == (Rate(1, 7200), None)
    assert "subtitle" not in read.limits


def test_a_user_has_their_own_role_or_else_that_of_admins_or_of_everyone(tmp_path: Path) -> None:
    read = settings(tmp_path, "[roles]\nfriends = {people = ['discord:42'], weight = 3}\nadmin = {queued = 7}")
    assert (read.role("discord:42", admin=True).weight, read.role("discord:42", admin=False).queued) == (3, 20)
    assert read.role("web:a", admin=True).queued == 7
    assert read.role("web:a", admin=False) == Settings().roles["everyone"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[web]\n\nport = 99999", "line 3: web.port is 99999; it must be a whole number from 0 to 65535"),
        ("web.port = 'x'", 'line 1: web.port is "x"; it must be a whole number'),
        ("[web]\nport = '80'", 'line 2: web.port is "80"; it must be a whole number from 0 to 65535'),
        ("web.port = true", "web.port is true; it must be a whole number"),
        ("web.enabled = 'true'", 'web.enabled is "true"; it must be true or false'),
        ("web.enabled = 1", "web.enabled is 1; it must be true or false"),
        ("media.max_frames = '9'", 'media.max_frames is "9"; it must be a whole number of frames'),
        ("media.max_bytes = true", "media.max_bytes is true; it must be a size"),
        ("telegram.admins = ['42']", 'telegram.admins[0] is "42"; it must be a list of user ids'),
        ("roles.friends = {weight = '2'}", 'roles.friends is {"weight": "2"}; it must be a table such as'),
        ("[bot]\n[web]\nhost = '''\n0.0.0.0'''", "line 3: web.host"),
        ("# first\nweb = { enabled = true, port = -1 }", "line 2: web.port is -1"),
        ("[discord]\nadmins = [\n  1,\n  2, # two\n  'me',\n]", 'line 5: discord.admins[2] is "me"; it must be a list'),
        ("[discord]\nadmins = [\n]\n[cache]\nmax_age_days = 0", "line 5: cache.max_age_days is 0"),
        ("[models]\nimagine = '''\nport = 1\n'''\n[cache]\nmax_bytes = '5 gigs'", "line 6: cache.max_bytes"),
        ("cache.max_bytes = '0B'", "it must be a size such as 5GB"),
        ("engine.memory = -5", "engine.memory is -5; it must be a size"),
        ("engine.timeout = '10'", "it must be a duration such as 90s, 10m or 1h"),
        ("engine.timeout = '0s'", "it must be a duration"),
        ("engine.device = 'gpu'", 'engine.device is "gpu"; it must be auto, cpu, cuda or cuda:N'),
        ("engine.backend = 'ray'", 'engine.backend is "ray"; it must be local'),
        ("telegram.base_url = 'localhost'", "it must be the address of a local Bot API server"),
        ("[limits]\nimagine = '10 a minute'", 'line 2: limits.imagine is "10 a minute"; it must be a rate such as'),
        ("limits.imagine = '0/60s'", "it must be a rate such as"),
        ("limits.imagine = '5/0s'", "it must be a rate such as"),
        ("[roles]\nfriends = {wieght = 2}", 'line 2: roles.friends is {"wieght": 2}; it must be a table such as'),
        ("roles.everyone = {running = 0}", "weight from 0.1 to 100, running 1 or more, and queued 0 or more"),
        ("roles.everyone = 3", "roles.everyone is 3; it must be a table such as"),
        ("media.max_pixels = 0", "it must be a whole number of pixels"),
        ("models.imagine = ''", "it must be auto, pocket, sdxl, a hub repository or a folder"),
        ("bot.data_dir = 3", "it must be a folder"),
        ('roles.friends = {people = ["bob"]}', 'it must be a table such as {people = ["discord:42"]'),
        ('off.faceswap = ["bob"]', 'it must be a list of servers and groups, such as ["discord:81384788765712384"'),
        ("\nweb = 3", "line 2: web is 3; it must be a section, written [web]"),
        ("[[web]]", "it must be a section, written [web]"),
    ],
)
def test_a_bad_value_is_refused_with_key_line_and_what_is_allowed(tmp_path: Path, text: str, told: str) -> None:
    sentence = refusal(tmp_path, text)
    assert sentence.startswith("my.toml, line ")
    assert told in sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[web]\n# a comment\nhots = 'a'", "line 3: there is no key web.hots. Did you mean web.host?"),
        ("[bot]\n\n[telegramm]", "line 3: there is no key telegramm. Did you mean telegram?"),
        ("port = 1", "line 1: there is no key port. Did you mean web.port?"),
        ("[limits]\nimagin = '10/60s'", "line 2: there is no key limits.imagin. Did you mean limits.imagine?"),
        ("limits.status = '10/60s'", "there is no key limits.status. The keys here are: imagine, magic, upscale"),
        ("[engine.gpu]\nmemory = 3", "line 1: there is no key engine.gpu. The keys here are: device"),
        ("zzz = 1", "there is no key zzz. The keys here are: bot, web, discord, telegram"),
    ],
)
def test_an_unknown_key_is_refused_by_name_with_its_line_and_the_nearest_one(
    tmp_path: Path, text: str, told: str
) -> None:
    assert told in refusal(tmp_path, text)


def test_text_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "line 2" in refusal(tmp_path, "[web]\nport 8080")
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8 text"):
        load(tmp_path / "my.toml", {}, COMMANDS)


def test_the_line_of_a_key_is_where_it_begins_however_it_is_written() -> None:
    file = TomlFile("x", 'a.b = 1\n[c]\n\'d\' = [\n 1,\n 2]\n[ e . f ]\ng = """\nd = 4\n"""\nh = {i = [1, 2]}\n')
    lines = {("a", "b"): 1, ("c",): 2, ("c", "d"): 3, ("c", "d", 1): 5, ("e", "f", "g"): 7, ("e", "f", "h", "i"): 10}
    assert {path: file.line_of(path) for path in lines} == lines


@pytest.mark.parametrize("section", ["discord", "telegram", "web"])
def test_a_token_in_the_file_is_refused_without_repeating_it(tmp_path: Path, section: str) -> None:
    sentence = refusal(tmp_path, f"[{section}]\ntoken = 'hunter2'")
    assert f"line 2: {section}.token is a secret" in sentence
    assert f"ATELIER_{section.upper()}_TOKEN" in sentence
    assert "hunter2" not in sentence


def test_tokens_come_from_the_environment_and_are_not_printed(tmp_path: Path) -> None:
    read = settings(tmp_path, "discord.admins = [42]", ATELIER_DISCORD_TOKEN="hunter2", ATELIER_WEB_TOKEN="")
    assert read.discord.token is not None
    assert read.discord.token.get_secret_value() == "hunter2"
    assert read.discord.admins == (42,)
    assert (read.web.token, read.telegram.token) == (None, None)
    assert "hunter2" not in f"{read!r}{read}"


def test_a_command_is_turned_off_by_server_and_group(tmp_path: Path) -> None:
    read = settings(tmp_path, 'off.faceswap = ["discord:42", "telegram:-100"]')
    assert read.off["faceswap"] == ("discord:42", "telegram:-100")
    assert 'it must be a list of servers and groups, such as ["discord:' in refusal(tmp_path, 'off.faceswap = ["42"]')
    assert "there is no key off.dance" in refusal(tmp_path, 'off.dance = ["discord:42"]')


def test_a_host_that_is_not_loopback_needs_the_web_token(tmp_path: Path) -> None:
    assert "ATELIER_WEB_TOKEN" in refusal(tmp_path, "web.host = '0.0.0.0'")
    assert settings(tmp_path, "web.host = '0.0.0.0'", ATELIER_WEB_TOKEN="s").web.host == "0.0.0.0"
    for loopback in ("127.0.0.2", "::1", "localhost"):
        assert settings(tmp_path, f"web.host = '{loopback}'").web.host == loopback


@pytest.mark.parametrize("text", ["10/60s", "3/5m", "1/2h", "7/90s"])
def test_a_rate_is_written_as_it_is_read(text: str) -> None:
    rate = parse_rate(text)
    assert rate is not None
    assert parse_rate(format_rate(rate)) == rate


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().web.port = 1  # type: ignore[misc]  # what is tested


def documented(text: str) -> dict[str, dict[str, str]]:
    """The keys of each section in a commented-out config file, with what is said of each."""
    parts = re.split(r"^\[(\w+)\]", text, flags=re.MULTILINE)[1:]
    return {
        name: dict(re.findall(r"^# (\w+) = .+?\s# (.+)", body, flags=re.MULTILINE))
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def test_config_toml_has_every_key_with_its_default_and_an_explanation() -> None:
    text = (ROOT / "config.toml").read_text("utf-8")
    keys = {section: tuple(keys) for section, keys in documented(text).items()}
    assert {**known_keys(COMMANDS), "limits": keys["limits"], "off": keys["off"]} == keys
    shown = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))
    without_default = shown["telegram"].pop("base_url"), shown["web"].pop("public_url")
    limits, off = shown.pop("limits"), shown.pop("off")
    declared = {command.name: command.rate for command in COMMANDS if command.rate}
    assert {name: parse_rate(rate) for name, rate in limits.items()}.items() <= declared.items()
    assert off == {name: [] for name in limits}
    assert Settings.model_validate(shown) == Settings()
    assert all(address.startswith("http") for address in without_default)
