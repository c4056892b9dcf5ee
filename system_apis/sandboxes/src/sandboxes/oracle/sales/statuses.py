"""How far fulfillment lines and orders have come."""

from collections.abc import Sequence

from sandboxes.oracle.framework.declare import Row

DRAFT, OPEN, CLOSED, CANCELED, PARTLY_CLOSED = "DOO_DRAFT", "OPEN", "CLOSED", "CANCELED", "PARTIAL_CLOSED"
NOT_SCHEDULED, AWAIT_SHIP, PICKED = "NOT_SCHEDULED", "AWAIT_SHIP", "PICKED"
AWAIT_BILLING, AWAIT_RECEIPT = "AWAIT_BILLING", "AWAIT_RECEIPT"
GONE = frozenset({AWAIT_BILLING, CLOSED})
"""Lines that can neither change nor be canceled any more."""

_NAMES = {
    DRAFT: "Draft",
    OPEN: "Processing",
    CLOSED: "Closed",
    CANCELED: "Canceled",
    PARTLY_CLOSED: "Partially Closed",
}


def of_lines(lines: Sequence[Row]) -> Row:
    """The header's status from its lines."""
    live = [one["StatusCode"] for one in lines if one["StatusCode"] != CANCELED]
    if not live:
        status = CANCELED
    elif DRAFT in live:
        status = DRAFT
    else:
        closed = live.count(CLOSED)
        status = CLOSED if closed == len(live) else PARTLY_CLOSED if closed else OPEN
    return {
        "StatusCode": status,
        "Status": _NAMES[status],
        "OpenFlag": status not in (CLOSED, CANCELED),
        "CanceledFlag": status == CANCELED,
    }
