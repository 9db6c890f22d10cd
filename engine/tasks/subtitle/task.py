"""The `subtitle` task: transcribe a recording, cut the transcript into cues and draw them into the video."""

import time

from engine.core.errors import BadInput, UserMessage
from engine.core.job import Fact, Media, Result
from engine.core.task import Task
from engine.media.video import CancelOrTimeout, Probe, conversion_notes, other_sound_notes, probe, with_dimensions
from engine.tasks.subtitle import backends
from engine.tasks.subtitle.drawing.fonts import guess_language
from engine.tasks.subtitle.drawing.render import AUDIOGRAM_SIZE, Renderer, isolate_fonts
from engine.tasks.subtitle.drawing.styles import SubtitleStyle, format_ass
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.tasks.subtitle.files.reader import MAX_BYTES, read_subtitles, too_large_error
from engine.tasks.subtitle.files.writer import format_srt, format_vtt
from engine.tasks.subtitle.params import Params
from engine.tasks.subtitle.sources import SubtitleSource, TranscribedSubtitles, UserSubtitles
from engine.tasks.subtitle.transcriber import TRANSCRIBED_SHARE, Transcriber
from engine.tasks.subtitle.whisper import Transcript
from engine.worker.context import Context

PROBE_TIMEOUT_SECONDS = 30.0
"""Maximum time to probe a recording."""

TIMEOUT_SECONDS = 3600.0
"""Maximum time of one FFmpeg run. The engine's own limit usually ends a job sooner."""


def run(params: Params, context: Context) -> Result:
    """Return the video with subtitles and the subtitles as a file. Raises BadInput for a damaged recording or subtitle
    file.
    """
    started = time.monotonic()
    context.progress("reading", 0)
    source_info = probe(
        params.media.path, params.media.mime, watch=CancelOrTimeout(context.cancelled, PROBE_TIMEOUT_SECONDS)
    )
    if not source_info.sound and params.srt is None:
        raise BadInput("This video has no sound. Attach one with speech.")
    source, notes = (
        _parse_subtitles(params.srt, context, source_info) if params.srt else _transcribe(params, context, source_info)
    )
    notes += conversion_notes(source_info) if params.burn else other_sound_notes(source_info)
    if not source.cues(context.check):
        notes += (UserMessage(template="No speech was found, so there are no subtitles."),)
        return Result(notes=notes, facts=_facts(params, context, source, started))
    notes += _report_missing_characters(context, source)
    style = _subtitle_style(params, source_info, source.language)
    media = (_burn_in(params, context, source_info, source, style), _write_file(params, context, source, style))
    return Result(media=media, notes=notes, facts=_facts(params, context, source, started))


def _parse_subtitles(
    file: Media, context: Context, source_info: Probe
) -> tuple[SubtitleSource, tuple[UserMessage, ...]]:
    if file.bytes > MAX_BYTES:
        raise too_large_error(file.bytes)
    read = read_subtitles(file.path.read_bytes(), context.check, source_info.seconds)
    return UserSubtitles(read.cues, guess_language("".join(cue.text for cue in read.cues)) or "en"), read.notes


def _transcribe(params: Params, context: Context, source_info: Probe) -> tuple[SubtitleSource, tuple[UserMessage, ...]]:
    transcriber = Transcriber(context, params.media, (params.language or "").lower() or None, source_info)
    if params.translate:
        english, notes = transcriber.translate()
        return TranscribedSubtitles(english), notes
    transcript = transcriber.transcribe()
    if not params.bilingual or transcript.languages == ("en",):
        return TranscribedSubtitles(transcript), _report_languages(transcript)
    english, notes = transcriber.translate()
    return TranscribedSubtitles(transcript, english), notes + _report_languages(transcript)


def _report_languages(transcript: Transcript) -> tuple[UserMessage, ...]:
    """Return a note if more than one language was spoken."""
    if len(transcript.languages) < 2:
        return ()
    template = "Several languages are spoken ({languages}). Each is transcribed in its own language."
    return (UserMessage(template=template, facts={"languages": ", ".join(transcript.languages)}),)


def _report_missing_characters(context: Context, source: SubtitleSource) -> tuple[UserMessage, ...]:
    """Return a note about characters that no font covers. They are drawn as boxes."""
    missing = load_typefaces(context.weights).missing_characters(
        "".join(cue.text for cue in source.cues(context.check))
    )
    if not missing:
        return ()
    facts = {"characters": " ".join(missing[:10]), "count": len(missing)}
    return (
        UserMessage(
            template="No installed font has this character, so it appears as a box: {characters}",
            plural="No installed font has {count:,} of the characters, so they appear as boxes: {characters}",
            facts=facts,
        ),
    )


def _subtitle_style(params: Params, source_info: Probe, language: str) -> SubtitleStyle:
    width, height = (source_info.video.width, source_info.video.height) if source_info.video else AUDIOGRAM_SIZE
    return SubtitleStyle(params.style, width, height, params.size, params.colour, params.place, language, params.font)


def _burn_in(
    params: Params, context: Context, source_info: Probe, source: SubtitleSource, style: SubtitleStyle
) -> Media:
    """Return the saved video with its subtitles."""

    def on_seconds(seconds: float) -> None:
        part = min(1.0, seconds / max(source_info.seconds, 0.01))
        context.progress("adding subtitles", TRANSCRIBED_SHARE + (1 - TRANSCRIBED_SHARE) * part)

    with context.temp_dir() as folder:
        isolate_fonts(folder)
        renderer = Renderer(
            folder, CancelOrTimeout(context.cancelled, TIMEOUT_SECONDS), load_typefaces(context.weights)
        )
        if source_info.video is None:
            output = renderer.audiogram(
                params.media, _format_ass(context, source, style), source_info.seconds, on_seconds, source_info
            )
        elif params.burn:
            output = renderer.burn(params.media, _format_ass(context, source, style), on_seconds, source_info)
        else:
            text = format_srt(source.cues(context.check))
            output = renderer.mux(params.media, text, source.language, on_seconds, source_info)
        saved = context.save_file(output)
        return with_dimensions(
            saved, probe(saved.path, saved.mime, watch=CancelOrTimeout(context.cancelled, PROBE_TIMEOUT_SECONDS))
        )


def _format_ass(context: Context, source: SubtitleSource, style: SubtitleStyle) -> str:
    return format_ass(
        source.cues(context.check, style.line_cells), style, load_typefaces(context.weights), check=context.check
    )


def _write_file(params: Params, context: Context, source: SubtitleSource, style: SubtitleStyle) -> Media:
    """Return the saved subtitle file in the format asked for."""
    if params.format == "ass":
        text = _format_ass(context, source, style)
    else:
        text = {"srt": format_srt, "vtt": format_vtt}[params.format](source.cues(context.check))
    return context.save_file(text.encode(), f".{params.format}")


def _facts(params: Params, context: Context, source: SubtitleSource, started: float) -> dict[str, Fact]:
    makers = context.service.facts()
    if params.srt is not None:
        makers |= {"backend": "ffmpeg", "model": "SRT"}
    contents: dict[str, Fact] = {
        "language": source.language,
        "style": params.style,
        "cues": len(source.cues(context.check)),
    }
    return makers | contents | {"seconds": round(time.monotonic() - started, 2)}


TASK = Task(
    name="subtitle", version=backends.VERSION, params=Params, run=run, choose=backends.choose, load=backends.load
)
