"""The buttons Yes and No under a question that is asked before jobs are created."""

from bot.core.command import Agreed, Reply
from bot.requests.call import Call, command
from bot.requests.confirmations import agreed, own
from bot.requests.results import Of


@command("Agree to a job that you were asked about", hidden=True, replacing=True)
async def yes(call: Call, params: Of) -> Agreed:
    return await agreed(call, params.job)


@command("Leave a job that you were asked about", hidden=True, withdrawing=True)
async def no(call: Call, params: Of) -> Reply:
    question = await own(call, params.job)
    await call.studio.store.unask(question.name)
    return Reply(call.say("It is left."))
