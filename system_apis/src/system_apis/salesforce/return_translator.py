"""ReturnOrders and their lines ↔ the canonical model: pure functions."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from shared.binding.problems import FieldError, Invalid
from shared.contracts.canonical.returns import CrmReturn, CrmReturnState, NewCrmReturn, ReturnReason
from shared.contracts.canonical.values import Money
from shared.contracts.system.crm import CrmReturnNote, ReturnNotRecordable
from system_apis.salesforce.composite import as_given
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.records import OrderItemRecord, OrderWithItems, ReturnRecord
from system_apis.salesforce.translator import plain_number

RETURN_STATUSES: Final[Mapping[CrmReturnState, str]] = {
    "requested": "Submitted",
    "approved": "Approved",
    "cancelled": "Canceled",
    "closed": "Closed",
}
_STATES: Final[dict[str, CrmReturnState]] = {status: state for state, status in RETURN_STATUSES.items()}
RETURN_REASONS: Final[Mapping[ReturnReason, str]] = {
    "damaged": "Damaged",
    "defective": "Defective",
    "duplicate-order": "Duplicate Order",
    "wrong-item": "Wrong Item",
    "wrong-quantity": "Wrong Quantity",
    "not-satisfied": "Not Satisfied",
    "outdated": "Outdated",
    "other": "Other",
}
"""The standard values of `Status` and `ReasonForReturn` (Object Reference)."""

REPAYMENT: Final = "Credit"
PROCESSING: Final = "Restock"
"""How a customer is compensated, and what becomes of the goods: values of `RepaymentMethod` and `ProcessingPlan`."""


class ReturnTranslator:
    """Turns the return orders of one org into canonical returns and back.

    Args:
        settings: Its currency and how it names things.
    """

    def __init__(self, settings: SalesforceSettings) -> None:
        self._settings = settings

    def crm_return(self, record: ReturnRecord) -> CrmReturn:
        """A ReturnOrder; a status that an administrator invented counts as requested."""
        currency = record.currency_iso_code or self._settings.currency
        refund = record.refund_amount
        return CrmReturn(
            crm_return_id=record.id,
            number=record.return_order_number,
            reference=record.return_reference or "",
            state=_STATES.get(record.status or "", "requested"),
            customer_id=record.account_id,
            crm_order_id=record.order_id,
            erp_return_id=record.erp_return_number or "",
            tracking_number=record.return_tracking_number or "",
            credit_memo_id=record.credit_memo_number or "",
            refund=None if refund is None else Money(plain_number(refund), currency),
        )

    def return_fields(self, new: NewCrmReturn, order: OrderWithItems) -> dict[str, Any]:
        """The fields of a new ReturnOrder: Submitted, for the account of its order."""
        fields: dict[str, Any] = {
            "AccountId": order.account_id,
            "OrderId": order.id,
            "Status": RETURN_STATUSES["requested"],
            "Description": new.note or None,
            self._settings.return_reference_field: new.reference,
        }
        if not self._settings.currency:
            fields["CurrencyIsoCode"] = order.currency_iso_code
        return as_given({name: value for name, value in fields.items() if value is not None})

    def line_fields(self, new: NewCrmReturn, items: Sequence[OrderItemRecord], return_id: str) -> list[dict[str, Any]]:
        """The fields of its lines, each tied to the order product of its SKU.

        Raises:
            ReturnNotRecordable: With a pointer to each line whose SKU is no product of the order.
        """
        by_sku = {item.product2.product_code: item for item in reversed(items)}
        unknown = [
            FieldError(f"{line.sku} is no product of the order.", pointer=f"/lines/{place}/sku")
            for place, line in enumerate(new.lines)
            if line.sku not in by_sku
        ]
        if unknown:
            raise ReturnNotRecordable("The order does not hold every product that comes back.", errors=unknown)
        return [
            {
                "attributes": {"type": "ReturnOrderLineItem"},
                "ReturnOrderId": return_id,
                "OrderItemId": by_sku[line.sku].id,
                "Product2Id": by_sku[line.sku].product2_id,
                "QuantityReturned": _finite(line.quantity, place),
                "UnitPrice": by_sku[line.sku].unit_price,
                "ReasonForReturn": RETURN_REASONS[line.reason],
                "RepaymentMethod": REPAYMENT,
                "ProcessingPlan": PROCESSING,
            }
            for place, line in enumerate(new.lines)
        ]

    def note_fields(self, note: CrmReturnNote) -> dict[str, Any]:
        """What to change on a ReturnOrder; what the note leaves out is not touched."""
        settings = self._settings
        fields: dict[str, Any] = {
            "Description": note.note,
            settings.erp_return_field: note.erp_return_id,
            settings.return_tracking_field: note.tracking_number,
            settings.credit_memo_field: note.credit_memo_id,
            settings.refund_field: note.refund.amount if note.refund else None,
        }
        told = {name: value for name, value in fields.items() if value not in ("", None)}
        return as_given({"Status": RETURN_STATUSES[note.state], **told})


def _finite(value: Decimal, place: int) -> Decimal:
    if not value.is_finite() or value <= 0:
        error = FieldError("More than zero.", pointer=f"/lines/{place}/quantity")
        raise Invalid("The return cannot be recorded as it stands.", errors=[error])
    return value
