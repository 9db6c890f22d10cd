"""The buttons Yes and No under a question that is asked before jobs are created."""

from bot.core.command import Confirmed, Reply
from bot.requests.call import Call, command
from bot.requests.confirmations import accept, load_own_question
from bot.requests.results import JobParams


@command("Agree to a job that you were asked about", hidden=True, replaces_message=True)
async def yes(call: Call, params: JobParams) -> Confirmed:
    return await accept(call, params.job)


@command("Leave a job that you were asked about", hidden=True, deletes_message=True)
async def no(call: Call, params: JobParams) -> Reply:
    question = await load_own_question(call, params.job)
    await call.studio.store.delete_question(question.name)
    return Reply(call.translate("It is left."))
