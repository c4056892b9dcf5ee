"""The Process API over the flow: report, show."""

from process_apis.erp_changes.flow import PassOnErpChange
from shared.contracts.process.erp_changes import (
    ChangePassedOn,
    ErpChange,
    ErpChangeNotFound,
    ErpChangeProgress,
    ErpChanges,
)
from shared.durable.flow_view import FlowView
from shared.durable.long_running import LongRunning, progress_of
from shared.durable.runner import FlowRunner


class DurableErpChanges(ErpChanges):
    """Passing a change on is a durable flow; the kind and the reference are the business key."""

    def __init__(self, flows: FlowRunner) -> None:
        self._changes = LongRunning(flows, PassOnErpChange, "change", _no_change)

    async def report_change(self, change: ErpChange) -> ErpChangeProgress:
        """See ErpChanges."""
        return _progress(await self._changes.submit(change_key(change), change, first_stands=True))

    async def get_change(self, change_id: str) -> ErpChangeProgress:
        """See ErpChanges."""
        return _progress(await self._changes.view(change_id))


def change_key(change: ErpChange) -> str:
    """The business key of a change, whoever reports it."""
    return f"erp-{change.kind}-{change.reference}"


def _no_change(change_id: str) -> ErpChangeNotFound:
    return ErpChangeNotFound(f"No change of the ERP is known as {change_id}.")


def _progress(view: FlowView[ChangePassedOn]) -> ErpChangeProgress:
    return ErpChangeProgress(change_id=view.flow_id, passed_on=view.result, **progress_of(view))
