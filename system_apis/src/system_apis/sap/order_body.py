"""A canonical order as the body that creates or simulates it; what SAP could not hold is refused here."""

import re

from msgspec.structs import replace

from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import ErpCustomerNotFound, OrderRejected
from system_apis.sap.lines import width
from system_apis.sap.odata import document_number, json_date, json_decimal
from system_apis.sap.order_records import NewCondition, NewItem, NewOrder, NewPartner, ScheduleLine
from system_apis.sap.settings import SapSettings

NUMBER_LENGTH = 10
"""Characters of a customer's, partner's or sales document's number."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_QUANTITY_DIGITS, _QUANTITY_SCALE = 15, 3
_RATE_DIGITS, _RATE_SCALE = 24, 9
REFERENCE_WIDTH = 35
"""UTF-16 code units of the customer's own number of a sales document."""


def order_body(order: NewErpOrder, settings: SapSettings) -> NewOrder:
    """The body that creates an order.

    Raises:
        OrderRejected: It has no lines, or one that cannot be ordered.
        ErpCustomerNotFound: Its customer's number is none of SAP's.
    """
    kept_in_ship_to = settings.reference_field == "PurchaseOrderByShipToParty"
    return replace(
        _body(order, settings, simulated=False),
        ExternalDocumentID=order.reference,
        PurchaseOrderByShipToParty=order.reference if kept_in_ship_to else "",
    )


def simulation_body(order: NewErpOrder, settings: SapSettings) -> NewOrder:
    """The body that simulates an order: its empty navigations ask for price, credit and dates.

    Raises:
        Problem: As `order_body`.
    """
    return replace(_body(order, settings, simulated=True), to_Pricing={}, to_Credit={})


def customer_number(value: str) -> str:
    """A customer's number as SAP shows it.

    Raises:
        ErpCustomerNotFound: It is longer than any in SAP.
    """
    number = document_number(value)
    if len(number) > NUMBER_LENGTH:
        raise ErpCustomerNotFound(f"SAP has no customer {value}: its numbers have up to {NUMBER_LENGTH} characters.")
    return number


def checked(order: NewErpOrder) -> NewErpOrder:
    """The order, if SAP could hold it.

    Raises:
        OrderRejected: It has no lines, or something in it has no place in SAP.
    """
    if not order.lines:
        raise OrderRejected("The order has no lines; add what is to be ordered.")
    for name, text in (("reference", order.reference), ("purchase order number", order.purchase_order)):
        if width(text) > REFERENCE_WIDTH:
            raise OrderRejected(f"The order's {name} takes more than {REFERENCE_WIDTH} UTF-16 code units; shorten it.")
    if not _CURRENCY.fullmatch(order.currency):
        raise OrderRejected("The order's currency is no ISO 4217 code of three capital letters.")
    for number, line in enumerate(order.lines, 1):
        if line.quantity.is_nan() or line.quantity <= 0:
            raise OrderRejected(f"Line {number} ({line.sku}) has no quantity above zero; correct or drop it.")
    return order


def _body(order: NewErpOrder, settings: SapSettings, *, simulated: bool) -> NewOrder:
    checked(order)
    return NewOrder(
        SalesOrderType=settings.order_type,
        SalesOrganization=settings.sales_organization,
        DistributionChannel=settings.distribution_channel,
        OrganizationDivision=settings.division,
        SoldToParty=customer_number(order.erp_number),
        TransactionCurrency=order.currency,
        PurchaseOrderByCustomer=order.purchase_order or order.reference,
        RequestedDeliveryDate=json_date(order.requested_date) if order.requested_date else "",
        to_Partner=_ship_to(order, settings),
        to_Item=[_item(number, line, settings, simulated=simulated) for number, line in enumerate(order.lines, 1)],
    )


def _item(number: int, line: NewOrderLine, settings: SapSettings, *, simulated: bool) -> NewItem:
    priced = [_condition(number, line.sku, line.unit_price, settings)] if line.unit_price else []
    try:
        quantity = json_decimal(line.quantity, digits=_QUANTITY_DIGITS, scale=_QUANTITY_SCALE)
    except ValueError as reason:
        raise OrderRejected(f"The quantity of line {number} ({line.sku}) cannot be ordered: {reason}.") from None
    return NewItem(
        Material=line.sku,
        RequestedQuantity=quantity,
        RequestedQuantityUnit=settings.quantity_unit,
        to_PricingElement=priced if priced or simulated else None,
        to_ScheduleLine=list[ScheduleLine]() if simulated else None,
    )


def _condition(number: int, sku: str, price: Money, settings: SapSettings) -> NewCondition:
    try:
        rate = json_decimal(price.amount, digits=_RATE_DIGITS, scale=_RATE_SCALE)
    except ValueError as reason:
        raise OrderRejected(f"The price of line {number} ({sku}) cannot be used: {reason}.") from None
    return NewCondition(
        ConditionType=settings.price_condition,
        ConditionRateValue=rate,
        ConditionCurrency=price.currency,
        ConditionQuantityUnit=settings.quantity_unit,
    )


def _ship_to(order: NewErpOrder, settings: SapSettings) -> list[NewPartner] | None:
    if order.ship_to_erp_number is None:
        return None
    return [NewPartner(settings.ship_to_function, customer_number(order.ship_to_erp_number))]
