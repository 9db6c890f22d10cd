"""The config.toml of commit 591601e, with some settings changed, still loads."""

from pathlib import Path

from bot.commands import COMMANDS
from bot.config.settings import load
from storage.store import Rate

OLD_FILE = Path(__file__).with_name("old_config.toml")


def test_an_old_config_toml_still_loads() -> None:
    settings = load(OLD_FILE, {}, COMMANDS)
    assert settings.web.port == 8090
    assert settings.discord.admins == (42,)
    assert settings.telegram.base_url == "http://127.0.0.1:8081"
    assert settings.limits["imagine"] == Rate(10, 60)
    assert settings.roles["everyone"].running == 3
    assert (settings.cache.max_bytes, settings.engine.device, settings.models.imagine) == (
        2_000_000_000,
        "cpu",
        "pocket",
    )
    assert settings.media.max_length == 300


def test_an_old_config_toml_loads_with_every_key_set(tmp_path: Path) -> None:
    """Load the old file with every setting uncommented."""
    lines = (OLD_FILE).read_text("utf-8").splitlines()
    shown = [line.removeprefix("# ") if " = " in line else line for line in lines]
    file = tmp_path / "config.toml"
    file.write_text("\n".join(shown), "utf-8")
    assert load(file, {}, COMMANDS).models.video == "auto"
