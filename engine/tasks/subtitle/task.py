"""Speech in a sound or a video to subtitles: heard, cut into cues, drawn into the video."""

import time

from engine.core.errors import BadInput, UserMessage
from engine.core.job import Fact, Media, Result
from engine.core.task import Task
from engine.media.video import CancelOrTimeout, Probe, conversion_notes, other_sound_notes, probe, with_dimensions
from engine.tasks.subtitle import backends
from engine.tasks.subtitle.drawing.fonts import language_of
from engine.tasks.subtitle.drawing.render import AUDIOGRAM, Renderer, furnish
from engine.tasks.subtitle.drawing.styles import SubtitleStyle, ass
from engine.tasks.subtitle.drawing.typefaces import typefaces
from engine.tasks.subtitle.files.reader import MAX_BYTES, read_subtitles, too_large
from engine.tasks.subtitle.files.writer import srt, vtt
from engine.tasks.subtitle.params import Params
from engine.tasks.subtitle.sources import Speech, TranscribedSubtitles, UserSubtitles
from engine.tasks.subtitle.transcriber import TRANSCRIBED_SHARE, Transcriber
from engine.tasks.subtitle.whisper import Transcript
from engine.worker.context import Context

PROBE_TIMEOUT_SECONDS = 30.0
"""Seconds that looking at a recording may take."""

TIMEOUT_SECONDS = 3600.0
"""Seconds that one run of FFmpeg may take; the engine's own limit ends a job sooner."""


def run(params: Params, context: Context) -> Result:
    """Listen where that is not done yet, cut, and draw. Raises BadInput for a damaged recording or SRT."""
    begun = time.monotonic()
    context.progress("reading", 0)
    found = probe(params.media.path, params.media.mime, watch=CancelOrTimeout(context.cancelled, PROBE_TIMEOUT_SECONDS))
    if not found.sound and params.srt is None:
        raise BadInput("The video has no sound, so there is nothing to hear. Attach one with speech.")
    speech, notes = _parse_subtitles(params.srt, context, found) if params.srt else _transcribe(params, context, found)
    notes += conversion_notes(found) if params.burn else other_sound_notes(found)
    if not speech.cues(context.check):
        notes += (UserMessage(template="No speech was heard in it, so there is nothing to write."),)
        return Result(notes=notes, facts=_facts(params, context, speech, begun))
    notes += _unseen(context, speech)
    style = _look(params, found, speech.language)
    media = (_burn_in(params, context, found, speech, style), _write_file(params, context, speech, style))
    return Result(media=media, notes=notes, facts=_facts(params, context, speech, begun))


def _parse_subtitles(srt: Media, context: Context, found: Probe) -> tuple[Speech, tuple[UserMessage, ...]]:
    if srt.bytes > MAX_BYTES:
        raise too_large(srt.bytes)
    read = read_subtitles(srt.path.read_bytes(), context.check, found.seconds)
    return UserSubtitles(read.cues, language_of("".join(cue.text for cue in read.cues)) or "en"), read.notes


def _transcribe(params: Params, context: Context, found: Probe) -> tuple[Speech, tuple[UserMessage, ...]]:
    transcriber = Transcriber(context, params.media, (params.language or "").lower() or None, found)
    if params.translate:
        english, notes = transcriber.english()
        return TranscribedSubtitles(english), notes
    transcript = transcriber.original()
    if not params.bilingual or transcript.languages == ("en",):
        return TranscribedSubtitles(transcript), _languages(transcript)
    english, notes = transcriber.english()
    return TranscribedSubtitles(transcript, english), notes + _languages(transcript)


def _languages(transcript: Transcript) -> tuple[UserMessage, ...]:
    """Return a note where more than one language was heard."""
    if len(transcript.languages) < 2:
        return ()
    template = "More than one language is spoken in it ({languages}); each is written as it is spoken."
    return (UserMessage(template=template, facts={"languages": ", ".join(transcript.languages)}),)


def _unseen(context: Context, speech: Speech) -> tuple[UserMessage, ...]:
    """Name the characters that no font has; they are drawn as boxes."""
    lacking = typefaces(context.weights).lacking("".join(cue.text for cue in speech.cues(context.check)))
    if not lacking:
        return ()
    told = {"characters": " ".join(lacking[:10]), "count": len(lacking)}
    return (UserMessage(template="No font here has these characters, {count} in all: {characters}", facts=told),)


def _look(params: Params, found: Probe, language: str) -> SubtitleStyle:
    width, height = (found.video.width, found.video.height) if found.video else AUDIOGRAM
    return SubtitleStyle(params.style, width, height, params.size, params.colour, params.place, language, params.font)


def _burn_in(params: Params, context: Context, found: Probe, speech: Speech, style: SubtitleStyle) -> Media:
    """The video with its subtitles, kept."""

    def on_seconds(seconds: float) -> None:
        part = min(1.0, seconds / max(found.seconds, 0.01))
        context.progress("writing subtitles into the video", TRANSCRIBED_SHARE + (1 - TRANSCRIBED_SHARE) * part)

    with context.temp_dir() as folder:
        furnish(folder)
        renderer = Renderer(folder, CancelOrTimeout(context.cancelled, TIMEOUT_SECONDS), typefaces(context.weights))
        if found.video is None:
            made = renderer.audiogram(params.media, _ass(context, speech, style), found.seconds, on_seconds, found)
        elif params.burn:
            made = renderer.burn(params.media, _ass(context, speech, style), on_seconds, found)
        else:
            text = srt(speech.cues(context.check))
            made = renderer.mux(params.media, text, speech.language, on_seconds, found)
        kept = context.save_file(made)
        return with_dimensions(
            kept, probe(kept.path, kept.mime, watch=CancelOrTimeout(context.cancelled, PROBE_TIMEOUT_SECONDS))
        )


def _ass(context: Context, speech: Speech, style: SubtitleStyle) -> str:
    return ass(speech.cues(context.check, style.line), style, typefaces(context.weights), check=context.check)


def _write_file(params: Params, context: Context, speech: Speech, style: SubtitleStyle) -> Media:
    """The subtitles as a file of their own, kept."""
    if params.format == "ass":
        text = _ass(context, speech, style)
    else:
        text = {"srt": srt, "vtt": vtt}[params.format](speech.cues(context.check))
    return context.save_file(text.encode(), f".{params.format}")


def _facts(params: Params, context: Context, speech: Speech, begun: float) -> dict[str, Fact]:
    service = context.service
    made_by: dict[str, Fact] = {"backend": service.backend, "tier": service.tier, "model": service.model}
    if params.srt is not None:
        made_by = {"backend": "ffmpeg", "tier": service.tier, "model": "SRT"}
    about: dict[str, Fact] = {
        "language": speech.language,
        "style": params.style,
        "cues": len(speech.cues(context.check)),
    }
    return made_by | about | {"seconds": round(time.monotonic() - begun, 2)}


TASK = Task(
    name="subtitle", version=backends.VERSION, params=Params, run=run, choose=backends.choose, load=backends.load
)
