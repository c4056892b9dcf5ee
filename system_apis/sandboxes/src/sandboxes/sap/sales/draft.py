"""An order before it is saved: checked, partners determined, priced, scheduled.

Creating an order and simulating one share this; only creating goes on to save it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Payload, Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.odata_v2.errors import Message, ODataError
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.credit_check import check_credit, country_of, currency_exists
from sandboxes.sap.sales.draft_item import DraftItem, Terms, draft_item
from sandboxes.sap.sales.fields import day, text
from sandboxes.sap.sales.partners import draft_partners
from sandboxes.sap.sales.pricing import DISCOUNTS, PRICES, ManualCondition, header_elements
from sandboxes.sap.sales.tables import CUSTOMERS, SALES_AREAS

ORDER_TYPES = {"OR": "TA", "SO": "SO"}  # external and internal code: standard order, rush order


@dataclass(slots=True)
class Draft:
    """A checked order: header, partners, items, header conditions, and remarks for the caller."""

    header: Row
    partners: list[Row]
    items: list[DraftItem]
    conditions: list[Row] = field(default_factory=list[Row])
    remarks: list[Message] = field(default_factory=list[Message])


def draft_order(work: Work, payload: Payload) -> Draft:
    """Check and complete an order.

    Raises:
        ODataError: 400, with every business rule that the order breaks.
    """
    header, area = _header(work, payload.values)
    terms = _terms(work, header, area)
    manual = manual_conditions(payload.below("to_PricingElement"))
    items, faults = _items(work, payload.below("to_Item"), terms, manual)
    partners, unknown = draft_partners(work, header, area, payload.below("to_Partner"))
    faults += unknown
    if faults:
        raise ODataError(400, faults[0], tuple(faults))
    draft = Draft(header, partners, items)
    complete(work, draft)
    return draft


def complete(work: Work, draft: Draft) -> None:
    """Totals, header conditions, credit status and remarks of a draft."""
    live = [one for one in draft.items if not text(one.row, "SalesDocumentRjcnReason")]
    net = sum((one.net for one in live), Decimal(0))
    currency = text(draft.header, "TransactionCurrency")
    draft.conditions = header_elements([one.conditions for one in live])
    status = check_credit(work.records, text(draft.header, "SoldToParty"), net, currency)
    draft.header |= {
        "TotalNetAmount": net,
        "TotalCreditCheckStatus": status,
        "TotalBlockStatus": "C" if status == "B" else "",
    }
    if status == "B":
        draft.remarks.append(messages.credit_exceeded())
    draft.remarks += [
        messages.not_all_confirmed(text(one.row, "SalesOrderItem")) for one in live if one.confirmed < one.quantity
    ]


def manual_conditions(payloads: Sequence[Payload]) -> list[ManualCondition]:
    """The conditions a request sets by hand.

    Raises:
        ODataError: 400, a condition type cannot be set by hand.
    """
    wanted = [ManualCondition(text(one.values, "ConditionType"), _rate(one.values)) for one in payloads]
    if unknown := [one.type for one in wanted if one.type not in PRICES | DISCOUNTS]:
        raise messages.refused(*map(messages.condition_type, unknown))
    return wanted


def order_terms(work: Work, header: Mapping[str, Value]) -> Terms:
    """The terms that a saved order's items are drafted under."""
    area = work.records.get(SALES_AREAS, **_area_key(header)) or {}
    return _terms(work, header, area)


