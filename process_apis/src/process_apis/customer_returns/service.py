"""The Process API over the flow: request, show, approve, receive."""

import asyncio
from datetime import UTC, datetime

from process_apis.customer_returns.flow import APPROVAL, GOODS_RECEIVED, RefundReturn
from process_apis.customer_returns.progress import KEY, return_progress
from shared.binding.call_context import current_context
from shared.contracts.process.customer_returns import (
    Approval,
    CustomerReturns,
    DecidedOtherwise,
    GoodsReceived,
    NoApprovalAwaited,
    NoGoodsAwaited,
    ReturnDecision,
    ReturnNotFound,
    ReturnProgress,
    ReturnRequest,
)
from shared.contracts.process.flow_operations import FlowHasEnded
from shared.durable.long_running import LongRunning
from shared.durable.runner import FlowRunner

REFUSED_WITHIN_SECONDS = 2.0
"""It takes days, so a caller waits just long enough to hear of a refusal."""

_LOOKS, _PAUSE = 20, 0.05
"""How often and how many seconds apart a signal's effect is looked for, before the answer goes out without it."""


class DurableCustomerReturns(CustomerReturns):
    """Returns are durable flows; the caller's reference is the business key, so a return is refunded at most once."""

    def __init__(self, flows: FlowRunner) -> None:
        self._returns = LongRunning(flows, RefundReturn, "return", _no_return, REFUSED_WITHIN_SECONDS)

    async def request_return(self, request: ReturnRequest) -> ReturnProgress:
        """See CustomerReturns."""
        view = await self._returns.submit(KEY + request.reference, request)
        return return_progress(view, await self._returns.outcomes(view.flow_id))

    async def get_return(self, return_id: str) -> ReturnProgress:
        """See CustomerReturns."""
        view = await self._returns.view(return_id)
        return return_progress(view, await self._returns.outcomes(return_id))

    async def decide_return(self, return_id: str, decision: ReturnDecision) -> ReturnProgress:
        """See CustomerReturns. The first decision that reaches the journal stands."""
        known = await self.get_return(return_id)
        if known.approval is None:
            if known.stage != "waiting-for-approval":
                raise NoApprovalAwaited(f"Return {return_id} does not wait for an approval; it is {known.stage}.")
            approval = Approval(decision.approved, _caller(), datetime.now(UTC), decision.note)
            known = await self._signalled(return_id, APPROVAL, approval)
        if known.approval is not None and known.approval.approved != decision.approved:
            said = "approved" if known.approval.approved else "refused"
            raise DecidedOtherwise(f"{known.approval.by} has {said} return {return_id} before; that stands.")
        return known

    async def receive_goods(self, return_id: str, receipt: GoodsReceived) -> ReturnProgress:
        """See CustomerReturns."""
        known = await self.get_return(return_id)
        if known.stage in ("crediting", "refunded"):
            return known
        if known.stage != "waiting-for-goods":
            raise NoGoodsAwaited(f"Return {return_id} does not wait for goods; it is {known.stage}.")
        return await self._signalled(return_id, GOODS_RECEIVED, receipt)

    async def _signalled(self, return_id: str, name: str, payload: Approval | GoodsReceived) -> ReturnProgress:
        """Send a signal, and return the return as it stands once the flow has taken it, or after a moment."""
        before = (await self.get_return(return_id)).stage
        try:
            await self._returns.send(return_id, name, payload)
        except FlowHasEnded:
            kind = NoApprovalAwaited if name == APPROVAL else NoGoodsAwaited
            raise kind(f"Return {return_id} has ended meanwhile; look at it again.") from None
        known = await self.get_return(return_id)
        for _ in range(_LOOKS):
            if known.stage != before:
                break
            await asyncio.sleep(_PAUSE)
            known = await self.get_return(return_id)
        return known


def _caller() -> str:
    principal = current_context().principal
    return principal.subject if principal else ""


def _no_return(return_id: str) -> ReturnNotFound:
    return ReturnNotFound(f"There is no return {return_id}.")
