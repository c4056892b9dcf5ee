"""Orders by OData V4."""

import msgspec

from shared.binding.problems import Problem
from shared.contracts.canonical.order import ErpOrder, NewErpOrder
from shared.contracts.system.erp import ErpOrderNotFound
from shared.resilience.once import Once
from shared.resilience.outbound_faults import decode_json
from system_apis.sap import order_translator
from system_apis.sap.batch import Change
from system_apis.sap.connector import SapConnector
from system_apis.sap.faults import NAME
from system_apis.sap.odata import document_number, key
from system_apis.sap.odata_v4.batch import check_whole, group_of, problem_in_batch
from system_apis.sap.odata_v4.records import FoundV4, OrderV4, row
from system_apis.sap.odata_v4.spelling import EXACT, JSON, PathsV4, body_v4
from system_apis.sap.order_body import NUMBER_LENGTH
from system_apis.sap.order_cancelling import cancelled
from system_apis.sap.order_records import ItemRow, OrderRow, Rejection


class ODataV4Orders:
    """Places, reads and cancels orders; implements `OrderPlacing`, `OrderReading` and `OrderCancelling`.

    Args:
        sap: The system.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._paths = PathsV4(sap.settings)
        self._once: Once[OrderRow] = sap.once("order")

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Found by its reference, or placed."""
        found = await self._once.make(
            order.reference, lambda: self.placed(order.reference), lambda: self._create(order)
        )
        return order_translator.order(found)

    async def get_order(self, erp_order_id: str) -> ErpOrder:
        """One order with everything below it."""
        return order_translator.order(await self._read(erp_order_id))

    async def cancel_order(self, erp_order_id: str) -> ErpOrder:
        """All items rejected in one atomicity group."""
        return order_translator.order(await cancelled(erp_order_id, self._read, self._reject))

    async def placed(self, reference: str) -> OrderRow | None:
        """The order of this reference, if there is one."""
        found = await self._sap.read(self._paths.order_with(reference), FoundV4, "find_order")
        return row(found.value[0]) if found is not None and found.value else None

    async def _read(self, number: str) -> OrderRow:
        plain = document_number(number)
        path = self._paths.order(plain)
        found = await self._sap.read(path, OrderV4, "get_order") if len(plain) <= NUMBER_LENGTH else None
        if found is None:
            raise ErpOrderNotFound(f"SAP has no sales order {number}.")
        return row(found)

    async def _create(self, order: NewErpOrder) -> OrderRow:
        body = body_v4(order, self._sap.settings)
        reply = await self._sap.post(self._paths.orders, body, EXACT, "create_order")
        made = row(decode_json(reply, OrderV4, backend=NAME))
        try:
            return await self._read(made.SalesOrder)
        except Problem:
            return made  # as far as SAP answered; it cannot be read now

    async def _reject(self, order: OrderRow, items: list[ItemRow]) -> None:
        body = msgspec.json.encode(Rejection(self._sap.settings.rejection_reason))
        changes = [
            Change(
                key("SalesOrderItem", SalesOrder=order.SalesOrder, SalesOrderItem=one.SalesOrderItem),
                body,
                one.metadata.etag or order.metadata.etag or "",
            )
            for one in items
        ]
        reply = await self._sap.post(
            self._paths.batch, group_of(changes), JSON, "cancel_order", classify=problem_in_batch, repeatable=True
        )
        check_whole(reply, changes)
