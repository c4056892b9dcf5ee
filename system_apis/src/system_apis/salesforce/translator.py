"""Salesforce records ↔ the Canonical Data Model: pure functions."""

import re
from datetime import date
from decimal import Decimal
from typing import Any, Final

from shared.binding.problems import BackendFault, FieldError, Invalid
from shared.contracts.canonical.order import CrmOrder, NewCrmOrder
from shared.contracts.canonical.party import Contact, Customer
from shared.contracts.canonical.quote import Opportunity, Quote, QuoteLine, QuoteState
from shared.contracts.canonical.values import Address, Money
from shared.contracts.system.crm import CrmOrderStatus, CustomerOverview, ErpRecord
from system_apis.salesforce.composite import as_given
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.record_id import to_18
from system_apis.salesforce.records import (
    AccountOverview,
    AccountRecord,
    CompoundAddress,
    ContactRecord,
    OpportunityRecord,
    OrderRecord,
    QuoteDocument,
    QuoteLineRecord,
    QuoteRecord,
    QuoteStanding,
)

ACCEPTED: Final = "Accepted"
ACCEPTANCE: Final[dict[str, Any]] = {"Status": ACCEPTED}
REOPENING: Final[dict[str, Any]] = {"Status": "Approved"}
ACTIVATION: Final[dict[str, Any]] = {"Status": "Activated"}
"""What to change on a quote that is ordered, or whose order is cancelled, and on an order that is complete."""
CANCELLED: Final = "Cancelled"
STATUSES: Final[dict[QuoteState, tuple[str, ...]]] = {
    "draft": ("Draft",),
    "in-review": ("In Review", "Needs Review"),
    "approved": ("Approved", "Presented"),
    "rejected": ("Rejected", "Denied"),
    "accepted": ("Accepted",),
    "expired": ("Draft", "In Review", "Needs Review", "Approved", "Presented"),
}
"""Salesforce's statuses of a quote by ours; one that is still open expires with its date."""
OPEN_STATUSES: Final = STATUSES["expired"]

_STATES: Final[dict[str, QuoteState]] = {
    status: state for state, statuses in STATUSES.items() if state != "expired" for status in statuses
}
_FINAL: Final = ("accepted", "rejected")
_COUNTRY = re.compile(r"[A-Z]{2}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:\-]{0,127}")
_SKU = re.compile(r"[\x21-\x7e]{1,40}")
_NOTHING: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)


def quote_state(status: str | None, expires: date | None, today: date) -> QuoteState:
    """Where a quote stands; a status that an administrator invented counts as a draft, which nobody can order."""
    state = _STATES.get(status or "", "draft")
    expired = state not in _FINAL and expires is not None and expires < today
    return "expired" if expired else state


