"""Scheduling: what can be delivered is reserved, and split from what cannot."""

from decimal import Decimal

from sandboxes.oracle.framework.declare import Row, Work
from sandboxes.oracle.sales import statuses
from sandboxes.oracle.sales.order_hub import ADJUSTMENTS, LINES
from sandboxes.oracle.sales.pricing import extended, number, write_charges
from sandboxes.oracle.sales.stock import reserve, source_of


def schedule(work: Work, header: Row, line: Row) -> None:
    """Schedule a line; the part that is not in stock becomes a fulfillment line of its own, not scheduled."""
    item, wanted = str(line["ProductNumber"]), number(line, "OrderedQuantity")
    organization, there = source_of(work.records.connection, item, wanted)
    if 0 < there < wanted:
        split(work, header, line, wanted - there)
    if there <= 0:
        work.records.change(LINES, line, {"StatusCode": statuses.NOT_SCHEDULED})
        return
    reserve(work.records.connection, item, organization, there)
    scheduled: Row = {
        "StatusCode": statuses.AWAIT_SHIP,
        "ScheduleShipDate": line["RequestedShipDate"],
        "RequestedFulfillmentOrganizationCode": organization,
    }
    work.records.change(LINES, line, scheduled)


def unschedule(work: Work, line: Row) -> None:
    """Give back what a line has reserved."""
    if line["StatusCode"] in (statuses.AWAIT_SHIP, statuses.PICKED):
        organization = str(line["RequestedFulfillmentOrganizationCode"])
        reserve(work.records.connection, str(line["ProductNumber"]), organization, -number(line, "OrderedQuantity"))


def split(work: Work, header: Row, line: Row, quantity: Decimal) -> Row:
    """Take so much of a line into a new fulfillment line of the same order line, not scheduled; returns that."""
    siblings = [one for one in work.records.below(LINES, header) if one["LineId"] == line["LineId"]]
    next_number = max(int(str(one["FulfillLineNumber"])) for one in siblings) + 1
    currency = str(header["TransactionalCurrencyCode"])
    part: Row = {
        **{name: value for name, value in line.items() if not name.startswith("@")},
        "FulfillLineId": work.records.next_number("line", 300_000_011_000_001) + 1_000_000,
        "FulfillLineNumber": str(next_number),
        "StatusCode": statuses.NOT_SCHEDULED,
        "ScheduleShipDate": None,
        "OrderedQuantity": quantity,
        "ExtendedAmount": extended(line, quantity, currency),
    }
    made = work.records.add(LINES, part, header["@id"])
    for one in work.records.below(ADJUSTMENTS, line):
        work.records.add(ADJUSTMENTS, one, made["@id"])
    resize(work, header, line, number(line, "OrderedQuantity") - quantity)
    write_charges(work, made, currency)
    return made


def resize(work: Work, header: Row, line: Row, quantity: Decimal) -> None:
    """Change a line's quantity, and with it what it comes to."""
    currency = str(header["TransactionalCurrencyCode"])
    changes: Row = {"OrderedQuantity": quantity, "ExtendedAmount": extended(line, quantity, currency)}
    work.records.change(LINES, line, changes)
    write_charges(work, work.records.again(LINES, line), currency)
