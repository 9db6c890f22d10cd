"""A job as the API shows it: the one shape of `GET /jobs/{id}`, its events, and the answer to `POST /jobs`."""

import base64
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bot.adapters.web.errors import error_body
from bot.adapters.web.session import Client
from bot.core.command import Button, Command, Replied
from bot.i18n.translate import Language, translate
from bot.presentation.buttons import deletes_message, edit_prompt, replaces_message
from bot.presentation.card import card_of
from bot.presentation.signing import Signer
from engine.core.job import Done, Failed, Media, Paused, Progress, Queued, Result, Started, Update
from storage.store import JobRecord

ENDED = ("done", "failed", "cancelled")


class Views:
    """`keys` sign the addresses of media, so that they open for their own visitor alone; `commands` have buttons."""

    def __init__(self, keys: Signer, commands: Sequence[Command]) -> None:
        self._keys = keys
        self._commands = commands

    def state(self, update: Update, client: Client) -> dict[str, Any]:
        """`text` and `buttons` are the card's; `stage` is in the visitor's language, `fraction` 0 to 1 of the job.

        `seconds_left` is until its end, or until its start where it waits.
        """
        card = card_of(update, client.language, self._commands)
        progress = update if isinstance(update, Progress) else None
        return {
            "id": update.job or None,
            "state": _state(update),
            "place": update.place if isinstance(update, Queued) else None,
            "stage": translate(progress.stage, client.language, **progress.facts) if progress else None,
            "fraction": progress.fraction if progress else None,
            "seconds_left": update.seconds_left if isinstance(update, Progress | Queued) else None,
            "preview": self.media(progress.preview, client) if progress and progress.preview else None,
            "cached": isinstance(update, Done) and update.cached,
            "text": card.text,
            "alt": card.alt,
            "buttons": [self._button(each, client.language) for each in card.buttons],
            "then": [job.id for job in update.jobs] if isinstance(update, Replied) else [],
            "result": self.result(update.result, client) if isinstance(update, Done) else None,
            "error": error_body(update.error(), client.language) if isinstance(update, Failed) else None,
        }

    def waiting(self, row: JobRecord, place: int | None, client: Client) -> dict[str, Any]:
        """A job that is carried for another connection or platform, or for nobody while the studio stops or starts."""
        return self.state(_standing(row, place), client)

    def _button(self, button: Button, language: Language) -> dict[str, Any]:
        more = {
            "about": edit_prompt(button.id, self._commands, language),
            "withdraws": deletes_message(button.id, self._commands),
            "replaces": replaces_message(button.id, self._commands),
        }
        return {**asdict(button), **more}

    def result(self, result: Result, client: Client) -> dict[str, Any]:
        return {
            "text": result.text,
            "facts": result.facts,
            "media": [self.media(media, client) for media in result.media],
        }

    def media(self, media: Media, client: Client) -> dict[str, Any]:
        suffix = media.path.suffix
        key = self._keys.sign("media", client.user, media.sha256)
        about = media.model_dump(mode="json", exclude={"path"})
        name = f"atelier-{media.sha256[:8]}{suffix}"
        return {"url": f"/media/{media.sha256}{suffix}?key={key}", "name": name, **about}

    def may_see(self, sha256: str, key: str, client: Client) -> bool:
        return self._keys.verify(key, "media", client.user, sha256)


def data_uri(media: Media) -> str:
    return f"data:{media.mime};base64,{base64.b64encode(media.path.read_bytes()).decode()}"


def _standing(row: JobRecord, place: int | None) -> Update:
    if place:
        return Queued(job=row.job.id, place=place)
    return Paused(job=row.job.id) if place is None else Started(job=row.job.id, worker="")


def _state(update: Update) -> str:
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
