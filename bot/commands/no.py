"""No: the job that the person was asked about is left, the question goes."""

from bot.asking import own
from bot.command import Call, Reply, command
from bot.results import Of


@command("Leave a job that you were asked about", hidden=True, withdrawing=True)
async def no(call: Call, params: Of) -> Reply:
    question = await own(call, params.job)
    await call.studio.store.unask(question.name)
    return Reply(call.say("It is left."))
