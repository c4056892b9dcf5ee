"""Booking back what customers return, as transactions (see `transactions`)."""

from uuid import uuid4

import msgspec

from shared.binding.problems import FieldError
from shared.contracts.canonical.returns import NewReturnReceipt
from shared.contracts.system.warehouse import UnknownSku
from shared.sql.transaction import Rows, Statement, Transaction
from system_apis.warehouse.records import Receipt, ReceiptLineRecord, ReceiptRecord

_RECEIPT = "SELECT id, reference, warehouse, received_at FROM return_receipt WHERE reference = $1"


def receive(wanted: NewReturnReceipt) -> Transaction[Receipt | None]:
    """Add goods to the stock they were shipped from, or find the receipt of this reference; None without a shipment.

    Raises:
        UnknownSku: Nothing is booked.
    """
    receipt_id = f"rcp-{uuid4().hex}"
    inserted = yield Statement(
        "INSERT INTO return_receipt (id, reference, warehouse, received_at)"
        " SELECT CAST($1 AS text), CAST($2 AS text), warehouse, now() FROM shipment WHERE reference = $3"
        " ON CONFLICT (reference) DO NOTHING RETURNING id",
        (receipt_id, wanted.reference, wanted.order_reference),
    )
    if inserted:
        for sku, quantity in sorted(_quantities(wanted).items()):
            yield from _book(wanted, receipt_id, sku, quantity)
    rows = yield Statement(_RECEIPT, (wanted.reference,))
    return (yield from _with_lines(rows)) if rows else None


def _quantities(wanted: NewReturnReceipt) -> dict[str, int]:
    """By SKU; sorted, they are locked in one order everywhere."""
    quantities: dict[str, int] = {}
    for line in wanted.lines:
        quantities[line.sku] = quantities.get(line.sku, 0) + int(line.quantity)
    return quantities


def _book(wanted: NewReturnReceipt, receipt_id: str, sku: str, quantity: int) -> Transaction[None]:
    booked = yield Statement(
        "UPDATE inventory_level SET on_hand = on_hand + $1, version = version + 1, updated_at = now()"
        " WHERE sku = $2 AND warehouse = (SELECT warehouse FROM return_receipt WHERE id = $3) RETURNING sku",
        (quantity, sku, receipt_id),
    )
    if not booked:
        wrong = [
            FieldError(f"{sku} is not stocked.", pointer=f"/lines/{index}/sku")
            for index, line in enumerate(wanted.lines)
            if line.sku == sku
        ]
        raise UnknownSku("The warehouse does not stock every SKU that came back; nothing is booked.", errors=wrong)
    yield Statement(
        "INSERT INTO return_receipt_line (receipt_id, sku, quantity) VALUES ($1, $2, $3)", (receipt_id, sku, quantity)
    )


def _with_lines(rows: Rows) -> Transaction[Receipt]:
    record = msgspec.convert(rows[0], ReceiptRecord)
    lines = yield Statement(
        "SELECT sku, quantity FROM return_receipt_line WHERE receipt_id = $1 ORDER BY sku", (record.id,)
    )
    return Receipt(record, msgspec.convert(lines, list[ReceiptLineRecord]))
