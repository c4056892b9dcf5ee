"""Placing and cancelling orders so that a repeat finds what the first try did."""

import msgspec

from shared.binding.problems import Problem
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import ErpOrderNotFound
from shared.resilience.once import Once
from system_apis.sap.batch import Change
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number
from system_apis.sap.order_body import NUMBER_LENGTH, order_body
from system_apis.sap.order_cancelling import cancelled
from system_apis.sap.order_records import ItemRow, OrderRow, Rejection
from system_apis.sap.paths import item_path
from system_apis.sap.records import Many, Single


class OrderChanges:
    """Writes sales orders. SAP's own service makes two orders of one request sent twice; this does not.

    Args:
        sap: Where to write.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._once: Once[OrderRow] = sap.once("order")

    async def get(self, number: str) -> OrderRow:
        """An order with its items.

        Raises:
            ErpOrderNotFound: There is none.
        """
        plain = document_number(number)
        path = self._sap.paths.order(plain)
        found = await self._sap.read(path, Single[OrderRow], "get_order") if len(plain) <= NUMBER_LENGTH else None
        if found is None:
            raise ErpOrderNotFound(f"SAP has no sales order {number}.")
        return found.d

    async def place(self, order: NewErpOrder) -> OrderRow:
        """The order of this reference: the one there is, or a new one.

        Raises:
            OrderRejected: SAP refused it, or would.
            OutcomeUnknown: No answer came and the order is not to be found; a repeat looks again first.
        """
        return await self._once.make(order.reference, lambda: self.placed(order.reference), lambda: self._create(order))

    async def cancel(self, number: str) -> OrderRow:
        """Reject every item that is not yet; returns the order as it then is.

        Raises:
            ErpOrderNotFound: There is none.
            OrderNotCancellable: Something was delivered or billed.
            BackendUnavailable: Somebody else keeps changing it.
        """
        return await cancelled(number, self.get, self._reject)

    async def placed(self, reference: str) -> OrderRow | None:
        """The order of this reference, if there is one."""
        found = await self._sap.read(self._sap.paths.order_with(reference), Many[OrderRow], "find_order")
        return found.d.results[0] if found is not None and found.d.results else None

    async def _create(self, order: NewErpOrder) -> OrderRow:
        body = order_body(order, self._sap.settings)
        made, _ = await self._sap.create(self._sap.paths.orders, body, OrderRow, "create_order")
        return await self._whole(made)

    async def _whole(self, made: OrderRow) -> OrderRow:
        """An order just made, with its schedule lines; as far as SAP answered if it cannot be read now."""
        try:
            return await self.get(made.SalesOrder)
        except Problem:
            return made

    async def _reject(self, row: OrderRow, items: list[ItemRow]) -> None:
        body = msgspec.json.encode(Rejection(self._sap.settings.rejection_reason))
        changes = [
            Change(item_path(row.SalesOrder, item.SalesOrderItem), body, item.metadata.etag or row.metadata.etag or "")
            for item in items
        ]
        await self._sap.change(self._sap.paths.batch, changes, "cancel_order")
