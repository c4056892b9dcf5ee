"""Bulk orders: staged for import, and actions on many that are done offline.

Source: REST API for Oracle Fusion Cloud SCM, "Sales Orders for Order Hub Requests" and "Sales Order Action Requests".
Scheduled processes do the work; here they run when the control path asks. What is staged is not checked until then.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandboxes.oracle.area import Area
from sandboxes.oracle.framework.behaviours import KEPT, insert, remove, store
from sandboxes.oracle.framework.declare import Behaviour, Field, Node, Resource, Row, Work, fields
from sandboxes.oracle.framework.problems import RestError, refuse
from sandboxes.oracle.sales import statuses
from sandboxes.oracle.sales.order_hub import HUB
from sandboxes.oracle.sales.orders import create_order, submit

PENDING, COMPLETE = "PRE_PROCESSING", "COMPLETE"
_SUBMIT = "ORA_FOM_SUBMIT_ORDER"
_FIRST = 300_000_050_000_001
_MESSAGES = Resource("messageDetails", "doo_action_message", fields("MessageText MessageType", writable=False))
_REQUESTED = (
    Field("ActionCode", required=True, updatable=False, longest=30),
    Field("ActionRequestTrackingId", "integer", required=True, updatable=False),
    Field("MassActionFlag", "boolean", default=False),
    *fields("ActionRequestId", "integer", writable=False),
    *fields("StatusCode OutcomeCode", writable=False),
)
_REQUESTS = Resource(
    "requests",
    "doo_action_request_line",
    (*_REQUESTED, Field("HeaderId", "integer", required=True), *fields("FulfillLineId", "integer")),
    key="ActionRequestId",
    children=(_MESSAGES,),
)


def _staged(resource: Resource) -> Resource:
    """The interface table of a resource: what is sent is kept as it is."""
    below = tuple(_staged(one) for one in resource.children if one.name not in ("totals", "holds"))
    return replace(resource, table=f"{resource.table}_int", children=below, behaviour=KEPT)


def _stage(work: Work, resource: Resource, parent: Row | None, node: Node) -> Row:
    sent = node.values
    key = f"{sent['SourceTransactionSystem']}:{sent['SourceTransactionId']}"
    if work.records.get(resource, OrderKey=key):
        raise refuse(400, "The source order is staged already.", "FOM-4515720", "/SourceTransactionId")
    return insert(work, resource, parent, Node({**sent, "OrderKey": key}, node.children))


def _request(work: Work, resource: Resource, _: Row | None, node: Node) -> Row:
    own = _pending(work)
    made = work.records.add(resource, {**node.values, **own})
    for one in node.children.get(_REQUESTS.name, []):
        work.records.add(_REQUESTS, {**one.values, **_pending(work)}, made["@id"])
    return made


STAGED = replace(
    _staged(HUB),
    name="salesOrdersForOrderHubRequests",
    behaviour=Behaviour(create=_stage, update=store, delete=remove),
)
ACTION_REQUESTS = Resource(
    "salesOrderActionRequests",
    "doo_action_request",
    (*_REQUESTED, *fields("CancelReasonCode Comments FilterCriteria")),
    key="ActionRequestId",
    children=(_REQUESTS,),
    behaviour=Behaviour(create=_request),
)


def _pending(work: Work) -> Row:
    return {"ActionRequestId": work.records.next_number("action request", _FIRST), "StatusCode": PENDING}


def _import(work: Work, _: dict[str, Any]) -> object:
    """`{}`: runs Import Sales Orders; what cannot become an order stays staged."""
    imported, failed = list[str](), dict[str, str]()
    for one in work.records.find(STAGED):
        node = _node(work, STAGED, one)
        wrong = _tried(work, lambda node=node: imported.append(str(create_order(work, HUB, None, node)["OrderNumber"])))
        if wrong:
            failed[str(one["OrderKey"])] = wrong
        else:
            work.records.remove(STAGED, one)
    return {"imported": imported, "failed": failed}


def _run(work: Work, _: dict[str, Any]) -> object:
    """`{}`: does what action requests ask for; each line of one has an outcome of its own."""
    waiting = work.records.find(ACTION_REQUESTS, StatusCode=PENDING)
    for one in waiting:
        outcomes = {_done(work, line) for line in work.records.below(_REQUESTS, one)}
        outcome = "SUCCESS" if outcomes == {"SUCCESS"} else "ERROR"
        work.records.change(ACTION_REQUESTS, one, {"StatusCode": COMPLETE, "OutcomeCode": outcome})
    return {"done": len(waiting)}


def _done(work: Work, line: Row) -> str:
    wrong = _tried(work, lambda: _submit(work, line))
    outcome = "ERROR" if wrong else "SUCCESS"
    if wrong:
        work.records.add(_MESSAGES, {"MessageText": wrong, "MessageType": "ERROR"}, line["@id"])
    work.records.change(_REQUESTS, line, {"StatusCode": COMPLETE, "OutcomeCode": outcome})
    return outcome


def _submit(work: Work, line: Row) -> None:
    header = work.records.get(HUB, HeaderId=line["HeaderId"])
    if line["ActionCode"] != _SUBMIT:
        raise refuse(400, f"The action {line['ActionCode']} isn't known.", "FOM-4515721")
    if header is None or header["StatusCode"] != statuses.DRAFT:
        raise refuse(400, "The order doesn't exist, or isn't a draft.", "FOM-4515722")
    submit(work, header)


def _tried(work: Work, act: Callable[[], None]) -> str:
    """Do something wholly or not at all; returns why not, or nothing."""
    connection = work.records.connection
    connection.execute("SAVEPOINT one")
    try:
        act()
    except RestError as refused:
        connection.execute("ROLLBACK TO one")
        return "; ".join(one.text for one in refused.details)
    finally:
        connection.execute("RELEASE one")
    return ""


def _node(work: Work, resource: Resource, row: Row) -> Node:
    """What was sent for a row."""
    values = {one.name: row[one.name] for one in resource.fields if one.writable and row[one.name] is not None}
    below = {
        child.name: [_node(work, child, one) for one in work.records.below(child, row)] for child in resource.children
    }
    return Node(values, {name: rows for name, rows in below.items() if rows})


area = Area(
    name="order requests",
    resources={"fscmRestApi": (STAGED, ACTION_REQUESTS)},
    controls={"import-orders": _import, "run-order-actions": _run},
)
