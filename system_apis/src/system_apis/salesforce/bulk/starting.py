"""Starts a load so that a failure says either that nothing was written, or that nobody can know."""

from typing import Final

from shared.binding.call_context import calling, current_context
from shared.binding.problems import Problem, QuotaExceeded
from shared.contracts.system.salesforce_bulk import LoadInDoubt
from system_apis.salesforce.bulk.drafts import LoadDraft
from system_apis.salesforce.bulk.jobs import Jobs, as_batch
from system_apis.salesforce.faults import LIMIT_PAUSE_SECONDS

_SETTLING_SECONDS: Final = 5.0
"""Of the caller's time: kept for finding out what became of a release that was not answered."""


async def start(jobs: Jobs, draft: LoadDraft) -> str:
    """Make, fill and release a job; returns its id when Salesforce has begun it.

    A job writes nothing before its release. So whatever fails before that wrote nothing, and after a release of
    unknown outcome the job is looked up, and aborted if it was not begun.

    Raises:
        LoadInDoubt: Neither could be done.
        QuotaExceeded: The org has no batches left today.
        Problem: See `faults`; nothing was written.
    """
    with as_batch():
        try:
            with _in_less_time():
                job = await jobs.filled(draft.wanted, draft.content)
                try:
                    await jobs.release(job)
                except Problem as problem:
                    failure = problem
                else:
                    return job
        except QuotaExceeded as refused:
            raise later(refused) from None
        if await _began(jobs, job):
            return job
        raise later(failure)


def later(problem: Problem) -> Problem:
    """A refusal for an allowance of 24 hours, which frees bit by bit, with the seconds after which to ask again."""
    if isinstance(problem, QuotaExceeded) and problem.retry_after is None:
        # Not said where refusals are read: there it would silence reads of the same org too.
        problem.retry_after = LIMIT_PAUSE_SECONDS
    return problem


async def _began(jobs: Jobs, job: str) -> bool:
    try:
        if (await jobs.view("ingest", job)).state != "Open":
            return True
        await jobs.abort("ingest", job)
    except Problem:
        raise LoadInDoubt(
            f"Salesforce does not say whether it began the job {job}; read that load before you start another."
        ) from None
    return False


def _in_less_time() -> calling:
    context = current_context()
    if context.deadline is None:
        return calling(context)
    left = context.remaining() or 0.0
    return calling(context.replace(deadline=context.deadline - min(_SETTLING_SECONDS, max(0.0, left) / 3)))
