"""Changing orders: submitting drafts, canceling orders and lines, quantities, holds."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from sandboxes.oracle.framework.declare import Node, Resource, Row, Work
from sandboxes.oracle.framework.problems import RestError, refuse
from sandboxes.oracle.sales import refusals, statuses
from sandboxes.oracle.sales.accounts import book
from sandboxes.oracle.sales.order_hub import HOLDS, HUB, LINES, RETURN
from sandboxes.oracle.sales.orders import hold, order_account, recalculate, submit
from sandboxes.oracle.sales.pricing import number
from sandboxes.oracle.sales.scheduling import resize, schedule, split, unschedule

CANCEL_REASONS = frozenset({"CUSTOMER_REQUEST", "ENTERED_IN_ERROR", "OTHER"})


def change_order(work: Work, _: Resource, header: Row, node: Node) -> None:
    """PATCH of a header: `CanceledFlag` cancels every line, `SubmittedFlag` submits a draft."""
    changes = dict(node.values)
    canceling, submitting = changes.pop("CanceledFlag", None), changes.pop("SubmittedFlag", None)
    work.records.change(HUB, header, changes)
    if canceling:
        live = [one for one in work.records.below(LINES, header) if one["StatusCode"] != statuses.CANCELED]
        _cancel(work, header, live, changes.get("CancelReasonCode"))
    elif submitting and header["StatusCode"] == statuses.DRAFT:
        submit(work, work.records.again(HUB, header))
    recalculate(work, header)


def change_line(work: Work, _: Resource, line: Row, node: Node) -> None:
    """PATCH of a line: canceled, or another quantity."""
    header = work.records.select(HUB, '"@id" = ?', [int(str(line["@parent"]))])[0]
    changes = dict(node.values)
    if changes.pop("CanceledFlag", None):
        _cancel(work, header, [line], changes.get("CancelReasonCode"))
    elif (quantity := changes.pop("OrderedQuantity", None)) is not None:
        _requantify(work, header, line, Decimal(str(quantity)))
    work.records.change(LINES, line, changes)
    recalculate(work, header)


def apply_hold(work: Work, header: Row | None, sent: Mapping[str, object]) -> object:
    """`applyHold` with `HoldCode` and `HoldComments`."""
    if header is None or not sent.get("HoldCode"):
        raise refuse(400, "The hold code is required.", "FOM-4515700", "/HoldCode")
    hold(work, header, str(sent["HoldCode"]), str(sent.get("HoldComments") or ""))
    return "SUCCESS"


def release_hold(work: Work, header: Row | None, sent: Mapping[str, object]) -> object:
    """`releaseHold` with `HoldCode` and `HoldReleaseReasonCode`."""
    holds = work.records.below(HOLDS, header or {})
    found = [one for one in holds if one["HoldFlag"] and one["HoldCode"] == sent.get("HoldCode")]
    if header is None or not found:
        raise refuse(400, "The order isn't on this hold.", "FOM-4515701", "/HoldCode")
    reason = str(sent.get("HoldReleaseReasonCode") or "OTHER")
    released: Row = {"HoldFlag": False, "HoldReleaseReasonCode": reason, "HoldReleaseDateTime": work.stamp}
    for one in found:
        work.records.change(HOLDS, one, released)
    if all(not one["HoldFlag"] for one in work.records.below(HOLDS, header)):
        work.records.change(HUB, header, {"OnHoldFlag": False})
        for line in work.records.below(LINES, header):
            work.records.change(LINES, line, {"OnHoldFlag": False})
    return "SUCCESS"


def split_line(work: Work, header: Row | None, sent: Mapping[str, object]) -> object:
    """`splitFulfillmentLine` with `FulfillLineId` and the `SplitQuantity` that leaves it."""
    lines = work.records.below(LINES, header or {})
    line = next((one for one in lines if str(one["FulfillLineId"]) == str(sent.get("FulfillLineId"))), None)
    try:
        quantity = Decimal(str(sent.get("SplitQuantity")))
    except InvalidOperation:
        quantity = Decimal(0)
    if header is None or line is None or not 0 < quantity < number(line, "OrderedQuantity"):
        raise refuse(400, "The line and a quantity below its own are required.", "FOM-4515702", "/SplitQuantity")
    _check_open(line)
    unschedule(work, line)
    made = split(work, header, line, quantity)
    for one in (work.records.again(LINES, line), made):
        schedule(work, header, one)
    recalculate(work, header)
    return {"FulfillLineId": made["FulfillLineId"]}


def _cancel(work: Work, header: Row, lines: list[Row], reason: object) -> None:
    if reason not in CANCEL_REASONS:
        raise RestError(400, refusals.reason(str(reason or ""), "/CancelReasonCode"))
    for line in lines:
        _check_open(line)
    for line in lines:
        unschedule(work, line)
        _book(work, header, line, -number(line, "ExtendedAmount"))
        canceled: Row = {
            "StatusCode": statuses.CANCELED,
            "CanceledFlag": True,
            "CancelReasonCode": str(reason),
            "OpenFlag": False,
            "ScheduleShipDate": None,
        }
        work.records.change(LINES, line, canceled)


def _requantify(work: Work, header: Row, line: Row, quantity: Decimal) -> None:
    if quantity <= 0:
        raise RestError(400, refusals.quantity(""))
    _check_open(line)
    unschedule(work, line)
    resize(work, header, line, quantity)
    changed = work.records.again(LINES, line)
    _book(work, header, line, number(changed, "ExtendedAmount") - number(line, "ExtendedAmount"))
    if line["StatusCode"] not in (statuses.DRAFT, statuses.AWAIT_RECEIPT):
        schedule(work, header, changed)


def _book(work: Work, header: Row, line: Row, amount: Decimal) -> None:
    if line["TransactionCategoryCode"] != RETURN and line["StatusCode"] != statuses.DRAFT:
        currency = str(header["TransactionalCurrencyCode"])
        book(work.records.connection, order_account(work, header), amount, currency)


def _check_open(line: Row) -> None:
    if line["StatusCode"] in statuses.GONE | {statuses.CANCELED}:
        raise RestError(400, refusals.shipped(str(line["LineNumber"])))
