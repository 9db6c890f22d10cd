"""The results of one user, page by page."""

import sqlite3

from storage.jobs import HAS_RESULT, JobRecord, record_of
from storage.store_base import StoreBase

_RESULTS = f"SELECT * FROM jobs WHERE user = :user AND {HAS_RESULT} AND (:private OR NOT private)"  # noqa: S608
_NUMBER = "(SELECT number FROM jobs WHERE id = :job)"


class History(StoreBase):
    """Reads the results of a user in the order in which they were asked for."""

    async def results_before(self, user: str, job: str, count: int, *, private: bool) -> list[JobRecord]:
        """Return the user's last results before the job, newest first; the newest of all if `job` is empty.

        Private ones are included only if `private`. There is none before an unknown job.
        """
        place = f"AND number < {_NUMBER}" if job else ""
        query = f"{_RESULTS} {place} ORDER BY number DESC LIMIT :count"
        return await self._read_results(query, {"user": user, "job": job, "count": count, "private": private})

    async def results_after(self, user: str, job: str, count: int, *, private: bool) -> list[JobRecord]:
        """Return the user's first results after the job, newest first. See `results_before`."""
        query = f"{_RESULTS} AND number > {_NUMBER} ORDER BY number LIMIT :count"
        rows = await self._read_results(query, {"user": user, "job": job, "count": count, "private": private})
        return rows[::-1]

    async def _read_results(self, query: str, facts: dict[str, str | int]) -> list[JobRecord]:
        """Return the rows. Ids come from users, and SQLite rejects lone surrogates, which no id has."""
        facts["job"] = str(facts["job"]).encode(errors="replace").decode()

        def read(db: sqlite3.Connection) -> list[JobRecord]:
            return [record_of(row) for row in db.execute(query, facts)]

        return await self._database.read(read)
