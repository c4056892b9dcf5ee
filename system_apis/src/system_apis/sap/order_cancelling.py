"""Cancelling an order: every item that is left gets a rejection reason, all of them or none."""

from collections.abc import Awaitable, Callable

from shared.binding.problems import BackendUnavailable, PreconditionFailed
from shared.contracts.system.erp import OrderNotCancellable, OrderRejected
from system_apis.sap.order_records import ItemRow, OrderRow
from system_apis.sap.order_translator import has_gone_out, is_cancelled

_ROUNDS = 4


async def cancelled(
    number: str,
    get: Callable[[str], Awaitable[OrderRow]],
    reject: Callable[[OrderRow, list[ItemRow]], Awaitable[None]],
) -> OrderRow:
    """Reject every item that is not yet; returns the order as it then is.

    Args:
        number: Of the order.
        get: Reads it with its items.
        reject: Rejects these items of it, as it was read.

    Raises:
        ErpOrderNotFound: There is none.
        OrderNotCancellable: Something was delivered or billed.
        BackendUnavailable: Somebody else keeps changing it.
    """
    for _ in range(_ROUNDS):
        row = await get(number)
        left = [item for item in row.to_Item.results if not item.SalesDocumentRjcnReason]
        if is_cancelled(row) or not left:
            return row
        if has_gone_out(row):
            raise OrderNotCancellable(f"Order {number} was delivered or billed, at least in part; return it.")
        try:
            await reject(row, left)
        except PreconditionFailed:
            continue
        except OrderRejected as refused:
            raise OrderNotCancellable(
                f"SAP does not let order {number} be cancelled.", extensions=refused.extensions
            ) from None
    raise BackendUnavailable(f"Order {number} is being changed by somebody else; try again.")
