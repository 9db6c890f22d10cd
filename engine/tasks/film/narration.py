"""What is said in each scene, and what is heard in a recording: voices with the times of their words, and captions."""

from typing import TYPE_CHECKING, Any

from engine.core.artifact_cache import key_of
from engine.core.job import Fact, Result
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import SIZES
from engine.tasks.film.timeline import Voice
from engine.tasks.film.titles import look
from engine.tasks.speech.languages import base
from engine.tasks.subtitle.cues import Cue, Word
from engine.tasks.subtitle.cutting import cut_cues
from engine.tasks.subtitle.sources import clip_to_end
from engine.tasks.subtitle.transcriber import Transcriber

if TYPE_CHECKING:
    from engine.tasks.subtitle.whisper import Transcript


class Narration:
    """Needs no folder to work in: at an end that is not waited for, it may still be at a sentence."""

    def __init__(self, work: FilmContext) -> None:
        self._work = work
        self._film = work.film
        self._context = work.context
        self._listened: Transcript | None = None

    def spoken(self, number: int) -> Voice | None:
        """What is said in a scene, counted from 0; None where nothing is. Raises BadInput, and Cancelled."""
        text = self._film.scenes[number].narration
        made = None
        if text:
            from engine.tasks.speech import identity

            key = key_of("voice", identity(self._context.weights), self._film.language, self._film.voice, text)
            made = self._work.stage(f"voice {number}", key, lambda: self._narrate(text), "spoken")
        self._work.check()
        self._work.news.finish_scenes("spoken", number + 1)
        return _voice(made) if made else None

    def _narrate(self, text: str) -> Result:
        from engine.tasks.film.sound.word_timing import narrate
        from engine.tasks.speech import wav

        film, check = self._film, self._work.check
        with self._context.model("voice") as speaker:
            spoken, words = narrate(text, speaker, check, language=film.language, voice=film.voice)
        facts: dict[str, Fact] = {
            "words": [[word.text, word.start, word.end] for word in words],
            "voice": spoken.voice,
            "language": spoken.language,
        }
        self._work.check()
        kept = self._context.save_file(wav(spoken), ".wav")
        media = kept.model_copy(update={"seconds": round(spoken.seconds, 3)})
        return Result(media=(media,), notes=spoken.notes, facts=facts)

    def listen(self) -> None:
        """To the recording that was given, where subtitles are asked for."""
        if self._film.sound is not None and self._film.subtitles:
            language = base(self._film.language) if self._film.language else None
            transcriber = Transcriber(self._context.for_task("subtitle"), self._film.sound, language)
            self._listened = transcriber.transcribe()

    def heard(self) -> tuple[list[Cue], str]:
        """What is said in that recording, as captions, and its language; none where nobody listened."""
        if (transcript := self._listened) is None:
            return [], "en"
        line = look(SIZES[self._film.shape], transcript.language).line_cells
        cues = cut_cues(transcript.words, line, transcript.language)
        return clip_to_end(cues, transcript.seconds), transcript.language


def _voice(made: Result) -> Voice:
    facts: Any = made.facts  # as `_narrate` wrote them
    words = tuple(Word(text, start, end) for text, start, end in facts["words"])
    return Voice(made.media[0], words, facts["language"], facts["voice"])
