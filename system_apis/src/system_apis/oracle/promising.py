"""What of an order can be delivered when: Global Order Promising.

Source: REST API for Oracle Fusion Cloud SCM, "Order Promises"; `checkAvailability` reserves nothing.
"""

from datetime import date
from decimal import Decimal

import msgspec

from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import OrderRejected
from system_apis.oracle.connector import OracleConnector


class Promise(msgspec.Struct, frozen=True):
    """What can be had of a line, and when it leaves."""

    quantity: Decimal
    day: date | None = None


class _Line(msgspec.Struct, frozen=True):
    LineNumber: int
    PromisedQuantity: Decimal | None = None
    ScheduledShipDate: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    FulfillmentLines: list[_Line]


class Promising:
    """Asks what is available.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        self._oracle = oracle
        self._path = f"{oracle.settings.promising_path}/checkAvailability"
        self._unit = oracle.settings.quantity_unit

    async def promises(self, order: NewErpOrder) -> list[Promise]:
        """What can be had of each line.

        Raises:
            OrderRejected: Oracle cannot promise a line, for example of an item it does not plan.
        """
        lines = [
            {
                "LineNumber": place,
                "ItemNumber": line.sku,
                "RequestedQuantity": line.quantity,
                "RequestedUOMCode": self._unit,
                "RequestedDateType": "SHIP",
                **({"RequestedDate": order.requested_date.isoformat()} if order.requested_date else {}),
            }
            for place, line in enumerate(order.lines, 1)
        ]
        answer = await self._oracle.act(
            self._path, {"FulfillmentLines": lines}, _Answer, "simulate_order", refusal=OrderRejected, repeatable=True,
            media_type="application/json",
        )  # fmt: skip
        found = {one.LineNumber: one for one in answer.FulfillmentLines}
        if found.keys() != set(range(1, len(lines) + 1)):
            raise BackendFault("Oracle's order promising did not answer every line.")
        return [_promise(found[place]) for place in sorted(found)]


def _promise(line: _Line) -> Promise:
    try:
        day = date.fromisoformat(line.ScheduledShipDate[:10]) if line.ScheduledShipDate else None
    except ValueError:
        raise BackendFault("Oracle's order promising answered a date that is none.") from None
    return Promise(line.PromisedQuantity or Decimal(0), day)
