"""Notes: small named values."""

import asyncio

from storage.store import Store
from tests.storage.conftest import Reopen


async def test_of_concurrent_values_for_one_name_the_first_is_kept(store: Store) -> None:
    kept = await asyncio.gather(*(store.get_or_set_note("key", str(number)) for number in range(5)))
    assert kept == ["0"] * 5
    assert await store.get_note("key") == "0"


async def test_notes_survive_a_restart(reopen: Reopen) -> None:
    async with reopen() as store:
        assert await store.get_note("discord.commands") is None
        await store.set_note("discord.commands", "old")
        await store.set_note("discord.commands", "new")
    async with reopen() as store:
        assert await store.get_note("discord.commands") == "new"
