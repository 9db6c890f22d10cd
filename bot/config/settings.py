"""config.toml as typed, frozen settings. Every key has a default. Secrets come only from the environment."""

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.config.errors import config_error, token_error, unknown_key_error
from bot.config.platforms import CHAT_PATTERN, TOKENS
from bot.config.sections import (
    BotSection,
    CacheSection,
    DiscordSection,
    EngineSection,
    MediaSection,
    ModelsSection,
    Role,
    Section,
    TelegramSection,
    WebSection,
    setting,
)
from bot.config.toml_file import TomlFile, has_path
from bot.config.units import OptionalRate
from bot.core.command import Command

DEFAULT_FILE = Path("config.toml")
ROLES = MappingProxyType({"everyone": Role(), "admin": Role(running=4, queued=100)})
ROLE_RULE = (
    'a table such as {people = ["discord:42"], weight = 2, running = 2, queued = 20}, with a weight from 0.1 to 100, '
    "running 1 or more, and queued 0 or more"
)


def _validate_role(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Replace the errors within a role by one error, because a role is written on one line."""
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError("role", "not a role") from None


STYLES = MappingProxyType(
    {
        "noir": "{prompt}, black and white film noir still, hard side light, deep shadows",
        "polaroid": "{prompt}, faded instant photograph, soft flash, white border",
        "blueprint": "technical blueprint of {prompt}, white lines on deep blue paper",
        "claymation": "{prompt}, figures of clay on a stop-motion set, soft studio light",
    }
)
STYLE_RULE = 'text that contains {prompt}, such as "{prompt}, film noir"'


def _check_style(text: str) -> str:
    if "{prompt}" not in text:
        raise PydanticCustomError("style", "{prompt} is missing")
    return text


PLACES_RULE = 'a list of servers and groups, such as ["discord:81384788765712384", "telegram:-1001234567890"]'
Place = Annotated[str, Field(pattern=CHAT_PATTERN)]


class Settings(Section):
    """The settings of config.toml and the environment."""

    bot: BotSection = BotSection()
    web: WebSection = WebSection()
    discord: DiscordSection = DiscordSection()
    telegram: TelegramSection = TelegramSection()
    #: Rates in place of the ones that the commands declare; None means no limit.
    limits: Mapping[str, OptionalRate] = setting({}, 'a rate such as "10/60s" or "3/5m", or "off"')
    #: The servers and groups in which each command is turned off.
    off: Mapping[str, tuple[Place, ...]] = setting({}, PLACES_RULE)
    #: `everyone`, `admin`, and the owner's own roles.
    roles: Mapping[str, Annotated[Role, WrapValidator(_validate_role)]] = setting({}, ROLE_RULE)
    #: Style name -> template of the prompt.
    styles: Mapping[str, Annotated[str, Field(max_length=500), AfterValidator(_check_style)]] = setting({}, STYLE_RULE)
    cache: CacheSection = CacheSection()
    engine: EngineSection = EngineSection()
    models: ModelsSection = ModelsSection()
    media: MediaSection = MediaSection()

    @field_validator("roles")
    @classmethod
    def _add_default_roles(cls, roles: Mapping[str, Role]) -> Mapping[str, Role]:
        return ROLES | roles

    @field_validator("styles")
    @classmethod
    def _add_default_styles(cls, styles: Mapping[str, str]) -> Mapping[str, str]:
        return STYLES | styles

    def role(self, user: str, *, admin: bool) -> Role:
        """Return the first role that has `user` as a member, or else the role of admins or of everyone."""
        named = (role for role in self.roles.values() if user in role.people)
        return next(named, self.roles["admin" if admin else "everyone"])


def known_keys(commands: Collection[Command]) -> Mapping[str, tuple[str, ...]]:
    """Return the keys that each section of the file may have. Tokens are not among them.

    [limits] and [off] may name those of the `commands` that declare a rate.
    """
    limited = tuple(command.name for command in commands if command.rate)
    sections = {name: type(section) for name, section in Settings() if isinstance(section, Section)}
    keys = {name: tuple(key for key in section.model_fields if key != "token") for name, section in sections.items()}
    tables = {"limits": limited, "off": limited, "roles": tuple(ROLES), "styles": tuple(STYLES)}
    return {name: tables[name] if name in tables else keys[name] for name in Settings.model_fields}


def load(path: Path | None, environ: Mapping[str, str], commands: Collection[Command] | None) -> Settings:
    """Return the settings of the file at `path`, or of config.toml in the working folder if that exists.

    `environ` has the environment variables. [limits] and [off] may name those of the `commands` that declare a rate;
    a program that runs no command passes None, and these names are not checked. Raises BadInput, with the line, for an
    unknown key or a wrong value, and for a `path` that does not exist.
    """
    absent = path is None and not DEFAULT_FILE.exists()
    file = TomlFile(DEFAULT_FILE.name, "") if absent else TomlFile.read(path or DEFAULT_FILE)
    values, known = file.parse(), known_keys(commands or ())
    try:
        settings = Settings.model_validate(_with_tokens(values, file, environ))
    except ValidationError as error:
        raise config_error(error.errors()[0], file, values, known, Settings) from None
    if commands is not None:
        _check_command_names(settings, file, known)
    return settings


def _check_command_names(settings: Settings, file: TomlFile, known: Mapping[str, tuple[str, ...]]) -> None:
    """Raise BadInput for a name in [limits] or [off] that is not one of the known ones."""
    for section, table in (("limits", settings.limits), ("off", settings.off)):
        for name in table:
            if name not in known[section]:
                raise unknown_key_error((section, name), file, known)


def _with_tokens(values: Mapping[str, Any], file: TomlFile, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return `values` with the tokens of the environment. Raises BadInput if the file contains a token."""
    merged = dict(values)
    for section, variable in TOKENS.items():
        table = values.get(section, {})
        if has_path(table, ("token",)):
            raise token_error(section, variable, file)
        if environ.get(variable) and isinstance(table, dict):
            merged[section] = {**table, "token": SecretStr(environ[variable])}
    return merged
