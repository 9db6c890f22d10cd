"""The sections of config.toml: their keys, with defaults and allowed values."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.config.platforms import PERSON_PATTERN
from bot.config.units import Duration, Size


def setting(default: Any, allowed: str, **bounds: Any) -> Any:
    """Return a field with a default. `allowed` completes the error message "it must be …"."""
    return Field(default, json_schema_extra={"allowed": allowed}, validate_default=True, **bounds)


class Section(BaseModel):
    """A frozen section that rejects unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BotSection(Section):
    """[bot]: folders."""

    data_dir: Path = setting("data", "a folder")
    wildcards: Path = setting("wildcards", "a folder")


Person = Annotated[str, StringConstraints(pattern=PERSON_PATTERN)]
"""A user of a platform, such as `discord:42`."""


class Role(Section):
    """A role in [roles]: its members, and what each of them may use."""

    people: tuple[Person, ...] = ()
    #: The share of the devices that a member gets, relative to members of other roles.
    weight: StrictFloat = Field(1.0, ge=0.1, le=100)
    #: How many jobs of a member may run at once.
    running: StrictInt = Field(2, ge=1)
    #: How many jobs of a member may wait.
    queued: StrictInt = Field(20, ge=0)


class WebSection(Section):
    """[web]: the web page and the HTTP API."""

    token: SecretStr | None = None
    enabled: StrictBool = setting(True, "true or false")
    host: str = setting(
        "127.0.0.1", "127.0.0.1 or another loopback address, unless a password is set in ATELIER_WEB_TOKEN"
    )
    public_url: str | None = setting(
        None,
        "the address at which others reach this studio, such as https://studio.example",
        pattern=r"^https?://[^\s/]+",
    )
    port: StrictInt = setting(8080, "a whole number from 0 to 65535, where 0 means any free port", ge=0, le=65535)
    connections: StrictInt = setting(500, "a whole number of connections, 1 or more", ge=1)
    connections_per_address: StrictInt = setting(100, "a whole number of connections, 1 or more", ge=1)

    @field_validator("host")
    @classmethod
    def _require_token_unless_loopback(cls, host: str, info: ValidationInfo) -> str:
        if not _is_loopback(host) and info.data.get("token") is None:
            raise PydanticCustomError("open_host", "not loopback")
        return host


class DiscordSection(Section):
    """[discord]: the Discord bot."""

    token: SecretStr | None = None
    admins: tuple[StrictInt, ...] = setting((), "a list of user ids such as [81384788765712384]")


class TelegramSection(Section):
    """[telegram]: the Telegram bot."""

    token: SecretStr | None = None
    admins: tuple[StrictInt, ...] = setting((), "a list of user ids such as [123456789]")
    base_url: str | None = setting(
        None, "the address of a local Bot API server such as http://127.0.0.1:8081", pattern=r"^https?://[^\s/]+"
    )


class CacheSection(Section):
    """[cache]: how much is kept for repeated requests, and for how long."""

    max_bytes: Size = setting("5GB", "a size such as 5GB, 500MB or 2GiB")
    max_age_days: StrictInt = setting(30, "a whole number of days from 1 to 36500", ge=1, le=36500)


class EngineSection(Section):
    """[engine]: devices, memory and time limits of the workers."""

    device: str = setting("auto", "auto, cpu, cuda or cuda:N such as cuda:1", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    backend: Literal["local"] = setting("local", "local")
    memory: Size = setting("15GB", "a size such as 15GB or 800MB")
    timeout: Duration = setting("10m", "a duration such as 90s, 10m or 1h")
    idle: Duration = setting("10m", "a duration such as 90s, 10m or 1h")


Name = Annotated[str, StringConstraints(pattern=r"^[\w.+-]+$", max_length=80)]
"""The name by which users choose a checkpoint."""
NetworkName = Literal["canny", "depth", "depth-reader", "pose", "pose-reader", "scribble"]


class ModelsSection(Section):
    """[models]: which model each task uses."""

    accept_noncommercial_weights: StrictBool = setting(False, "true or false")
    imagine: str = setting("auto", "auto, pocket, sdxl, a hub repository or a folder", min_length=1)
    checkpoints: Mapping[Name, str] = setting(
        {}, 'a table of names and SDXL checkpoints, each a folder or a hub repository: {photo = "models/photo"}'
    )
    controls: Mapping[NetworkName, str] = setting(
        {},
        "a table of canny, depth, depth-reader, pose, pose-reader and scribble, each a folder or a hub repository:"
        ' {canny = "models/canny"}',
    )
    upscale: str = setting("auto", "auto, ncnn, spandrel or a folder with the networks as .pth files", min_length=1)
    faceswap: str = setting(
        "auto", "auto, mesh, inswapper or a folder with inswapper_128.onnx and buffalo_l", min_length=1
    )
    magic: str = setting("auto", "auto, grammar, a hub repository or a folder", min_length=1)
    animate: str = setting("auto", "auto, mesh, liveportrait, a hub repository or a folder", min_length=1)
    video: str = setting("auto", "auto, camera, ltx, a hub repository or a folder", min_length=1)
    motion: str = setting("auto", "auto, envelope, joyvasa or a folder with JoyVASA's files", min_length=1)
    subtitle: str = setting("auto", "auto, base, large-v3-turbo or a folder", min_length=1)

    def engine_names(self) -> Mapping[str, str]:
        """Return the models as the engine expects them, by task, `checkpoint:NAME` and `control:KIND`."""
        tasks = {name: value for name, value in self if isinstance(value, str)}
        checkpoints = {f"checkpoint:{name}": source for name, source in self.checkpoints.items()}
        return tasks | checkpoints | {f"control:{kind}": source for kind, source in self.controls.items()}


class MediaSection(Section):
    """[media]: bounds of the files that users send."""

    face_marker: StrictBool = setting(False, "true or false")
    max_bytes: Size = setting("25MB", "a size such as 25MB")
    max_pixels: StrictInt = setting(50_000_000, "a whole number of pixels, 1 or more", ge=1)
    max_length: Duration = setting("30m", "a duration such as 90s, 10m or 1h")
    max_frames: StrictInt = setting(200_000, "a whole number of frames, 1 or more", ge=1)


def _is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