def _header(work: Work, sent: Mapping[str, Value]) -> tuple[Row, Row]:
    kind, customer = text(sent, "SalesOrderType"), text(sent, "SoldToParty")
    if kind not in ORDER_TYPES:
        raise messages.refused(messages.order_type(kind))
    if not customer:
        raise messages.refused(messages.sold_to_missing())
    area = work.records.get(SALES_AREAS, **_area_key(sent))
    master = work.records.get(CUSTOMERS, Customer=customer)
    if area is None or master is None or master["DeletionIndicator"]:
        raise messages.refused(messages.sales_area(customer, " ".join(map(str, list(_area_key(sent).values())[1:]))))
    if block := text(master, "OrderIsBlockedForCustomer") or text(area, "OrderIsBlockedForCustomer"):
        raise messages.refused(messages.customer_blocked(customer, block))
    currency = text(sent, "TransactionCurrency") or text(area, "Currency")
    if not currency_exists(work.records, currency):
        raise messages.refused(messages.currency(currency))
    return _defaults(work, area) | dict(sent) | {
        "SoldToParty": area["Customer"],
        "SalesOrderTypeInternalCode": ORDER_TYPES[kind],
        "TransactionCurrency": currency,
        "SalesOrderDate": day(sent, "SalesOrderDate") or _today(work),
        "RequestedDeliveryDate": day(sent, "RequestedDeliveryDate") or _today(work),
        "PricingDate": day(sent, "PricingDate") or _today(work),
    }, area


def _defaults(work: Work, area: Row) -> Row:
    """What an order takes from the customer's sales area, and a new document's statuses."""
    inherited = (
        "ShippingCondition",
        "IncotermsClassification",
        "IncotermsLocation1",
        "CustomerPaymentTerms",
        "CustomerGroup",
    )
    return {name: area[name] for name in inherited} | {
        "CreationDate": _today(work),
        "CreatedByUser": work.user,
        "LastChangeDateTime": work.now,
        "OverallDeliveryStatus": "A",
        "OverallTotalDeliveryStatus": "A",
        "OverallSDProcessStatus": "A",
        "OverallSDDocumentRejectionSts": "A",
        "OverallSDDocReferenceStatus": "",
        "OverallOrdReltdBillgStatus": "",
    }


def _terms(work: Work, header: Mapping[str, Value], area: Row) -> Terms:
    return Terms(
        organization=text(header, "SalesOrganization"),
        channel=text(header, "DistributionChannel"),
        currency=text(header, "TransactionCurrency"),
        country=country_of(work.records, text(header, "SoldToParty")),
        plant=text(area, "SupplyingPlant"),
        requested=day(header, "RequestedDeliveryDate") or _today(work),
        priced=day(header, "PricingDate") or _today(work),
        payment_terms=text(header, "CustomerPaymentTerms"),
        order_reference=text(header, "PurchaseOrderByCustomer"),
    )


def _items(
    work: Work, payloads: list[Payload], terms: Terms, header_manual: list[ManualCondition]
) -> tuple[list[DraftItem], list[Message]]:
    if not payloads:
        return [], [messages.no_items()]
    items, faults = list[DraftItem](), list[Message]()
    taken = {text(one.values, "SalesOrderItem") for one in payloads} - {""}
    promised: dict[tuple[str, str], Decimal] = {}
    for place, one in enumerate(payloads, 1):
        item_number = text(one.values, "SalesOrderItem") or next(
            str(ten) for ten in range(place * 10, 10**7, 10) if str(ten) not in taken
        )
        taken.add(item_number)
        if any(item_number == existing.row["SalesOrderItem"] for existing in items):
            faults.append(messages.item_exists(item_number))
            continue
        manual = manual_conditions(one.below("to_PricingElement")) + header_manual
        drafted = draft_item(work.records, {**one.values, "SalesOrderItem": item_number}, manual, terms, promised)
        if isinstance(drafted, DraftItem):
            items.append(drafted)
        else:
            faults.append(drafted)
    return items, faults


def _area_key(header: Mapping[str, Value]) -> dict[str, Value]:
    return {
        "Customer": text(header, "SoldToParty"),
        "SalesOrganization": text(header, "SalesOrganization"),
        "DistributionChannel": text(header, "DistributionChannel"),
        "Division": text(header, "OrganizationDivision"),
    }


def _rate(values: Mapping[str, Value]) -> Decimal:
    rate = values.get("ConditionRateValue")
    return rate if isinstance(rate, Decimal) else Decimal(0)


def _today(work: Work) -> datetime:
    return work.now.replace(hour=0, minute=0, second=0, microsecond=0)
