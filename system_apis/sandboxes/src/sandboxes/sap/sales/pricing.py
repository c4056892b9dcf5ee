"""Pricing: list price, manual conditions, tax (pricing procedure A10001 in miniature).

Steps: 10 price (PR00), 100-199 discounts in percent, 300 the net subtotal, which has no condition type,
915 tax (MWST). Amounts are rounded to the currency's minor units, rates carry nine places as SAP shows them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from sandboxes.company import minor_units
from sandboxes.sap.odata_v2.edm import Row

PRICES = frozenset({"PR00", "PPR0", "PMP0"})
DISCOUNTS = frozenset({"K004", "K007", "RA00", "HA00", "DRG1", "DCM2", "DRV1"})
_DOMESTIC_TAX = Decimal(19)
_HUNDRED = Decimal(100)
_NINE_PLACES = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class ManualCondition:
    """A price per piece or a discount in percent that the caller set."""

    type: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Priced:
    """An item's amounts in its currency, and the pricing elements that explain them."""

    net: Decimal
    tax: Decimal
    gross_value: Decimal
    elements: tuple[Row, ...]


def money(amount: Decimal, currency: str) -> Decimal:
    """An amount as the currency can pay it, rounded half up."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def price_item(
    list_price: Decimal, quantity: Decimal, currency: str, country: str, manual: Sequence[ManualCondition], on: datetime
) -> Priced:
    """Price `quantity` pieces; `list_price` is per piece in `currency`, tax is due when `country` is DE."""
    by_hand = next((one for one in manual if one.type in PRICES), None)
    unit_price = by_hand.rate if by_hand else money(list_price, currency)
    value = money(unit_price * quantity, currency)
    elements = [
        _element(
            "10", "1", by_hand.type if by_hand else "PR00", "B", "C", quantity, unit_price, value, currency, on, by_hand
        )
    ]
    net = value
    for place, one in enumerate((one for one in manual if one.type in DISCOUNTS), 1):
        rate = -abs(one.rate)
        amount = money(value * rate / _HUNDRED, currency)
        elements.append(_element("104", str(place), one.type, "A", "A", value, rate, amount, currency, on, one))
        net += amount
    rate = _DOMESTIC_TAX if country == "DE" else Decimal(0)
    tax = money(net * rate / _HUNDRED, currency)
    per_piece = net / quantity if quantity else Decimal(0)
    elements.append(_element("300", "1", "", "", "C", quantity, per_piece, net, currency, on, None))
    elements.append(_element("915", "1", "MWST", "D", "A", net, rate, tax, currency, on, None))
    return Priced(net, tax, value, tuple(elements))


def header_elements(items: Sequence[Sequence[Row]]) -> list[Row]:
    """Per condition the sum over all items, as the header shows it."""
    totals: dict[tuple[object, object], Row] = {}
    for element in (one for elements in items for one in elements):
        key = (element["PricingProcedureStep"], element["PricingProcedureCounter"])
        if key not in totals:
            totals[key] = dict(element)
            continue
        for name in ("ConditionAmount", "ConditionBaseValue"):
            one, other = totals[key][name], element[name]
            if isinstance(one, Decimal) and isinstance(other, Decimal):
                totals[key][name] = one + other
    return list(totals.values())


def manual_of(elements: Sequence[Row]) -> list[ManualCondition]:
    """The conditions that were set by hand, from an item's stored elements."""
    kept = [one for one in elements if one["ConditionIsManuallyChanged"]]
    return [ManualCondition(str(one["ConditionType"]), Decimal(str(one["ConditionRateValue"]))) for one in kept]


def _element(
    step: str,
    counter: str,
    kind: str,
    condition_class: str,
    calculation: str,
    base: Decimal,
    rate: Decimal,
    amount: Decimal,
    currency: str,
    on: datetime,
    by_hand: ManualCondition | None,
) -> Row:
    absolute = calculation == "C"
    return {
        "PricingProcedureStep": step,
        "PricingProcedureCounter": counter,
        "ConditionType": kind,
        "PriceConditionDeterminationDte": on,
        "ConditionCalculationType": calculation,
        "ConditionBaseValue": base.quantize(_NINE_PLACES),
        "ConditionRateValue": rate.quantize(_NINE_PLACES),
        "ConditionCurrency": currency if absolute else "",
        "ConditionQuantity": Decimal(1 if absolute else 0),
        "ConditionQuantityUnit": "PC" if absolute else "",
        "ConditionOrigin": "C" if by_hand else "A" if kind else "",
        "ConditionAmount": amount,
        "TransactionCurrency": currency,
        "ConditionClass": condition_class,
        "ConditionIsManuallyChanged": by_hand is not None,
    }
