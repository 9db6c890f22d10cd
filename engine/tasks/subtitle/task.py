"""Speech in a sound or a video to subtitles: heard, cut into cues, drawn into the video."""

import time

from engine.core.errors import BadInput, Sentence
from engine.core.job import Fact, Media, Result
from engine.core.task import Task
from engine.media.video import Probe, Watch, conversions, described, other_sounds, probe
from engine.tasks.subtitle import files, styles, whisper
from engine.tasks.subtitle.fonts import language_of
from engine.tasks.subtitle.params import Params
from engine.tasks.subtitle.reading import MAX_BYTES, read_subtitles, too_large
from engine.tasks.subtitle.render import AUDIOGRAM, Renderer, furnish
from engine.tasks.subtitle.sources import Given, Heard, Speech
from engine.tasks.subtitle.styles import Look
from engine.tasks.subtitle.transcriber import HEARD, Listener
from engine.tasks.subtitle.typefaces import typefaces
from engine.tasks.subtitle.whisper import Transcript
from engine.worker.context import Context

PROBED = 30.0
"""Seconds that looking at a recording may take."""

LIMIT = 3600.0
"""Seconds that one run of FFmpeg may take; the engine's own limit ends a job sooner."""


def run(params: Params, context: Context) -> Result:
    """Listen where that is not done yet, cut, and draw. Raises BadInput for a damaged recording or SRT."""
    begun = time.monotonic()
    context.progress("reading", 0)
    found = probe(params.media.path, params.media.mime, watch=Watch(context.cancelled, PROBED))
    if not found.sound and params.srt is None:
        raise BadInput("The video has no sound, so there is nothing to hear. Attach one with speech.")
    speech, notes = _given(params.srt, context, found) if params.srt else _heard(params, context, found)
    notes += conversions(found) if params.burn else other_sounds(found)
    if not speech.cues(context.check):
        notes += (Sentence(template="No speech was heard in it, so there is nothing to write."),)
        return Result(notes=notes, facts=_facts(params, context, speech, begun))
    notes += _unseen(context, speech)
    look = _look(params, found, speech.language)
    media = (_drawn(params, context, found, speech, look), _written(params, context, speech, look))
    return Result(media=media, notes=notes, facts=_facts(params, context, speech, begun))


def _given(srt: Media, context: Context, found: Probe) -> tuple[Speech, tuple[Sentence, ...]]:
    if srt.bytes > MAX_BYTES:
        raise too_large(srt.bytes)
    read = read_subtitles(srt.path.read_bytes(), context.check, found.seconds)
    return Given(read.cues, language_of("".join(cue.text for cue in read.cues)) or "en"), read.notes


def _heard(params: Params, context: Context, found: Probe) -> tuple[Speech, tuple[Sentence, ...]]:
    listener = Listener(context, params.media, (params.language or "").lower() or None, found)
    if params.translate:
        english, notes = listener.english()
        return Heard(english), notes
    transcript = listener.original()
    if not params.bilingual or transcript.languages == ("en",):
        return Heard(transcript), _languages(transcript)
    english, notes = listener.english()
    return Heard(transcript, english), notes + _languages(transcript)


def _languages(transcript: Transcript) -> tuple[Sentence, ...]:
    """Return a note where more than one language was heard."""
    if len(transcript.languages) < 2:
        return ()
    template = "More than one language is spoken in it ({languages}); each is written as it is spoken."
    return (Sentence(template=template, facts={"languages": ", ".join(transcript.languages)}),)


def _unseen(context: Context, speech: Speech) -> tuple[Sentence, ...]:
    """Name the characters that no font has; they are drawn as boxes."""
    lacking = typefaces(context.weights).lacking("".join(cue.text for cue in speech.cues(context.check)))
    if not lacking:
        return ()
    told = {"characters": " ".join(lacking[:10]), "count": len(lacking)}
    return (Sentence(template="No font here has these characters, {count} in all: {characters}", facts=told),)


def _look(params: Params, found: Probe, language: str) -> Look:
    width, height = (found.video.width, found.video.height) if found.video else AUDIOGRAM
    return Look(params.style, width, height, params.size, params.colour, params.place, language, params.font)


def _drawn(params: Params, context: Context, found: Probe, speech: Speech, look: Look) -> Media:
    """The video with its subtitles, kept."""

    def on_seconds(seconds: float) -> None:
        part = min(1.0, seconds / max(found.seconds, 0.01))
        context.progress("writing subtitles into the video", HEARD + (1 - HEARD) * part)

    with context.scratch() as folder:
        furnish(folder)
        renderer = Renderer(folder, Watch(context.cancelled, LIMIT), typefaces(context.weights))
        if found.video is None:
            made = renderer.audiogram(params.media, _ass(context, speech, look), found.seconds, on_seconds, found)
        elif params.burn:
            made = renderer.burn(params.media, _ass(context, speech, look), on_seconds, found)
        else:
            srt = files.srt(speech.cues(context.check))
            made = renderer.mux(params.media, srt, speech.language, on_seconds, found)
        kept = context.keep_file(made)
        return described(kept, probe(kept.path, kept.mime, watch=Watch(context.cancelled, PROBED)))


def _ass(context: Context, speech: Speech, look: Look) -> str:
    return styles.ass(speech.cues(context.check, look.line), look, typefaces(context.weights), check=context.check)


def _written(params: Params, context: Context, speech: Speech, look: Look) -> Media:
    """The subtitles as a file of their own, kept."""
    if params.format == "ass":
        text = _ass(context, speech, look)
    else:
        text = {"srt": files.srt, "vtt": files.vtt}[params.format](speech.cues(context.check))
    return context.keep_file(text.encode(), f".{params.format}")


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


TASK = Task(name="subtitle", version=whisper.VERSION, params=Params, run=run, choose=whisper.choose, load=whisper.load)