class Translator:
    """Turns the records of one org into canonical values and back.

    Args:
        settings: Its currency and how it names things.
    """

    def __init__(self, settings: SalesforceSettings) -> None:
        self._settings = settings

    def customer(self, record: AccountRecord) -> Customer:
        """An Account as a customer."""
        return Customer(
            customer_id=record.id,
            name=record.name,
            erp_number=_identifier(record.erp_number),
            parent_id=record.parent_id,
            industry=record.industry or "",
            phone=record.phone or "",
            website=record.website or "",
            currency=self._currency(record.currency_iso_code),
            billing_address=_address(record.billing_address),
            shipping_address=_address(record.shipping_address),
            legal_name=record.legal_name or "",
            tax_number=record.tax_number or "",
            order_blocked=bool(record.order_block),
        )

    def overview(self, record: AccountOverview, today: date) -> CustomerOverview:
        """An Account with its children."""
        return CustomerOverview(
            customer=self.customer(record),
            contacts=[_contact(each) for each in record.contacts.records] if record.contacts else [],
            open_opportunities=(
                [self._opportunity(each, record.id) for each in record.opportunities.records]
                if record.opportunities
                else []
            ),
            open_quotes=(
                [self.quote(each, record.id, today, _lines(each)) for each in record.quotes.records]
                if record.quotes
                else []
            ),
            recent_orders=[self.order(each) for each in record.orders.records] if record.orders else [],
        )

    def quote(
        self, record: QuoteRecord, customer_id: str, today: date, lines: list[QuoteLineRecord] | None = None
    ) -> Quote:
        """A Quote; without lines in lists."""
        currency = self._currency(record.currency_iso_code)
        total = record.total_price if record.grand_total is None else record.grand_total
        return Quote(
            quote_id=record.id,
            number=record.quote_number,
            name=record.name,
            customer_id=customer_id,
            state=quote_state(record.status, record.expiration_date, today),
            total=Money(plain_number(total or _NOTHING), currency),
            expires=record.expiration_date,
            opportunity_id=record.opportunity_id,
            price_book_id=record.pricebook2_id,
            ship_to=_address(record.shipping_address),
            ship_to_name=record.shipping_name or "",
            lines=[self._line(each) for each in lines or ()],
        )

    def order(self, record: OrderRecord) -> CrmOrder:
        """An Order. One that is cancelled says so, whatever Salesforce's own status."""
        return CrmOrder(
            crm_order_id=record.id,
            number=record.order_number,
            customer_id=record.account_id,
            status=CANCELLED if self.is_cancelled(record) else record.status,
            total=Money(plain_number(record.total_amount or _NOTHING), self._currency(record.currency_iso_code)),
            reference=record.reference or "",
            erp_order_id=_identifier(record.erp_order_number),
            quote_id=record.quote_id,
            tracking_number=record.tracking_number or "",
            fulfilment=record.fulfilment or "",
            ordered=record.effective_date,
            changed=record.last_modified_date,
        )

    def is_cancelled(self, record: OrderRecord) -> bool:
        """Whether the order was cancelled; Salesforce has no status for it, fulfilment tells."""
        return record.fulfilment == self._settings.cancelled_fulfilment

    def order_fields(self, order: NewCrmOrder, quote: QuoteStanding, today: date) -> dict[str, Any]:
        """The fields of a new Order, a draft as Salesforce demands; the quote gives what the order leaves out."""
        settings = self._settings
        fields: dict[str, Any] = {
            "AccountId": _reference(order.customer_id, "/customerId"),
            "QuoteId": quote.id,
            "OpportunityId": _reference(order.opportunity_id or quote.opportunity_id, "/opportunityId"),
            "Pricebook2Id": _reference(order.price_book_id or quote.pricebook2_id, "/priceBookId"),
            "EffectiveDate": order.start or today,
            "Status": "Draft",
            settings.order_reference_field: order.reference,
            settings.erp_order_field: order.erp_order_id,
            settings.tracking_field: order.tracking_number or None,
            settings.fulfilment_field: settings.new_fulfilment or None,
        }
        if not settings.currency:
            fields["CurrencyIsoCode"] = order.currency
        return as_given({name: value for name, value in fields.items() if value is not None})

    def order_items(self, order: NewCrmOrder, order_id: str) -> list[dict[str, Any]]:
        """The products of a new Order; Invalid for one that Salesforce cannot take."""
        if not order.lines:
            raise _invalid("/lines", "An order needs at least one line.")
        return [self._order_item(order, place, order_id) for place in range(len(order.lines))]

    def erp_fields(self, erp_number: str) -> dict[str, Any]:
        """What to change on an Account to note its number in the ERP."""
        return as_given({self._settings.erp_customer_field: erp_number})

    def erp_record_fields(self, record: ErpRecord, known: Customer) -> dict[str, Any]:
        """What to change on an Account so that it says what the ERP does; nothing where it says so already."""
        settings = self._settings
        told = (
            (settings.legal_name_field, record.legal_name, known.legal_name),
            (settings.tax_number_field, record.tax_number, known.tax_number),
            (settings.order_block_field, record.order_blocked, known.order_blocked),
        )
        return as_given({field: value for field, value, now in told if field and value is not None and value != now})

    def status_fields(self, status: CrmOrderStatus) -> dict[str, Any]:
        """What to change on an Order to note its fulfilment; an empty tracking number leaves the old one."""
        fields: dict[str, Any] = {self._settings.fulfilment_field: _capital(status.fulfilment) or None}
        if status.tracking_number:
            fields[self._settings.tracking_field] = status.tracking_number
        return as_given(fields)

    def cancellation_fields(self, reason: str) -> dict[str, Any]:
        """What to change on an Order to cancel it."""
        settings = self._settings
        fields = {settings.fulfilment_field: settings.cancelled_fulfilment, "Status": settings.cancelled_status}
        return as_given({**fields, "Description": reason}) if reason else fields

    def _order_item(self, order: NewCrmOrder, place: int, order_id: str) -> dict[str, Any]:
        line, at = order.lines[place], f"/lines/{place}"
        if line.unit_price.currency != order.currency:
            raise _invalid(f"{at}/unitPrice/currency", "Every line must be in the order's currency.")
        item: dict[str, Any] = {
            "attributes": {"type": "OrderItem"},
            "OrderId": order_id,
            "PricebookEntryId": _reference(line.price_book_entry_id, f"{at}/priceBookEntryId"),
            "Quantity": _finite(line.quantity, f"{at}/quantity"),
            "UnitPrice": _finite(line.unit_price.amount, f"{at}/unitPrice/amount"),
        }
        if line.quote_line_id is not None:
            item["QuoteLineItemId"] = _reference(line.quote_line_id, f"{at}/quoteLineId")
        return item

    def _line(self, record: QuoteLineRecord) -> QuoteLine:
        sku = record.product2.product_code or ""
        if _SKU.fullmatch(sku) is None:
            raise BackendFault(
                f"The product {record.product2_id} has no usable product code in Salesforce; give it the ERP's SKU."
            )
        discount = record.discount or _NOTHING
        price = record.unit_price * (_HUNDRED - discount) / _HUNDRED if discount else record.unit_price
        return QuoteLine(
            line_id=record.id,
            sku=sku,
            quantity=plain_number(record.quantity),
            unit_price=Money(plain_number(price), self._currency(record.currency_iso_code)),
            name=record.product2.name,
            discount_percent=plain_number(discount),
            product_id=record.product2_id,
            price_book_entry_id=record.pricebook_entry_id,
        )

    def _opportunity(self, record: OpportunityRecord, customer_id: str) -> Opportunity:
        amount = record.amount
        return Opportunity(
            opportunity_id=record.id,
            name=record.name,
            customer_id=customer_id,
            stage=record.stage_name,
            amount=None if amount is None else Money(plain_number(amount), self._currency(record.currency_iso_code)),
            close_date=record.close_date,
            is_closed=record.is_closed,
        )

    def _currency(self, iso_code: str) -> str:
        return iso_code or self._settings.currency


