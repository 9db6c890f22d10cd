"""config.toml as typed, frozen settings. Every key has a default; secrets come only from the environment."""

from collections.abc import Mapping
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

from bot.config.errors import config_error, token_error
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
from bot.config.units import OptionalRate, rate

DEFAULT_FILE = Path("config.toml")
LIMITS = MappingProxyType(
    {
        "imagine": "10/60s",
        "upscale": "5/60s",
        "faceswap": "5/60s",
        "magic": "20/60s",
        "video": "3/5m",
        "scenes": "10/5m",
        "animate": "3/5m",
        "subtitle": "5/60s",
    }
)
TOKENS = {"discord": "ATELIER_DISCORD_TOKEN", "telegram": "ATELIER_TELEGRAM_TOKEN", "web": "ATELIER_WEB_TOKEN"}


ROLES = MappingProxyType({"everyone": Role(), "admin": Role(running=4, queued=100)})
ROLE = (
    'a table such as {people = ["discord:42"], weight = 2, running = 2, queued = 20}: a weight from 0.1 to 100, '
    "running from 1, queued from 0"
)


def _role(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """One refusal for a whole role, which stands on one line of the file."""
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError("role", "no role") from None


STYLES = MappingProxyType(
    {
        "noir": "{prompt}, black and white film noir still, hard side light, deep shadows",
        "polaroid": "{prompt}, faded instant photograph, soft flash, white border",
        "blueprint": "technical blueprint of {prompt}, white lines on deep blue paper",
        "claymation": "{prompt}, figures of clay on a stop-motion set, soft studio light",
    }
)
STYLE = 'words with {prompt} in them such as "{prompt}, film noir"'


def _style(words: str) -> str:
    if "{prompt}" not in words:
        raise PydanticCustomError("style", "no place for the prompt")
    return words


PLACES = 'a list of servers and groups such as ["discord:81384788765712384", "telegram:-1001234567890"]'
Place = Annotated[str, Field(pattern=r"^(discord|telegram):-?\d+$")]


def _check_command(name: str) -> str:
    if name not in LIMITS:
        raise PydanticCustomError("extra_forbidden", "unknown command")
    return name


class Settings(Section):
    """What config.toml and the environment say. `limits` has every limited command; None is no limit.

    `off` has the servers and groups where a command is turned off. `roles` has everyone and admin, and what further
    ones the owner made; `styles` by name what they make of a prompt.
    """

    bot: BotSection = BotSection()
    web: WebSection = WebSection()
    discord: DiscordSection = DiscordSection()
    telegram: TelegramSection = TelegramSection()
    limits: Mapping[Annotated[str, AfterValidator(_check_command)], OptionalRate] = setting(
        {}, 'a rate such as "10/60s" or "3/5m", or "off"'
    )
    off: Mapping[Annotated[str, AfterValidator(_check_command)], tuple[Place, ...]] = setting({}, PLACES)
    roles: Mapping[str, Annotated[Role, WrapValidator(_role)]] = setting({}, ROLE)
    styles: Mapping[str, Annotated[str, Field(max_length=500), AfterValidator(_style)]] = setting({}, STYLE)
    cache: CacheSection = CacheSection()
    engine: EngineSection = EngineSection()
    models: ModelsSection = ModelsSection()
    media: MediaSection = MediaSection()

    @field_validator("limits")
    @classmethod
    def _with_defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: given[name] if name in given else rate(text) for name, text in LIMITS.items()}

    @field_validator("off")
    @classmethod
    def _of_every_command(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: given.get(name, ()) for name in LIMITS}

    @field_validator("roles")
    @classmethod
    def _with_own_roles(cls, given: Mapping[str, Role]) -> Mapping[str, Role]:
        return ROLES | given

    @field_validator("styles")
    @classmethod
    def _with_own_styles(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        return STYLES | given

    def role(self, user: str, *, admin: bool) -> Role:
        """The first role that names the user, else that of admins or of everyone."""
        named = (role for role in self.roles.values() if user in role.people)
        return next(named, self.roles["admin" if admin else "everyone"])


def known_keys() -> Mapping[str, tuple[str, ...]]:
    """The keys that the file may hold, by section. Tokens are not among them."""
    sections = {name: type(section) for name, section in Settings() if isinstance(section, Section)}
    keys = {name: tuple(key for key in section.model_fields if key != "token") for name, section in sections.items()}
    tables = {"limits": tuple(LIMITS), "off": tuple(LIMITS), "roles": tuple(ROLES), "styles": tuple(STYLES)}
    return {name: tables.get(name) or keys[name] for name in Settings.model_fields}


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of the file at `path`, or of config.toml in the working folder if there is one.

    Raises BadInput, with the line, for a key or a value that does not fit, and for a `path` that does not exist.
    """
    absent = path is None and not DEFAULT_FILE.exists()
    file = TomlFile(DEFAULT_FILE.name, "") if absent else TomlFile.read(path or DEFAULT_FILE)
    values = file.parse()
    try:
        return Settings.model_validate(_with_tokens(values, file, environ))
    except ValidationError as error:
        raise config_error(error.errors()[0], file, values, known_keys(), Settings) from None


def _with_tokens(values: Mapping[str, Any], file: TomlFile, environ: Mapping[str, str]) -> dict[str, Any]:
    """`values` and the tokens of the environment. Raises BadInput where a token stands in the file."""
    merged = dict(values)
    for section, variable in TOKENS.items():
        given = values.get(section, {})
        if has_path(given, ("token",)):
            raise token_error(section, variable, file)
        if environ.get(variable) and isinstance(given, dict):
            merged[section] = {**given, "token": SecretStr(environ[variable])}
    return merged
