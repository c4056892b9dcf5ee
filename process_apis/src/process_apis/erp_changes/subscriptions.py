"""Which of SAP's documents say that something changed; read where SAP is the ERP."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from process_apis.erp_changes.flow import PassOnErpChange
from process_apis.erp_changes.service import change_key
from shared.contracts.process.erp_changes import ErpChange
from shared.contracts.system.erp import Erp
from shared.contracts.system.sap_idocs import CustomerRecordChanged, DeliveryConfirmed, InvoicePosted, SapIdocs
from shared.durable.feed_source import Feed
from shared.durable.subscription import Subscription

_Event = TypeVar("_Event", bound=msgspec.Struct)


def delivered(event: DeliveryConfirmed) -> ErpChange:
    """The orders of a delivery."""
    numbers = dict.fromkeys(line.erp_order_id for line in event.lines if line.erp_order_id)
    return ErpChange(event.reference, "order", list(numbers))


def billed(event: InvoicePosted) -> ErpChange:
    """The orders of an invoice."""
    return ErpChange(event.reference, "order", event.erp_order_ids)


def customer_changed(event: CustomerRecordChanged) -> ErpChange:
    """The customer of a master record."""
    return ErpChange(event.reference, "customer", [event.erp_number])


def _idocs(
    name: str, message: str, event: type[_Event], change: Callable[[_Event], ErpChange]
) -> Subscription[Any, Any]:
    return Subscription(
        name,
        event,
        PassOnErpChange,
        key=lambda happened: change_key(change(happened)),
        request=change,
        source=Feed(SapIdocs, message, of=Erp),
    )


IDOCS = (
    _idocs("erp-deliveries", "SHPCON", DeliveryConfirmed, delivered),
    _idocs("erp-invoices", "INVOIC", InvoicePosted, billed),
    _idocs("erp-customers", "DEBMAS", CustomerRecordChanged, customer_changed),
)
"""A document whose flow exists starts nothing, so one that comes twice has one effect."""
