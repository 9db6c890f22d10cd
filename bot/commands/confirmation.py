"""The Yes and No buttons under a question that is asked before jobs are created."""

from bot.core.command import ButtonAction, ButtonSpec, Confirmed, Reply
from bot.requests.call import Call, command
from bot.requests.confirmations import accept, load_own_question
from bot.requests.contexts import QuestionKeeper
from bot.requests.results import JobParams


@command("Confirm the jobs in the question", button=ButtonSpec(action=ButtonAction.REPLACE), hidden=True)
async def yes(call: Call[QuestionKeeper], params: JobParams) -> Confirmed:
    """Accept the question's jobs. Raises as `confirmations.accept` does."""
    return await accept(call, params.job)


@command("Cancel the jobs in the question", button=ButtonSpec(action=ButtonAction.DELETE), hidden=True)
async def no(call: Call[QuestionKeeper], params: JobParams) -> Reply:
    """Close the question without creating its jobs. Raises as `confirmations.load_own_question` does."""
    question = await load_own_question(call, params.job)
    await call.studio.store.delete_question(question.name)
    return Reply(call.translate("Cancelled."))
