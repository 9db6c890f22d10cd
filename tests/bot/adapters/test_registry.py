"""Every platform is declared once, and the registry, the settings and the folders agree about it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bot import adapters
from bot.adapters.registry import PLATFORMS, Platform
from bot.config.platforms import KNOWN_PLATFORMS, PlatformNames
from bot.config.sections import Role
from bot.config.settings import Settings

FOLDERS = {path.parent.name for path in Path(adapters.__file__).parent.glob("*/__init__.py")}


def test_every_folder_of_an_adapter_is_a_platform_with_settings() -> None:
    names = {platform.names.name for platform in PLATFORMS}
    assert names == FOLDERS
    assert names <= Settings.model_fields.keys()


def test_the_registry_starts_every_platform_of_the_settings() -> None:
    assert tuple(platform.names for platform in PLATFORMS) == KNOWN_PLATFORMS


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.names.name)
def test_a_platform_that_is_off_says_how_to_turn_it_on(platform: Platform) -> None:
    name = platform.names.name
    section: dict[str, object] = {} if platform.needs_token else {"enabled": False}
    reason = platform.reason_off(Settings.model_validate({name: section}))
    assert reason is not None
    assert str(reason) in {
        f"off: set {platform.names.token_variable} and restart",
        f"off: set {name}.enabled = true in config.toml",
    }
    section = {"token": "secret"} if platform.needs_token else {"enabled": True}
    assert platform.reason_off(Settings.model_validate({name: section})) is None


@pytest.mark.parametrize("platform", KNOWN_PLATFORMS, ids=lambda platform: platform.name)
def test_roles_and_turned_off_commands_name_every_platform(platform: PlatformNames) -> None:
    name = platform.name
    assert Role(people=(f"{name}:42",)).people == (f"{name}:42",)
    with pytest.raises(ValidationError):
        Role(people=(f"{name}x:42",))
    if platform.has_chats:
        assert Settings.model_validate({"off": {"magic": [f"{name}:-7"]}}).off["magic"] == (f"{name}:-7",)
    else:
        with pytest.raises(ValidationError):
            Settings.model_validate({"off": {"magic": [f"{name}:-7"]}})
