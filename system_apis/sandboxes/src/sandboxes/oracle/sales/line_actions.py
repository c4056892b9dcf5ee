"""Actions on fulfillment lines of any order: what the carrier delivered, and when and from where to ship.

Source: REST API for Oracle Fusion Cloud SCM, "Update actual delivery date" and "Update scheduling attributes". Each
takes an array named after the action; a line that is refused refuses all.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sandboxes.oracle.framework.declare import Row, Work
from sandboxes.oracle.framework.problems import RestError, refuse
from sandboxes.oracle.sales import statuses
from sandboxes.oracle.sales.order_hub import HUB, LINES
from sandboxes.oracle.sales.orders import recalculate
from sandboxes.oracle.sales.pricing import number
from sandboxes.oracle.sales.scheduling import unschedule
from sandboxes.oracle.sales.stock import reserve

Sent = Mapping[str, object]


def update_actual_delivery_date(work: Work, _: Row | None, sent: Sent) -> object:
    """`updateActualDeliveryDateRequest`: `DeliveryName`, `FulfillLineId`, `ActualDeliveryDate` of what was shipped."""
    for place, one in enumerate(rows_of(sent, "updateActualDeliveryDateRequest")):
        path = f"/updateActualDeliveryDateRequest/{place}"
        line = _line(work, one, path)
        if line["StatusCode"] not in statuses.GONE or not one.get("DeliveryName"):
            raise refuse(400, "The line has no such delivery.", "FOM-4515711", f"{path}/DeliveryName")
        delivered = _moment(one.get("ActualDeliveryDate"), f"{path}/ActualDeliveryDate")
        work.records.change(LINES, line, {"ActualDeliveryDate": delivered})
    return "SUCCESS"


def update_scheduling(work: Work, _: Row | None, sent: Sent) -> object:
    """`updateSchedulingAttributeRequest`: `FulfillLineId` with `ScheduleShipDate`, the organization, or both."""
    for place, one in enumerate(rows_of(sent, "updateSchedulingAttributeRequest")):
        path = f"/updateSchedulingAttributeRequest/{place}"
        line = _line(work, one, path)
        if line["StatusCode"] not in (statuses.AWAIT_SHIP, statuses.NOT_SCHEDULED):
            raise refuse(400, "The line can no longer be scheduled.", "FOM-4515712", f"{path}/FulfillLineId")
        _reschedule(work, line, one, path)
    return "SUCCESS"


def _reschedule(work: Work, line: Row, asked: Sent, path: str) -> None:
    organization = str(
        asked.get("RequestedFulfillmentOrganizationCode") or line["RequestedFulfillmentOrganizationCode"] or ""
    )
    day = asked.get("ScheduleShipDate") or line["ScheduleShipDate"] or line["RequestedShipDate"]
    found = work.records.connection.execute(
        "SELECT 1 FROM inv_onhand WHERE item_number = ? AND organization_code = ?",
        (line["ProductNumber"], organization),
    ).fetchone()
    if found is None:
        field = f"{path}/RequestedFulfillmentOrganizationCode"
        raise refuse(400, "The organization doesn't have the item.", "FOM-4515713", field)
    unschedule(work, line)
    reserve(work.records.connection, str(line["ProductNumber"]), organization, number(line, "OrderedQuantity"))
    scheduled: Row = {
        "StatusCode": statuses.AWAIT_SHIP,
        "ScheduleShipDate": _moment(day, f"{path}/ScheduleShipDate"),
        "RequestedFulfillmentOrganizationCode": organization,
    }
    work.records.change(LINES, line, scheduled)
    recalculate(work, work.records.select(HUB, '"@id" = ?', [int(str(line["@parent"]))])[0])


def rows_of(sent: Sent, name: str) -> list[Sent]:
    """The objects of an array that an action takes.

    Raises:
        RestError: 400, it has none.
    """
    rows: Any = sent.get(name)
    if not isinstance(rows, list) or not rows or not all(isinstance(one, dict) for one in cast("list[Any]", rows)):
        raise refuse(400, f"{name} must be an array of objects.", "FOM-4515710", f"/{name}")
    return cast("list[Sent]", rows)


def _line(work: Work, asked: Sent, path: str) -> Row:
    text = str(asked.get("FulfillLineId") or "")
    line = work.records.get(LINES, FulfillLineId=int(text)) if text.isdigit() else None
    if line is None:
        raise refuse(400, "The fulfillment line doesn't exist.", "FOM-4515702", f"{path}/FulfillLineId")
    return line


def _moment(value: object, path: str) -> str:
    try:
        return datetime.fromisoformat(str(value)).isoformat(timespec="seconds")
    except ValueError:
        raise _no_date(path) from None


def _no_date(path: str) -> RestError:
    return refuse(400, "The date isn't valid.", "FOM-4515714", path)
