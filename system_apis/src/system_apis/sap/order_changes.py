"""Placing and cancelling orders so that a repeat finds what the first try did."""

import asyncio
import time
from weakref import WeakValueDictionary

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded, PreconditionFailed, Problem
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import ErpOrderNotFound, OrderNotCancellable, OrderRejected
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown
from system_apis.sap.batch import Change
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number
from system_apis.sap.order_body import NUMBER_LENGTH, order_body
from system_apis.sap.order_records import ItemRow, NewOrder, OrderRow, Rejection
from system_apis.sap.order_translator import has_gone_out, is_cancelled
from system_apis.sap.paths import item_path
from system_apis.sap.records import Many, Single

_LOOKS_AGAIN_AFTER = (0.0, 0.3)
"""Seconds: an order whose reply was lost may be a moment from being visible."""

_ASKS_AGAIN_AFTER = 5.0
"""Seconds after which a repeat may look again for an order that SAP may still be working on."""

_CANCELLING_ROUNDS = 4


class References:
    """References that SAP may be working on although nobody waits for its answer any more.

    Args:
        seconds: How long one stays.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def add(self, reference: str) -> None:
        """Note one; those whose time is over are forgotten."""
        now = time.monotonic()
        while self._until and next(iter(self._until.values())) <= now:
            del self._until[next(iter(self._until))]
        self.discard(reference)
        self._until[reference] = now + self._seconds

    def discard(self, reference: str) -> None:
        """Forget one."""
        self._until.pop(reference, None)

    def remaining(self, reference: str) -> float:
        """Seconds that one still stays; 0 if it does not."""
        return max(0.0, self._until.get(reference, 0.0) - time.monotonic())


class OrderChanges:
    """Writes sales orders. SAP's own service makes two orders of one request sent twice; this does not.

    Args:
        sap: Where to write.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._placing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._in_doubt = References(sap.settings.settle_seconds)

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
        lock = self._placing.setdefault(order.reference, asyncio.Lock())
        async with lock:
            if placed := await self._placed(order.reference):
                return placed
            if (seconds := self._in_doubt.remaining(order.reference)) > 0:
                raise OutcomeUnknown(
                    "SAP may still be working on this order, given up for want of time; look again shortly.",
                    retry_after=min(seconds, _ASKS_AGAIN_AFTER),
                    extensions={"outcome": "unknown"},
                )
            return await self._create(order)

    async def cancel(self, number: str) -> OrderRow:
        """Reject every item that is not yet; returns the order as it then is.

        Raises:
            ErpOrderNotFound: There is none.
            OrderNotCancellable: Something was delivered or billed.
            BackendUnavailable: Somebody else keeps changing it.
        """
        for _ in range(_CANCELLING_ROUNDS):
            row = await self.get(number)
            left = [item for item in row.to_Item.results if not item.SalesDocumentRjcnReason]
            if is_cancelled(row) or not left:
                return row
            if has_gone_out(row):
                raise OrderNotCancellable(f"Order {number} was delivered or billed, at least in part; return it.")
            try:
                await self._reject(row, left)
            except PreconditionFailed:
                continue
            except OrderRejected as refused:
                raise OrderNotCancellable(
                    f"SAP does not let order {number} be cancelled.", extensions=refused.extensions
                ) from None
        raise BackendUnavailable(f"Order {number} is being changed by somebody else; try again.")

    async def _placed(self, reference: str) -> OrderRow | None:
        found = await self._sap.read(self._sap.paths.order_with(reference), Many[OrderRow], "find_order")
        return found.d.results[0] if found is not None and found.d.results else None

    async def _create(self, order: NewErpOrder) -> OrderRow:
        body = order_body(order, self._sap.settings)
        try:
            made = await self._post(body, order.reference)
        except NotReached:
            raise
        except (BackendUnavailable, BackendFault, DeadlineExceeded) as problem:
            found = await self._recovered(order.reference, problem)
            if found is None:
                raise
            return found
        return await self._whole(made)

    async def _post(self, body: NewOrder, reference: str) -> OrderRow:
        """Send it, and be in doubt about it unless SAP is done: also when the caller goes away meanwhile."""
        self._in_doubt.add(reference)
        try:
            made, _ = await self._sap.create(self._sap.paths.orders, body, OrderRow, "create_order")
        except DeadlineExceeded as late:
            if "outcome" not in late.extensions:
                self._in_doubt.discard(reference)  # nothing was sent
            raise
        except Problem:
            self._in_doubt.discard(reference)
            raise
        self._in_doubt.discard(reference)
        return made

    async def _recovered(self, reference: str, after: Problem) -> OrderRow | None:
        """The order that a request without a usable answer made after all, or None if it made none."""
        try:
            for seconds in _LOOKS_AGAIN_AFTER:
                await asyncio.sleep(seconds)
                if found := await self._placed(reference):
                    return found
        except Problem:
            if after.transient:
                raise after from None
            raise OutcomeUnknown(
                "SAP gave no usable answer to a new order, nor to the question whether it has it; try again.",
                extensions={"outcome": "unknown"},
            ) from None
        return None

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
        await self._sap.change_orders(changes, "cancel_order")
