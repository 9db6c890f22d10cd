"""Transcribe the recording of a job, or load the transcript of an earlier job."""

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
"""Share of a job's progress that transcription takes."""


class Transcriber:
    """Transcribes one recording for one job. With `language` None, the language is detected."""

    def __init__(self, context: Context, media: Media, language: str | None, source_info: Probe | None = None) -> None:
        self._context = context
        self._media = media
        self._language = language
        self._source_info = source_info
        self._store = Transcripts(context.folder / "transcripts")

    def transcribe(self) -> Transcript:
        """Return the transcript in the languages spoken. Raises BadInput for damaged sound, and Cancelled."""
        return self._load_or_run("transcribe", self._context.service.model)

    def translate(self) -> tuple[Transcript, tuple[UserMessage, ...]]:
        """Return the transcript in English, and notes for the user. Raises like `transcribe`.

        large-v3-turbo was not trained to translate, so the small model does it instead.
        """
        model = self._context.service.model
        if model != TURBO:
            return self._load_or_run("translate", model), ()
        note = UserMessage(
            template="{name} made the translation, because large-v3-turbo can't translate.", facts={"name": BASE}
        )
        return self._load_or_run("translate", BASE), (note,)

    def _load_or_run(self, task: str, model: str) -> Transcript:
        transcript = self._store.find(self._media.sha256, model, self._language, task)
        if transcript is None:
            transcript = self._run(task, model)
            self._store.save(transcript, self._media.sha256, model, self._language, task)
        return transcript

    def _run(self, task: str, model: str) -> Transcript:
        self._context.progress("loading", 0)
        if model != self._context.service.model:
            registry.fetch(registry.find_weight(model), self._context.weights)
            other = Whisper(registry.path_or_raise(model, self._context.weights), "cpu")
            return self._run_on(other, task)
        with self._context.model("subtitle") as whisper:
            return self._run_on(whisper, task)

    def _run_on(self, whisper: Whisper, task: str) -> Transcript:
        context = self._context

        def report(fraction: float) -> None:
            context.progress("transcribing", TRANSCRIBED_SHARE * fraction)

        report(0)
        return whisper.transcribe(self._samples(), self._language, task, context.check, report)

    def _samples(self) -> "NDArray[np.float32]":
        try:
            return read_mono(
                self._media.path,
                self._media.mime,
                SAMPLE_RATE,
                CancelOrTimeout(self._context.cancelled),
                self._source_info,
            )
        except FFmpegFailed as error:
            raise BadInput("This audio is damaged. Try another copy.") from error
