"""Hears a recording, or remembers what it heard."""

from typing import TYPE_CHECKING

from engine.core.errors import BadInput, UserMessage
from engine.core.job import Media
from engine.media.video import CancelOrTimeout, FFmpegFailed, Probe, read_mono
from engine.tasks.subtitle.transcripts import Transcripts
from engine.tasks.subtitle.whisper import BASE, SAMPLE_RATE, TURBO, Transcript, Whisper
from engine.weights import registry
from engine.worker.context import Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRANSCRIBED_SHARE = 0.6
"""The part of a job that hearing takes."""


class Transcriber:
    """One recording as one job hears it. `language` is None where the speech tells it."""

    def __init__(self, context: Context, media: Media, language: str | None, found: Probe | None = None) -> None:
        self._context = context
        self._media = media
        self._language = language
        self._found = found
        self._kept = Transcripts(context.folder / "transcripts")

    def original(self) -> Transcript:
        return self._hear("transcribe", self._context.service.model)

    def english(self) -> tuple[Transcript, tuple[UserMessage, ...]]:
        """What was said, in English. large-v3-turbo was trained to transcribe alone, so the small model translates."""
        model = self._context.service.model
        if model != TURBO:
            return self._hear("translate", model), ()
        note = UserMessage(
            template="The English is of {name}, since large-v3-turbo does not translate.", facts={"name": BASE}
        )
        return self._hear("translate", BASE), (note,)

    def _hear(self, task: str, model: str) -> Transcript:
        found = self._kept.find(self._media.sha256, model, self._language, task)
        if found is None:
            found = self._listen(task, model)
            self._kept.keep(found, self._media.sha256, model, self._language, task)
        return found

    def _listen(self, task: str, model: str) -> Transcript:
        self._context.progress("loading", 0)
        if model != self._context.service.model:
            registry.fetch(registry.find_weight(model), self._context.weights)
            other = Whisper(registry.path_or_raise(model, self._context.weights), "cpu")
            return self._ask(other, task)
        with self._context.model("subtitle") as whisper:
            return self._ask(whisper, task)

    def _ask(self, whisper: Whisper, task: str) -> Transcript:
        context = self._context

        def report(part: float) -> None:
            context.progress("listening", TRANSCRIBED_SHARE * part)

        report(0)
        return whisper.transcribe(self._samples(), self._language, task, context.check, report)

    def _samples(self) -> "NDArray[np.float32]":
        try:
            return read_mono(
                self._media.path, self._media.mime, SAMPLE_RATE, CancelOrTimeout(self._context.cancelled), self._found
            )
        except FFmpegFailed as error:
            raise BadInput("The sound is damaged: it cannot be decoded. Attach another one.") from error
