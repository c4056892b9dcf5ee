"""What a line costs: the list price, what was adjusted by hand, or charges that the caller froze."""

from decimal import Decimal

from sandboxes.oracle.framework.declare import Node, Row, Work
from sandboxes.oracle.sales.accounts import list_price, money
from sandboxes.oracle.sales.order_hub import CHARGES, COMPONENTS

_HUNDRED = Decimal(100)
NET, LIST = "QP_NET_PRICE", "QP_BASE_LIST_PRICE"


def number(row: Row, name: str) -> Decimal:
    """A field as a number, zero when it is empty."""
    value = row.get(name)
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def price_of(work: Work, line: Node, item: str, currency: str, *, frozen: bool) -> Row | None:
    """The prices of a piece: by the list, and as sold; None where frozen charges are missing."""
    listed = list_price(work.records.connection, item, currency) or Decimal(0)
    selling = _frozen(line) if frozen else _adjusted(line, listed)
    return None if selling is None else {"UnitListPrice": listed, "UnitSellingPrice": selling}


def extended(line: Row, quantity: Decimal, currency: str) -> Decimal:
    """What this many pieces of a line come to; less than nothing for a return."""
    amount = money(number(line, "UnitSellingPrice") * quantity, currency)
    return -amount if line["TransactionCategoryCode"] == "RETURN" else amount


def write_charges(work: Work, line: Row, currency: str) -> None:
    """The one charge of a line, with its list price and its net price."""
    for old in work.records.below(CHARGES, line):
        work.records.remove(CHARGES, old)
    quantity = number(line, "OrderedQuantity")
    charge: Row = {
        "OrderChargeId": work.records.next_number("charge", 300_000_020_000_001),
        "ChargeDefinitionCode": "QP_SALE_PRICE",
        "ChargeTypeCode": "ORA_SALE",
        "PriceTypeCode": "ONE_TIME",
        "ApplyTo": "PRICE",
        "PricedQuantity": quantity,
        "PricedQuantityUOMCode": line["OrderedUOMCode"],
        "AverageUnitSellingPrice": line["UnitSellingPrice"],
        "ChargeCurrencyCode": currency,
        "PrimaryFlag": True,
        "RollupFlag": False,
        "SequenceNumber": "1",
    }
    stored = work.records.add(CHARGES, charge, line["@id"])
    for place, (code, name) in enumerate(((LIST, "UnitListPrice"), (NET, "UnitSellingPrice")), 1):
        unit = number(line, name)
        component: Row = {
            "PriceElementCode": code,
            "HeaderCurrencyCode": currency,
            "HeaderCurrencyUnitPrice": unit,
            "HeaderCurrencyExtendedAmount": money(unit * quantity, currency),
            "SequenceNumber": str(place),
            "RollupFlag": False,
        }
        work.records.add(COMPONENTS, component, stored["@id"])


def _frozen(line: Node) -> Decimal | None:
    for charge in line.children.get("charges", []):
        for component in charge.children.get("chargeComponents", []):
            price = component.values.get("HeaderCurrencyUnitPrice")
            if component.values.get("PriceElementCode") == NET and isinstance(price, Decimal):
                return price
        average = charge.values.get("AverageUnitSellingPrice")
        if isinstance(average, Decimal):
            return average
    return None


def _adjusted(line: Node, price: Decimal) -> Decimal:
    for one in line.children.get("manualPriceAdjustments", []):
        amount = number(one.values, "AdjustmentAmount")
        match one.values.get("AdjustmentTypeCode"):
            case "PRICE_OVERRIDE":
                price = amount
            case "DISCOUNT_PERCENT":
                price -= price * amount / _HUNDRED
            case "DISCOUNT_AMOUNT":
                price -= amount
            case _:
                continue
    return price
