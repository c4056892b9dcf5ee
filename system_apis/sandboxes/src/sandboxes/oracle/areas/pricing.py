"""documentPrices: prices a sales transaction that nothing keeps (Oracle Pricing, action priceSalesTransaction).

Source: REST API for Oracle Fusion Cloud SCM, "Price Sales Transaction". Amounts are in the currency of the header;
tax is due in Germany. What is wrong with a line is a PricingMessage, and the reply 200.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import msgspec

from sandboxes.company import minor_units
from sandboxes.kit import Request, Response
from sandboxes.oracle.area import Area
from sandboxes.oracle.framework.declare import Work
from sandboxes.oracle.framework.payload import read_document
from sandboxes.oracle.framework.problems import refuse

PATH = "/fscmRestApi/priceExecution/documentPrices/priceSalesTransaction"
_TAX = Decimal("0.19")
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _price(work: Work, request: Request) -> Response:
    document = read_document(request.body)
    header = next(iter(document.get("Header") or ()), None)
    if header is None or not document.get("Line"):
        raise refuse(400, "A header and lines are needed.", "QP_PDP_MISSING_ENTITY", "/Header")
    currency, rate = _currency(work, header)
    taxed = _country(work, header) == "DE" and bool(header.get("CalculateTaxFlag"))
    prices = {
        int(one["ParentEntityId"]): Decimal(str(one["AdjustmentValue"]))
        for one in document.get("ManualPriceAdjustment") or ()
        if one.get("AdjustmentTypeCode") == "PRICE_OVERRIDE"
    }
    charges, components, messages = list[Any](), list[Any](), list[Any]()
    for line in document["Line"]:
        identity = int(line["LineId"])
        unit, wrong = _unit_price(work, line, rate, currency)
        if wrong:
            messages.append(_message(identity, wrong))
            continue
        charge = len(charges) + 1
        charges.append(_charge(charge, identity, currency, line))
        components += _components(
            len(components), charge, currency, _quantity(line), unit, prices.get(identity, unit), taxed=taxed
        )
    status = "ERROR" if messages else "SUCCESS"
    answer: dict[str, Any] = {
        "Header": [{**header, "AppliedCurrencyCode": currency}],
        "Line": document["Line"],
        "Charge": charges,
        "ChargeComponent": components,
        "PricingServiceParameter": [{**(document.get("PricingServiceParameter") or {}), "OutputStatus": status}],
    }
    return Response(_encode(answer | ({"PricingMessage": messages} if messages else {})), media_type="application/json")


def _currency(work: Work, header: dict[str, Any]) -> tuple[str, Decimal]:
    currency = str(header.get("OverrideCurrencyCode") or header.get("AppliedCurrencyCode") or "EUR")
    found = work.records.connection.execute(
        "SELECT units_per_euro FROM gl_rate WHERE currency = ?", (currency,)
    ).fetchone()
    if found is None:
        raise refuse(400, "The currency isn't valid.", "QP_PDP_INVALID_CURRENCY", "/TransactionalCurrencyCode")
    return currency, Decimal(found[0])


def _country(work: Work, header: dict[str, Any]) -> str:
    found = work.records.connection.execute(
        "SELECT country FROM hz_account WHERE party_id = ?", (int(header.get("CustomerId") or 0),)
    ).fetchone()
    if found is None:
        raise refuse(400, "The customer isn't valid.", "QP_PDP_INVALID_CUSTOMER", "/BuyingPartyId")
    return str(found[0])


def _unit_price(work: Work, line: dict[str, Any], rate: Decimal, currency: str) -> tuple[Decimal, str]:
    """The list price of a line, and what is wrong with it."""
    found = work.records.connection.execute(
        "SELECT list_price, status FROM egp_item WHERE item_number = ?", (str(line.get("InventoryItemNumber") or ""),)
    ).fetchone()
    if found is None:
        return Decimal(0), "The item isn't valid in this organization."
    if found[1] != "Active":
        return Decimal(0), "The item isn't enabled for customer orders."
    if _quantity(line) <= 0:
        return Decimal(0), "The quantity must be greater than zero."
    return _rounded(Decimal(found[0]) * rate, currency), ""


def _quantity(line: dict[str, Any]) -> Decimal:
    sent: dict[str, Any] = line.get("LineQuantity") or {}
    try:
        return Decimal(str(sent.get("Value")))
    except InvalidOperation:
        return Decimal(0)


def _charge(identity: int, line: int, currency: str, sent: dict[str, Any]) -> dict[str, Any]:
    return {
        "ChargeId": identity,
        "LineId": line,
        "ParentEntityCode": "LINE",
        "ParentEntityId": line,
        "ChargeDefinitionCode": "QP_SALE_PRICE",
        "PriceTypeCode": "ONE_TIME",
        "PrimaryFlag": True,
        "RollupFlag": False,
        "CurrencyCode": currency,
        "PricedQuantity": sent["LineQuantity"],
        "SequenceNumber": 1,
    }


def _components(
    before: int, charge: int, currency: str, quantity: Decimal, listed: Decimal, price: Decimal, *, taxed: bool
) -> list[dict[str, Any]]:
    net = _rounded(price * quantity, currency)
    amounts = [
        ("QP_BASE_LIST_PRICE", listed, _rounded(listed * quantity, currency)),
        ("QP_NET_PRICE", price, net),
        ("TAX", None, _rounded(net * (_TAX if taxed else Decimal(0)), currency)),
    ]
    return [
        {
            "ChargeComponentId": before + place,
            "ChargeId": charge,
            "SequenceNumber": place,
            "PriceElementCode": code,
            "PriceElementUsageCode": code,
            "CurrencyCode": currency,
            "ExtendedAmount": {"Value": amount, "CurrencyCode": currency},
            **({"UnitPrice": {"Value": unit, "CurrencyCode": currency}} if unit is not None else {}),
        }
        for place, (code, unit, amount) in enumerate(amounts, 1)
    ]


def _message(line: int, text: str) -> dict[str, Any]:
    return {
        "MessageTypeCode": "ERROR",
        "MessageName": "QP_PDP_LINE_NOT_PRICED",
        "MessageText": text,
        "ParentEntityCode": "LINE",
        "ParentEntityId": line,
    }


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


area = Area(name="pricing", endpoints=(("POST", PATH, _price),))
