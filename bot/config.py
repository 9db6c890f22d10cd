"""config.toml as typed, frozen settings. Every key has a default; secrets come only from the environment."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.misfit import refusal, token_refusal
from bot.tomlfile import TomlFile, holds
from bot.units import Duration, MaybeRate, Size, rate

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


def key(default: Any, allowed: str, **bounds: Any) -> Any:
    """A key with its default; `allowed` ends the sentence "it must be …" when a value does not fit."""
    return Field(default, json_schema_extra={"allowed": allowed}, validate_default=True, **bounds)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BotSection(Section):
    data_dir: Path = key("data", "a folder")
    wildcards: Path = key("wildcards", "a folder")


Person = Annotated[str, StringConstraints(pattern=r"^(discord|telegram|web):\S+$")]


class Role(Section):
    """Who is in it, its share of the devices beside other roles, and how many jobs of a person run at once and wait."""

    people: tuple[Person, ...] = ()
    weight: float = Field(1.0, ge=0.1, le=100)
    running: int = Field(2, ge=1)
    queued: int = Field(20, ge=0)


class WebSection(Section):
    token: SecretStr | None = None
    enabled: bool = key(True, "true or false")
    host: str = key("127.0.0.1", "127.0.0.1 or another loopback address, unless a password is set in ATELIER_WEB_TOKEN")
    public_url: str | None = key(
        None,
        "the address by which others reach this studio, such as https://studio.example",
        pattern=r"^https?://[^\s/]+",
    )
    port: int = key(8080, "a whole number from 0 to 65535, 0 for any free port", ge=0, le=65535)

    @field_validator("host")
    @classmethod
    def _open_only_with_a_token(cls, host: str, info: ValidationInfo) -> str:
        if not _is_loopback(host) and info.data.get("token") is None:
            raise PydanticCustomError("open_host", "not loopback")
        return host


class DiscordSection(Section):
    token: SecretStr | None = None
    admins: tuple[int, ...] = key((), "a list of user ids such as [81384788765712384]")


class TelegramSection(Section):
    token: SecretStr | None = None
    admins: tuple[int, ...] = key((), "a list of user ids such as [123456789]")
    base_url: str | None = key(
        None, "the address of a local Bot API server such as http://127.0.0.1:8081", pattern=r"^https?://[^\s/]+"
    )


class CacheSection(Section):
    max_bytes: Size = key("5GB", "a size such as 5GB, 500MB or 2GiB")
    max_age_days: int = key(30, "a whole number of days from 1 to 36500", ge=1, le=36500)


class EngineSection(Section):
    device: str = key("auto", "auto, cpu, cuda or cuda:N such as cuda:1", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    backend: Literal["local"] = key("local", "local")
    memory: Size = key("15GB", "a size such as 15GB or 800MB")
    timeout: Duration = key("10m", "a duration such as 90s, 10m or 1h")
    idle: Duration = key("10m", "a duration such as 90s, 10m or 1h")


Name = Annotated[str, StringConstraints(pattern=r"^[\w.+-]+$", max_length=80)]
NetworkName = Literal["canny", "depth", "depth-reader", "pose", "pose-reader", "scribble"]


class ModelsSection(Section):
    accept_noncommercial_weights: bool = key(False, "true or false")
    imagine: str = key("auto", "auto, pocket, sdxl, a hub repository or a folder", min_length=1)
    checkpoints: Mapping[Name, str] = key(
        {}, 'a table of names and SDXL checkpoints, each a folder or a hub repository: {photo = "models/photo"}'
    )
    controls: Mapping[NetworkName, str] = key(
        {},
        "a table of canny, depth, depth-reader, pose, pose-reader and scribble, each a folder or a hub repository:"
        ' {canny = "models/canny"}',
    )
    upscale: str = key("auto", "auto, ncnn, spandrel or a folder with the networks as .pth files", min_length=1)
    faceswap: str = key("auto", "auto, mesh, inswapper or a folder with inswapper_128.onnx and buffalo_l", min_length=1)
    magic: str = key("auto", "auto, grammar, a hub repository or a folder", min_length=1)
    animate: str = key("auto", "auto, mesh, liveportrait, a hub repository or a folder", min_length=1)
    video: str = key("auto", "auto, camera, ltx, a hub repository or a folder", min_length=1)
    motion: str = key("auto", "auto, envelope, joyvasa or a folder with JoyVASA's files", min_length=1)
    subtitle: str = key("auto", "auto, base, large-v3-turbo or a folder", min_length=1)

    def named(self) -> Mapping[str, str]:
        """As the engine takes them: by task, and as `checkpoint:NAME` and `control:KIND` what may be chosen."""
        tasks = {name: value for name, value in self if isinstance(value, str)}
        checkpoints = {f"checkpoint:{name}": source for name, source in self.checkpoints.items()}
        return tasks | checkpoints | {f"control:{kind}": source for kind, source in self.controls.items()}


class MediaSection(Section):
    face_marker: bool = key(False, "true or false")
    max_bytes: Size = key("25MB", "a size such as 25MB")
    max_pixels: int = key(50_000_000, "a whole number of pixels from 1 up", ge=1)
    max_length: Duration = key("30m", "a duration such as 90s, 10m or 1h")
    max_frames: int = key(200_000, "a whole number of frames from 1 up", ge=1)


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


def _known(name: str) -> str:
    if name not in LIMITS:
        raise PydanticCustomError("extra_forbidden", "unknown command")
    return name


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Settings(Section):
    """What config.toml and the environment say. `limits` has every limited command; None is no limit.

    `off` has the servers and groups where a command is turned off. `roles` has everyone and admin, and what further
    ones the owner made; `styles` by name what they make of a prompt.
    """

    bot: BotSection = BotSection()
    web: WebSection = WebSection()
    discord: DiscordSection = DiscordSection()
    telegram: TelegramSection = TelegramSection()
    limits: Mapping[Annotated[str, AfterValidator(_known)], MaybeRate] = key(
        {}, 'a rate such as "10/60s" or "3/5m", or "off"'
    )
    off: Mapping[Annotated[str, AfterValidator(_known)], tuple[Place, ...]] = key({}, PLACES)
    roles: Mapping[str, Annotated[Role, WrapValidator(_role)]] = key({}, ROLE)
    styles: Mapping[str, Annotated[str, Field(max_length=500), AfterValidator(_style)]] = key({}, STYLE)
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
        raise refusal(error.errors()[0], file, values, known_keys(), Settings) from None


def _with_tokens(values: Mapping[str, Any], file: TomlFile, environ: Mapping[str, str]) -> dict[str, Any]:
    """`values` and the tokens of the environment. Raises BadInput where a token stands in the file."""
    merged = dict(values)
    for section, variable in TOKENS.items():
        given = values.get(section, {})
        if holds(given, ("token",)):
            raise token_refusal(section, variable, file)
        if environ.get(variable) and isinstance(given, dict):
            merged[section] = {**given, "token": SecretStr(environ[variable])}
    return merged
