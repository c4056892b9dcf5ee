"""Global Order Promising: what can be shipped when, from which organization (`checkAvailability`).

`quickAvailabilityCheck` answers yes or no alone. Attributes are those of the orderPromises resource.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from sandboxes.kit import Request, Response
from sandboxes.oracle.area import Area
from sandboxes.oracle.areas.master import ORGANIZATIONS
from sandboxes.oracle.framework.declare import Work
from sandboxes.oracle.framework.payload import read_document
from sandboxes.oracle.framework.problems import refuse

_PATH = "/fscmRestApi/msp/latest/globalOrderPromises"
_encode = msgspec.json.Encoder(decimal_format="number").encode
Line = dict[str, Any]


def _answer(of_line: Callable[[Work, Line], Line]) -> Callable[[Work, Request], Response]:
    def answered(work: Work, request: Request) -> Response:
        lines = read_document(request.body).get("FulfillmentLines")
        if not isinstance(lines, list) or not lines:
            raise refuse(400, "Fulfillment lines are needed.", "MSP_GOP_NO_LINES", "/FulfillmentLines")
        answered: list[Any] = [of_line(work, one) for one in lines]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        return Response(_encode({"FulfillmentLines": answered}), media_type="application/json")

    return answered


def _promise(work: Work, line: Line) -> Line:
    wanted = _wanted(line)
    organization, available = _best(work, str(line.get("ItemNumber") or ""), wanted)
    promised = min(wanted, available)
    day = str(line.get("RequestedDate") or work.today)
    date.fromisoformat(day)
    return {
        **line,
        "PromisedQuantity": promised,
        "ShipFromOrganizationCode": organization,
        "ScheduledShipDate": day if promised else None,
        "PromiseStatus": "FULL" if promised == wanted else "PARTIAL" if promised else "NONE",
    }


def _quick(work: Work, line: Line) -> Line:
    return {**line, "AvailableFlag": _best(work, str(line.get("ItemNumber") or ""), _wanted(line))[1] >= _wanted(line)}


def _wanted(line: Line) -> Decimal:
    try:
        return Decimal(str(line.get("RequestedQuantity")))
    except InvalidOperation:
        raise refuse(400, "The quantity isn't a number.", "MSP_GOP_QUANTITY", "/FulfillmentLines") from None


def _best(work: Work, item: str, wanted: Decimal) -> tuple[str, Decimal]:
    """The first organization with enough that is not reserved, else the one with most."""
    rows = work.records.connection.execute(
        "SELECT organization_code, quantity, reserved FROM inv_onhand WHERE item_number = ?", (item,)
    ).fetchall()
    if not rows:
        raise refuse(400, f"The item {item} isn't collected.", "MSP_GOP_ITEM", "/FulfillmentLines")
    free = {str(one[0]): max(Decimal(one[1]) - Decimal(one[2]), Decimal(0)) for one in rows}
    for organization in ORGANIZATIONS:
        if free.get(organization, Decimal(0)) >= wanted:
            return organization, free[organization]
    most = max(ORGANIZATIONS, key=lambda one: free.get(one, Decimal(0)))
    return most, free.get(most, Decimal(0))


area = Area(
    name="promising",
    endpoints=(
        ("POST", f"{_PATH}/checkAvailability", _answer(_promise)),
        ("POST", f"{_PATH}/quickAvailabilityCheck", _answer(_quick)),
    ),
)
