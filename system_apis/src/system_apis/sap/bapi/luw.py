"""A logical unit of work: one function that writes, and the COMMIT that makes it real, in one session."""

import asyncio

from shared.binding.call_context import current_context, enter
from shared.binding.problems import BackendFault, DeadlineExceeded, Problem
from system_apis.sap.bapi.answer import Answer
from system_apis.sap.bapi.messages import failure
from system_apis.sap.bapi.transport import Parameters, RfcSession, RfcTransport

_COMMIT, _ROLLBACK = "BAPI_TRANSACTION_COMMIT", "BAPI_TRANSACTION_ROLLBACK"
_UNKNOWN = "outcome"
_PATIENCE = 2.0
"""Seconds that a caller waits for the session to end, so that a repeat does not meet its own lock."""


class UnitsOfWork:
    """Does one unit of work at a time for each caller, and tidies up behind those that broke off.

    Args:
        rfc: Where functions are called.
    """

    def __init__(self, rfc: RfcTransport) -> None:
        self._rfc = rfc
        self._tidying: set[asyncio.Task[None]] = set()

    async def do(self, function: str, parameters: Parameters, *, operation: str, locks: bool) -> Answer:
        """Call a function that writes, and commit; roll back whatever stands against it.

        Nothing is real before the COMMIT. So a lost answer of the function made nothing, and only a lost answer of the
        COMMIT leaves a doubt.

        Args:
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
        session = self._rfc.session()
        try:
            answer = await self._called(session, function, parameters, operation, locks=locks)
        except BaseException as broken:
            if isinstance(broken, Problem):
                broken.extensions.pop(_UNKNOWN, None)  # whatever became of the call, nothing was committed
            await self._roll_back(session, operation, broken)
            raise
        await self._commit(session, operation)
        return answer

    async def _called(
        self, session: RfcSession, function: str, parameters: Parameters, operation: str, *, locks: bool
    ) -> Answer:
        if locks:
            await session.call(_ROLLBACK, {}, operation=operation, repeatable=True)
        answer = await session.call(function, parameters, operation=operation, repeatable=not locks)
        if (refused := failure(answer)) is not None:
            raise refused
        return answer

    async def _commit(self, session: RfcSession, operation: str) -> None:
        try:
            committed = await session.call(_COMMIT, {"WAIT": "X"}, operation=operation, last=True)
        except BaseException as broken:
            await self._roll_back(session, operation, broken)  # undoes a COMMIT that never arrived, none that did
            raise
        if failure(committed) is not None:
            raise BackendFault("SAP could not commit what it had accepted; see its update log (SM13).")

    async def _roll_back(self, session: RfcSession, operation: str, broken: BaseException) -> None:
        """End the session and its locks, by itself where the caller has gone or has no time left."""
        if not session.is_open:
            return
        tidying = asyncio.create_task(_rolled_back(session, operation))
        self._tidying.add(tidying)
        tidying.add_done_callback(self._tidying.discard)
        if isinstance(broken, Problem) and not isinstance(broken, DeadlineExceeded):
            await asyncio.wait({tidying}, timeout=_PATIENCE)


async def _rolled_back(session: RfcSession, operation: str) -> None:
    enter(current_context().replace(deadline=None))
    try:
        await session.call(_ROLLBACK, {}, operation=operation, last=True, repeatable=True)
    except Problem:
        return  # SAP ends the session by itself after its timeout
