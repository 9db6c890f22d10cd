"""What users decide: their answers to questions, their consents, and small values that the bot stores."""

from engine.core.job import Job
from storage import commands_off, consents, forms, jobs, notes, questions
from storage.consents import Consent
from storage.questions import Question
from storage.store_base import StoreBase


class Decisions(StoreBase):
    """The questions that wait for an answer, the consents that users gave, and the notes."""

    async def add_question(self, question: Question) -> None:
        """Store a question with its jobs, and keep the files of these jobs while it is open."""
        await self._database.write(lambda db: questions.insert(db, question))

    async def get_question(self, name: str) -> Question | None:
        """Return the open question of this name, or None if it was answered, has expired or never existed."""
        return await self._database.read(lambda db: questions.find(db, name, self._clock()))

    async def delete_question(self, name: str) -> bool:
        """Delete a question. Returns whether it existed."""
        return await self._database.write(lambda db: questions.delete(db, name))

    async def mark_as_question(self, request: str, seconds: float) -> None:
        """Remember for `seconds` that the platform's message `request` was answered with a question."""
        until = self._clock() + seconds
        await self._database.write(lambda db: questions.mark_shown(db, request, until))

    async def is_duplicate(self, request: str) -> bool:
        """Return whether the platform's message `request` has already produced a job or a question."""
        now = self._clock()
        return await self._database.read(
            lambda db: jobs.has_job_for(db, request) or questions.is_answered_by_question(db, request, now)
        )

    async def add_form(self, form: str, body: str, seconds: float) -> None:
        """Store for `seconds` what the form of this id goes on with when it is submitted."""
        until = self._clock() + seconds
        await self._database.write(lambda db: forms.insert(db, form, body, until))

    async def get_form(self, form: str) -> str | None:
        """Return what `add_form` stored, or None if it has expired or never existed."""
        return await self._database.read(lambda db: forms.find(db, form, self._clock()))

    async def switch_command(self, place: str, command: str, *, off: bool) -> None:
        """Turn a command off or on in a server or group."""
        change = commands_off.insert if off else commands_off.delete
        await self._database.write(lambda db: change(db, place, command))

    async def commands_off(self, place: str) -> frozenset[str]:
        """Return the commands that are turned off in a server or group by those who manage it."""
        return await self._database.read(lambda db: commands_off.find(db, place))

    async def add_consent(self, job: Job, statement: str) -> None:
        """Store that the user of `job` agreed to the text whose SHA-256 is `statement`."""
        await self._database.write(lambda db: consents.record(db, job, statement, self._clock()))

    async def find_consent(self, user: str, command: str, statement: str) -> Consent | None:
        """Return the user's consent to this text for this command, or None if there is none."""
        return await self._database.read(lambda db: consents.find(db, user, command, statement))

    async def get_note(self, name: str) -> str | None:
        """Return the value stored under `name`, such as the hash of the commands that an adapter last synced."""
        return await self._database.read(lambda db: notes.get(db, name))

    async def set_note(self, name: str, value: str) -> None:
        """Store `value` under `name` and replace an earlier value."""
        await self._database.write(lambda db: notes.put(db, name, value))

    async def get_or_set_note(self, name: str, value: str) -> str:
        """Return the value stored under `name`; if there is none, store `value` and return it."""
        return await self._database.write(lambda db: notes.get_or_put(db, name, value))
