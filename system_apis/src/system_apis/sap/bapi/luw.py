"""A logical unit of work: one function that writes, and the COMMIT that makes it real, in one session."""

from shared.binding.problems import BackendFault, Problem
from system_apis.sap.bapi.answer import Answer
from system_apis.sap.bapi.messages import failure
from system_apis.sap.bapi.transport import Parameters, RfcSession, RfcTransport

_COMMIT, _ROLLBACK = "BAPI_TRANSACTION_COMMIT", "BAPI_TRANSACTION_ROLLBACK"


async def unit_of_work(
    rfc: RfcTransport, function: str, parameters: Parameters, *, operation: str, locks: bool
) -> Answer:
    """Call a function that writes, and commit; roll back whatever stands against it.

    Nothing is real before the COMMIT. So a lost answer of the function made nothing, and only a lost answer of the
    COMMIT leaves a doubt.

    Args:
        rfc: Where.
        function: The function.
        parameters: Its parameters.
        operation: Names the spans.
        locks: Whether it locks a document that exists. Then the session is opened first, so that a lock whose
            answer is lost can be let go of; and the call is not repeated, which would meet its own lock.

    Returns:
        The function's answer, committed.

    Raises:
        Problem: The function was refused, or nothing was committed.
        OutcomeUnknown: Whether it was committed is not known.
    """
    session = rfc.session()
    try:
        if locks:
            await session.call(_ROLLBACK, {}, operation=operation, repeatable=True)
        answer = await session.call(function, parameters, operation=operation, repeatable=not locks)
        if (refused := failure(answer)) is not None:
            raise refused
    except Problem as problem:
        await _let_go(session, operation)
        problem.extensions.pop("outcome", None)  # nothing was committed
        raise
    committed = await session.call(_COMMIT, {"WAIT": "X"}, operation=operation, last=True)
    if failure(committed) is not None:
        raise BackendFault("SAP could not commit what it had accepted; see its update log (SM13).")
    return answer


async def _let_go(session: RfcSession, operation: str) -> None:
    """Roll back and end the session, if there is one; SAP ends it by itself later if this fails."""
    if not session.is_open:
        return
    try:
        await session.call(_ROLLBACK, {}, operation=operation, last=True, repeatable=True)
    except Problem:
        return
