"""The card that shows a job: the same text, progress bar and buttons on every platform."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.capabilities import display_model
from bot.core.command import Button, Command, Replied
from bot.core.updates import LimitWait
from bot.i18n.format import format_duration, format_share
from bot.i18n.translate import Language, translate, translate_message
from bot.presentation.buttons import buttons_for
from engine.core.job import Done, Failed, Media, Paused, Progress, Queued, Result, Started, Update

BAR_CHARACTERS = 12
"""Length of the progress bar."""
TIERS = {"embedded": "embedded tier", "full": "full tier"}
MODEL_TITLES = {"grammar": "built-in rules"}
"""How people read the models whose names are internal words."""


@dataclass(frozen=True)
class Card:
    """The content of the message that shows a job at one moment."""

    text: str
    #: The results if the card is final, and a preview before that.
    media: tuple[Media, ...] = ()
    buttons: tuple[Button, ...] = ()
    #: The job that is shown, or an empty string for an answer without a job.
    job: str = ""
    #: Whether the job has ended, so that no other card follows.
    final: bool = False
    #: The alternative text of the media.
    alt: str = ""
    #: Whether the text is an error message.
    failed: bool = False
    #: Whether every pixel of the media matters, as in an enlarged picture.
    exact: bool = False


def card_of(update: Update, language: Language, commands: Sequence[Command]) -> Card:
    """Return the card for an update. `commands` are the commands that its buttons can call."""
    match update:
        case Queued():
            return _running(update.job, _waiting(update, language), language)
        case Started():
            return _running(update.job, translate("Starting…", language), language)
        case Progress():
            preview = (update.preview,) if update.preview else ()
            return _running(update.job, _progress(update, language), language, preview)
        case Paused():
            text = "⏸️ " + translate("The studio is restarting. This job will continue when it is back.", language)
            return _running(update.job, text, language)
        case Done():
            reply_buttons = update.buttons if isinstance(update, Replied) else ()
            buttons = (*reply_buttons, *buttons_for(update.job, update.result, commands, language))
            alt = _alt(update.result) if update.result.media else ""
            return Card(
                _answer(update, language),
                update.result.media,
                buttons,
                job=update.job,
                final=True,
                alt=alt,
                exact="scale" in update.result.facts,
            )
        case Failed():
            error = translate_message(update.sentence, language)
            return Card(f"⚠️ {error}", job=update.job, final=True, failed=True)


def _running(job: str, text: str, language: Language, preview: tuple[Media, ...] = ()) -> Card:
    return Card(text, preview, (cancel_button(job, language),), job)


def cancel_button(job: str, language: Language) -> Button:
    """Return the button that cancels the job, or shows its outcome once it has ended."""
    return Button(translate("Cancel", language), "cancel", job)


def _waiting(update: Queued, language: Language) -> str:
    if isinstance(update, LimitWait):
        return _limit_wait(update, language)
    place = translate("Number {place:,} in the queue.", language, place=update.place)
    if update.paused:
        return f"{place} {translate('The queue is paused.', language)}"
    if update.seconds_left is None:
        return place
    start = translate("Starts in about {time:duration}.", language, time=update.seconds_left)
    return f"{place} {start}"


def _limit_wait(update: LimitWait, language: Language) -> str:
    return translate(
        "You have reached the limit of /{command}: {count} in {window:duration}. This one starts in"
        " about {time:duration}.",
        language,
        command=update.command,
        count=update.count,
        window=update.window,
        time=update.seconds_left or 0.0,
    )


def _progress(update: Progress, language: Language) -> str:
    full = round(update.fraction * BAR_CHARACTERS)
    parts = [
        translate_message(update.sentence, language),
        "▰" * full + "▱" * (BAR_CHARACTERS - full),
        format_share(update.fraction, language),
    ]
    if update.seconds_left is not None:
        parts.append(translate("{time:duration} left", language, time=round(update.seconds_left)))
    return " · ".join(parts)


def _answer(done: Done, language: Language) -> str:
    """Return the prompt, the result's text, the facts that reproduce it, and its notes, each on its own line."""
    result = done.result
    notes = [translate_message(note, language) for note in result.notes]
    return "\n".join(line for line in (_alt(result), result.text, _describe_result(done, language), *notes) if line)


def _describe_result(done: Done, language: Language) -> str:
    """Return seed, model, tier and time in one line, or an empty string for a result that no model made."""
    facts = done.result.facts
    if "seconds" not in facts:
        return ""
    parts = [translate("seed {seed}", language, seed=str(facts["seed"]))] if "seed" in facts else []
    model = str(facts["model"])
    parts.append(translate(MODEL_TITLES[model], language) if model in MODEL_TITLES else display_model(model))
    parts += [translate(TIERS[str(facts["tier"])], language)] if "tier" in facts else []
    parts.append(
        translate("from the cache", language)
        if done.cached
        else format_duration(float(str(facts["seconds"])), language)
    )
    return " · ".join(parts)


def _alt(result: Result) -> str:
    return str(result.facts.get("prompt", ""))