def _contact(record: ContactRecord) -> Contact:
    return Contact(
        contact_id=record.id,
        first_name=record.first_name or "",
        last_name=record.last_name or "",
        title=record.title or "",
        email=record.email or "",
        phone=record.phone or "",
    )


def _address(record: CompoundAddress | None) -> Address | None:
    if record is None:
        return None
    country = record.country_code or record.country or ""
    return Address(
        street=record.street or "",
        city=record.city or "",
        region=record.state_code or record.state or "",
        postal_code=record.postal_code or "",
        country=country if _COUNTRY.fullmatch(country) else None,
    )


def _lines(record: QuoteDocument) -> list[QuoteLineRecord]:
    return record.quote_line_items.records if record.quote_line_items else []


def plain_number(value: Decimal) -> Decimal:
    """The same value without Salesforce's `.0` behind whole numbers, and without its exponents (`1.0E7`)."""
    whole = value.to_integral_value()
    return Decimal(int(whole)) if whole == value else Decimal(f"{value:f}")


def _identifier(text: str | None) -> str | None:
    return text if text and _ID.fullmatch(text) else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _finite(value: Decimal, pointer: str) -> Decimal:
    if not value.is_finite():
        raise _invalid(pointer, "Not a finite number.")
    return value


def _reference(record_id: str | None, pointer: str) -> str | None:
    if record_id is None:
        return None
    full = to_18(record_id)
    if full is None:
        raise _invalid(pointer, "Not a Salesforce id; they have 15 or 18 letters and digits.")
    return full


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid("The order cannot be recorded as it stands.", errors=[FieldError(detail=detail, pointer=pointer)])
