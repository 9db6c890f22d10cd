"""The JSON that the HTTP API answers with, as frozen models. The OpenAPI document is generated from them.

The names of the fields are public: programs read them. A field that is not always present has `exclude_if`.
"""

from typing import Annotated, ClassVar, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.json_schema import SkipJsonSchema

from bot.core.report_models import ANSWER_CONFIG

JSON_TYPE: Final = "application/json"
"""The content type of every answer that is not a file, a stream of events or empty."""


class Answer(BaseModel):
    """Base of what the API returns. A field without a description says all with its name."""

    model_config = ANSWER_CONFIG

    def response(self, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
        """Return the HTTP response with this value as JSON."""
        return json_response(self, status, headers)


def json_response(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return the HTTP response with `model` as JSON."""
    return web.Response(text=model.model_dump_json(), status=status, headers=headers, content_type=JSON_TYPE)


class Media(Answer):
    """A file."""

    url: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    """Where this visitor, and nobody else, can open the file."""
    name: str
    """A name to save the file under."""
    mime: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    width: int | None
    """Pixels, for a picture or a video."""
    height: int | None
    """Pixels, for a picture or a video."""
    seconds: float | None
    """Duration, for audio, a video or an animation."""


class Button(Answer):
    """A button of a job or of a question. Send `command:argument` to `POST /jobs` to press it."""

    label: str
    command: str
    argument: str
    edit: str | None
    """A text to edit before the button is pressed, or an empty one to write; null if it needs none."""
    about: str
    """The description of the text to edit."""
    withdraws: bool
    """Whether the job disappears once the button's command succeeds."""
    replaces: bool
    """Whether the answer takes the place of the job."""


class Result(Answer):
    """The output of a job."""

    text: str
    facts: dict[str, JsonValue]
    """What is needed to reproduce the result, such as `seed`, `model` and `prompt`."""
    media: tuple[Media, ...]


class Fault(Answer):
    """An error."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    kind: str
    """The kind of the error. It is the same in every language."""
    message: str
    """A sentence in the visitor's language that says what to do."""
    wait: Annotated[float | SkipJsonSchema[None], Field(exclude_if=lambda wait: wait is None)] = None
    """Seconds until the request may be sent again, if that is known."""


class State(Answer):
    """The state of a job, or the answer of a command that needs no job."""

    FINAL: ClassVar = ("done", "failed", "cancelled")

    id: str | None
    """The job's id; null if no job was needed."""
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    place: Annotated[int, Field(ge=1)] | None
    """The place in the queue; 1 starts next."""
    stage: str | None
    """What the job is doing, in the visitor's language."""
    fraction: Annotated[float, Field(ge=0, le=1)] | None
    """How much of the job is done."""
    seconds_left: float | None
    """Seconds until the end, or until the start while the job is queued."""
    preview: Media | None
    cached: bool
    """Whether the result is that of an earlier job."""
    text: str
    """What the chat shows."""
    alt: str
    """The alternative text of the media."""
    buttons: tuple[Button, ...]
    then: tuple[str, ...]
    """Ids of the jobs that were created with this answer."""
    result: Result | None
    error: Fault | None

    @property
    def is_final(self) -> bool:
        """Return whether the job does not change any more."""
        return self.state in State.FINAL


class Error(Answer):
    """The body of every answer with a status of 400 or more."""

    status: Literal["error"] = "error"
    error: Fault


class Health(Answer):
    """Says that the server runs."""

    status: Literal["ok"] = "ok"


class FileAnswer(Answer):
    """A finished job with its files. Its other fields are the facts of the result."""

    model_config = ConfigDict(extra="allow")

    status: Literal["success"] = "success"
    id: str
    cached: bool
    """Whether the result is that of an earlier job."""
    notes: tuple[str, ...]
    """What the visitor should know about the result."""
