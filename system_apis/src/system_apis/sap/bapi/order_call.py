"""A canonical order as the parameters that create or simulate it."""

from collections.abc import Mapping
from decimal import Decimal

from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.system.erp import OrderRejected
from system_apis.sap.bapi.answer import Tree
from system_apis.sap.bapi.transport import Parameters
from system_apis.sap.odata import json_decimal
from system_apis.sap.order_body import NUMBER_LENGTH, checked, customer_number
from system_apis.sap.settings import SapSettings

_SHORT_MATERIAL = 18
_QUANTITY_DIGITS, _QUANTITY_SCALE = 13, 3
_CREATED_RATE = (28, 9)
_SIMULATED_RATE = (23, 4)
"""Digits and places of COND_VALUE when an order is created, and of COND_VAL1 when it is simulated."""

Row = dict[str, str]


def padded(number: str, length: int = NUMBER_LENGTH) -> str:
    """A number as SAP stores it: with leading zeros when it is all digits (ALPHA)."""
    return number.zfill(length) if number.isascii() and number.isdigit() else number


def creation(order: NewErpOrder, settings: SapSettings) -> Parameters:
    """The parameters of BAPI_SALESORDER_CREATEFROMDAT2.

    Raises:
        OrderRejected: It has no lines, or one that cannot be ordered.
        ErpCustomerNotFound: Its customer's number is none of SAP's.
    """
    header = _header(checked(order), settings)
    lines = list(enumerate(order.lines, 1))
    items = [_item(number, line, settings) for number, line in lines]
    schedules = [_schedule(number, line, order) for number, line in lines]
    conditions = [_condition(number, line, settings) for number, line in lines if line.unit_price]
    tables: dict[str, Tree] = {
        **_with_flags("ORDER_ITEMS_IN", items, ("ITM_NUMBER",)),
        **_with_flags("ORDER_SCHEDULES_IN", schedules, ("ITM_NUMBER", "SCHED_LINE")),
        **_with_flags("ORDER_CONDITIONS_IN", conditions, ("ITM_NUMBER", "COND_TYPE")),
    }
    return {
        "ORDER_HEADER_IN": header,
        "ORDER_HEADER_INX": {"UPDATEFLAG": "I", **dict.fromkeys(header, "X")},
        "ORDER_PARTNERS": _partners(order, settings),
        **tables,
        "RETURN": [],
    }


def simulation(order: NewErpOrder, settings: SapSettings) -> Parameters:
    """The parameters of BAPI_SALESORDER_SIMULATE, which takes quantities as digits only.

    Raises:
        Problem: As `creation`.
    """
    header = _header(checked(order), settings)
    return {
        "ORDER_HEADER_IN": header,
        "ORDER_ITEMS_IN": [_simulated_item(number, line, settings) for number, line in enumerate(order.lines, 1)],
        "ORDER_PARTNERS": _partners(order, settings),
        "ORDER_ITEMS_OUT": [],
        "ORDER_SCHEDULE_EX": [],
        "MESSAGETABLE": [],
    }


def purchase_order_of(order: NewErpOrder) -> str:
    """The customer's own number of an order, by which SAP's list of orders can be narrowed."""
    return order.purchase_order or order.reference


def _header(order: NewErpOrder, settings: SapSettings) -> Row:
    header = {
        "DOC_TYPE": settings.bapi.order_type,
        "SALES_ORG": settings.sales_organization,
        "DISTR_CHAN": settings.distribution_channel,
        "DIVISION": settings.division,
        "PURCH_NO_C": purchase_order_of(order),
        "PURCH_NO_S": order.reference,
        "CURRENCY": order.currency,
    }
    return header | ({"REQ_DATE_H": order.requested_date.isoformat()} if order.requested_date else {})


def _partners(order: NewErpOrder, settings: SapSettings) -> list[Row]:
    partners = {settings.bapi.sold_to_role: order.erp_number}
    if order.ship_to_erp_number is not None:
        partners[settings.bapi.ship_to_role] = order.ship_to_erp_number
    return [{"PARTN_ROLE": role, "PARTN_NUMB": padded(customer_number(one))} for role, one in partners.items()]


def _item(number: int, line: NewOrderLine, settings: SapSettings) -> Row:
    return {"ITM_NUMBER": _position(number), **_material(line.sku), **_unit("TARGET_QU", settings)}


def _schedule(number: int, line: NewOrderLine, order: NewErpOrder) -> Row:
    row = {"ITM_NUMBER": _position(number), "SCHED_LINE": "0001", "REQ_QTY": _quantity(number, line)}
    return row | ({"REQ_DATE": order.requested_date.isoformat()} if order.requested_date else {})


def _condition(number: int, line: NewOrderLine, settings: SapSettings) -> Row:
    return {
        "ITM_NUMBER": _position(number),
        "COND_TYPE": settings.price_condition,
        "COND_VALUE": _rate(number, line, _CREATED_RATE),
        "CURRENCY": line.unit_price.currency if line.unit_price else "",
        **_unit("COND_UNIT", settings),
        "COND_P_UNT": "1",
    }


def _simulated_item(number: int, line: NewOrderLine, settings: SapSettings) -> Row:
    thousandths = int(Decimal(_quantity(number, line)).scaleb(_QUANTITY_SCALE))
    row = {
        "ITM_NUMBER": _position(number),
        **_material(line.sku),
        "REQ_QTY": f"{thousandths:0{_QUANTITY_DIGITS}d}",
        **_unit("SALES_UNIT", settings),
    }
    if not line.unit_price:
        return row
    return {
        **row,
        "COND_TYPE": settings.price_condition,
        "COND_VAL1": _rate(number, line, _SIMULATED_RATE),
        "COND_P_UNT": "00001",
        **_unit("COND_D_UNT", settings),
        "CURRENCY": line.unit_price.currency,
    }


def _position(number: int) -> str:
    return f"{number * 10:06d}"


def _material(sku: str) -> Row:
    return {"MATERIAL" if len(sku) <= _SHORT_MATERIAL else "MATERIAL_LONG": sku}


def _unit(field: str, settings: SapSettings) -> Row:
    return {field: settings.bapi.quantity_unit} if settings.bapi.quantity_unit else {}


def _quantity(number: int, line: NewOrderLine) -> str:
    try:
        return json_decimal(line.quantity, digits=_QUANTITY_DIGITS, scale=_QUANTITY_SCALE)
    except ValueError as reason:
        raise OrderRejected(f"The quantity of line {number} ({line.sku}) cannot be ordered: {reason}.") from None


def _rate(number: int, line: NewOrderLine, places: tuple[int, int]) -> str:
    try:
        return json_decimal(
            line.unit_price.amount if line.unit_price else Decimal(0), digits=places[0], scale=places[1]
        )
    except ValueError as reason:
        raise OrderRejected(f"The price of line {number} ({line.sku}) cannot be used: {reason}.") from None


def _with_flags(table: str, rows: list[Row], keys: tuple[str, ...]) -> Mapping[str, Tree]:
    """A table with its check list: SAP takes only what is marked there."""
    marked = [
        {**{key: row[key] for key in keys}, "UPDATEFLAG": "I", **{name: "X" for name in row if name not in keys}}
        for row in rows
    ]
    return {table: rows, f"{table}X": marked}
