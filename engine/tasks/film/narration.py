"""The speech of a film: narration synthesised for each scene, or a transcript of the user's recording, with
captions.
"""

from typing import TYPE_CHECKING, Any

from engine.core.artifact_cache import key_of
from engine.core.job import Fact, Result
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import SIZES
from engine.tasks.film.timeline import Voice
from engine.tasks.film.titles import caption_style
from engine.tasks.speech.languages import base_language
from engine.tasks.subtitle.cues import Cue, Word
from engine.tasks.subtitle.cutting import cut_cues
from engine.tasks.subtitle.sources import clip_to_end
from engine.tasks.subtitle.transcriber import Transcriber

if TYPE_CHECKING:
    from engine.tasks.subtitle.whisper import Transcript


class Narration:
    """Speaks the scenes of a film. It uses no temporary folder, so it may outlive the job by one sentence."""

    def __init__(self, work: FilmContext) -> None:
        self._work = work
        self._film = work.film
        self._context = work.context
        self._transcript: Transcript | None = None

    def speak(self, number: int) -> Voice | None:
        """Return the speech of scene `number`, counted from 0, or None if it has no narration. Raises BadInput and
        Cancelled.
        """
        text = self._film.scenes[number].narration
        result = None
        if text:
            from engine.tasks.speech import identity

            key = key_of("voice", identity(self._context.weights), self._film.language, self._film.voice, text)
            result = self._work.stage(f"voice {number}", key, lambda: self._synthesize(text), "spoken")
        self._work.check()
        self._work.progress.finish_scenes("spoken", number + 1)
        return _voice(result) if result else None

    def _synthesize(self, text: str) -> Result:
        from engine.tasks.film.sound.word_timing import narrate
        from engine.tasks.speech import encode_wav

        film, check = self._film, self._work.check
        with self._context.model("voice") as speaker:
            spoken, words = narrate(text, speaker, check, language=film.language, voice=film.voice)
        facts: dict[str, Fact] = {
            "words": [[word.text, word.start, word.end] for word in words],
            "voice": spoken.voice,
            "language": spoken.language,
        }
        self._work.check()
        saved = self._context.save_file(encode_wav(spoken), ".wav")
        media = saved.model_copy(update={"seconds": round(spoken.seconds, 3)})
        return Result(media=(media,), notes=spoken.notes, facts=facts)

    def transcribe_recording(self) -> None:
        """Transcribe the user's recording if the film has subtitles."""
        if self._film.sound is not None and self._film.subtitles:
            language = base_language(self._film.language) if self._film.language else None
            transcriber = Transcriber(self._context.for_task("subtitle"), self._film.sound, language)
            self._transcript = transcriber.transcribe()

    def recording_cues(self) -> tuple[list[Cue], str]:
        """Return the captions of the recording and its language. The list is empty if nothing was transcribed."""
        if (transcript := self._transcript) is None:
            return [], "en"
        line = caption_style(SIZES[self._film.shape], transcript.language).line_cells
        cues = cut_cues(transcript.words, line, transcript.language)
        return clip_to_end(cues, transcript.seconds), transcript.language


def _voice(result: Result) -> Voice:
    facts: Any = result.facts  # as written by `_synthesize`
    words = tuple(Word(text, start, end) for text, start, end in facts["words"])
    return Voice(result.media[0], words, facts["language"], facts["voice"])
