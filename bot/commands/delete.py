"""Delete: what a job made goes, its message with it."""

from bot.command import Call, Reply, command
from bot.results import Of
from bot.rights import may_rule
from engine.errors import BadInput, NotAllowed


@command("Delete what a job made", button="Delete", hidden=True, withdrawing=True)
async def delete(call: Call, params: Of) -> Reply:
    row = await call.studio.store.job(params.job)
    if row is None or row.result is None:
        raise BadInput("There is nothing here that job {job} made. Ask for it again.", job=params.job)
    if not may_rule(call.request, row.job):
        raise NotAllowed("Only who asked for it, or an admin, may delete what job {job} made.", job=params.job)
    await call.studio.store.forget(params.job)
    return Reply(call.say("Deleted."), facts={"job": params.job})
