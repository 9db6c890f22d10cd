"""The state of a job as the API returns it from `GET /jobs/{id}`, its events and `POST /jobs`."""

from collections.abc import Sequence
from typing import Literal

from bot.adapters.web import models
from bot.adapters.web.errors import fault_of
from bot.adapters.web.session import Client
from bot.core.command import Button, ButtonAction, Command, Replied
from bot.i18n.translate import Language, translate_message
from bot.presentation.buttons import action_of, edit_prompt
from bot.presentation.card import card_of
from bot.presentation.signing import Signer
from engine.core.job import Done, Failed, Media, Paused, Progress, Queued, Result, Started, Update
from storage.store import JobRecord

StateName = Literal["queued", "running", "done", "failed", "cancelled"]


class Views:
    """Renders updates. `signer` signs the addresses of media, so that they open for their own visitor only."""

    def __init__(self, signer: Signer, commands: Sequence[Command]) -> None:
        self._signer = signer
        self._commands = commands

    def state(self, update: Update, client: Client) -> models.State:
        """Return the state that the update stands for. `text` and `buttons` come from the card."""
        card = card_of(update, client.language, self._commands)
        progress = update if isinstance(update, Progress) else None
        return models.State(
            id=update.job or None,
            state=_state_name(update),
            place=update.place if isinstance(update, Queued) else None,
            stage=translate_message(progress.sentence, client.language) if progress else None,
            fraction=progress.fraction if progress else None,
            seconds_left=update.seconds_left if isinstance(update, Progress | Queued) else None,
            preview=self.media(progress.preview, client) if progress and progress.preview else None,
            cached=isinstance(update, Done) and update.cached,
            text=card.text,
            alt=card.alt,
            buttons=tuple(self._button(button, client.language) for button in card.buttons),
            then=tuple(job.id for job in update.jobs) if isinstance(update, Replied) else (),
            result=self.result(update.result, client) if isinstance(update, Done) else None,
            error=fault_of(update.error(), client.language) if isinstance(update, Failed) else None,
        )

    def stored_state(self, row: JobRecord, place: int | None, client: Client) -> models.State:
        """Return the state of a job that another connection or platform follows, or that nobody follows during a
        restart.

        `place` is its place in the queue: 0 while it runs, None where the queue does not hold it.
        """
        return self.state(_update_of_row(row, place), client)

    def _button(self, button: Button, language: Language) -> models.Button:
        action = action_of(button.id, self._commands)
        return models.Button(
            label=button.label,
            command=button.command,
            argument=button.argument,
            edit=button.edit,
            about=edit_prompt(button.id, self._commands, language),
            withdraws=action is ButtonAction.DELETE,
            replaces=action is ButtonAction.REPLACE,
        )

    def result(self, result: Result, client: Client) -> models.Result:
        """Return a result as the API shows it."""
        media = tuple(self.media(media, client) for media in result.media)
        return models.Result(text=result.text, facts=result.facts, media=media)

    def media(self, media: Media, client: Client) -> models.Media:
        """Return a file with an address that only this visitor can open."""
        suffix = media.path.suffix
        key = self._signer.sign("media", client.user, media.sha256)
        return models.Media(
            url=f"/media/{media.sha256}{suffix}?key={key}",
            name=f"atelier-{media.sha256[:8]}{suffix}",
            **media.model_dump(exclude={"path"}),
        )

    def can_open(self, sha256: str, key: str, client: Client) -> bool:
        """Return whether the address of the file was signed for this visitor."""
        return self._signer.verify(key, "media", client.user, sha256)


def _update_of_row(row: JobRecord, place: int | None) -> Update:
    """Return the update that stands for a stored job that is not final."""
    if place:
        return Queued(job=row.job.id, place=place)
    return Paused(job=row.job.id) if place is None else Started(job=row.job.id, worker="")


def _state_name(update: Update) -> StateName:
    """Return the name of the update's state in the API."""
    match update:
        case Queued() | Paused():
            return "queued"
        case Done():
            return "done"
        case Failed(kind="Cancelled"):
            return "cancelled"
        case Failed():
            return "failed"
        case _:
            return "running"
