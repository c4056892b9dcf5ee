"""A return as its callers see it, from what is on record of its flow; pure functions."""

from datetime import datetime

from process_apis.customer_returns.flow import APPROVAL
from shared.contracts.canonical.shipment import Shipment
from shared.contracts.process.customer_returns import (
    Approval,
    RefundedReturn,
    ReturnLabel,
    ReturnProgress,
    ReturnStage,
)
from shared.durable.flow_view import FlowView
from shared.durable.long_running import progress_of
from shared.durable.outcomes import Outcomes

KEY = "return-"
SHOWN_STEPS = 50
_WAIT = "flow.wait_for"
_CLOSED = frozenset({"refused", "cancelled", "compensating", "discarded"})


def return_progress(view: FlowView[RefundedReturn], outcomes: Outcomes) -> ReturnProgress:
    """How far a return has come."""
    stage = stage_of(view)
    label = outcomes.of("logistics.purchase_label", Shipment)
    told = progress_of(view)
    told["timeline"] = told["timeline"][-SHOWN_STEPS:]
    return ReturnProgress(
        return_id=view.flow_id,
        reference=view.key.removeprefix(KEY),
        stage=stage,
        until=_until(view) if stage.startswith("waiting") else None,
        approval=outcomes.signal(APPROVAL, Approval),
        label=_label(label) if label is not None and stage != "closed" else None,
        refunded=view.result,
        **told,
    )


def stage_of(view: FlowView[RefundedReturn]) -> ReturnStage:
    """Where the return is: past the last step that it has done, or in the wait that it is in."""
    if view.state == "completed":
        return "refunded"
    if view.state in _CLOSED:
        return "closed"
    done = {entry.step for entry in view.timeline if entry.state == "done"}
    if "warehouse.receive_return" in done:
        return "crediting"
    if "logistics.purchase_label" in done:
        return "waiting-for-goods"
    if _until(view) is not None:
        return "waiting-for-approval"
    return "authorizing" if "crm.record_return" in done else "checking"


def _until(view: FlowView[RefundedReturn]) -> datetime | None:
    waits = (entry.next_attempt for entry in view.timeline if entry.step == _WAIT and entry.state == "waiting")
    return next(waits, None)


def _label(bought: Shipment) -> ReturnLabel:
    return ReturnLabel(bought.shipment_id, bought.carrier, bought.tracking_code, bought.label_url, bought.price)
