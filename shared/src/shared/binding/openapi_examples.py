"""Examples for documentation, derived from types: valid by construction, told by the names of the fields.

They show the form. What a system really holds is to be had from the system. A field that needs another example
brings it: `msgspec.Meta(examples=[…])`.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, cast

from msgspec import inspect

_TEXTS: dict[str, str] = {
    "quoteId": "0Q0Hs0000000042CAA",
    "customerId": "001Hs0000000017AAA",
    "parentId": "001Hs0000000003AAA",
    "contactId": "003Hs0000000021AAA",
    "opportunityId": "006Hs0000000042AAA",
    "productId": "01tHs0000000108AAA",
    "priceBookId": "01sHs0000000001AAA",
    "priceBookEntryId": "01uHs0000000108AAA",
    "quoteLineId": "0QLHs0000000420AAA",
    "lineId": "0QLHs0000000420AAA",
    "crmOrderId": "801Hs0000000007AAA",
    "orderId": "order-0Q0Hs0000000042CAA",
    "erpOrderId": "4000193",
    "erpNumber": "10100017",
    "shipToErpNumber": "10100018",
    "parentErpNumber": "10100003",
    "businessPartner": "10100017",
    "reservationId": "rsv-5d3c0b1e",
    "shipmentId": "shp_83c6b2a1",
    "rateId": "rate_7f2e91c4",
    "trackingCode": "1Z1158370321812078",
    "trackingNumber": "1Z1158370321812078",
    "sku": "TG-00042",
    "number": "00000042",
    "item": "10",
    "reference": "order-0Q0Hs0000000042CAA",
    "purchaseOrder": "PO-2026-0042",
    "correlationId": "c0ffee42",
    "name": "Alster Kältetechnik",
    "ContactCard.name": "Mareike Groß",
    "Product.name": "Pressure gauge 16 bar",
    "QuoteLine.name": "Pressure gauge 16 bar",
    "Quote.name": "Spare parts, spring",
    "QuoteCard.name": "Spare parts, spring",
    "Opportunity.name": "Spare parts, spring",
    "QuoteCard.state": "approved",
    "QuoteCard.number": "00000042",
    "OrderCard.orderId": "801Hs0000000007AAA",
    "OrderCard.state": "in-process",
    "OrderCard.shipment": "in-transit",
    "OrderStep.state": "done",
    "ProblemDetails.title": "Temporarily unavailable",
    "shipToName": "Alster Kältetechnik, Werk 2",
    "firstName": "Mareike",
    "lastName": "Groß",
    "title": "Head of Purchasing",
    "email": "mareike.gross@alster.example",
    "phone": "+49 40 5550408",
    "website": "https://www.alster.example",
    "industry": "Machinery",
    "street": "Hafenstraße",
    "houseNumber": "12",
    "city": "Hamburg",
    "region": "HH",
    "postalCode": "20457",
    "country": "DE",
    "currency": "EUR",
    "baseUnit": "PC",
    "productGroup": "L001",
    "taxNumber": "DE123456789",
    "paymentTerms": "NT30",
    "incoterms": "DAP",
    "organization": "1010",
    "channel": "10",
    "division": "00",
    "companyCode": "1010",
    "reconciliationAccount": "12100000",
    "supplyingPlant": "1010",
    "carrier": "UPS",
    "service": "Ground",
    "labelUrl": "https://labels.example/shp_83c6b2a1.png",
    "place": "Hamburg, DE",
    "stage": "Negotiation/Review",
    "status": "Activated",
    "state": "completed",
    "fulfilment": "Shipped",
    "reason": "The customer changed the order",
    "message": "The order stands in every system and shipping is booked.",
    "text": "Order placed in the ERP",
    "step": "erp.create_order",
    "kind": "order-quote@1",
    "search": "Alster",
    "problem": "/problems/backend-unavailable",
    "type": "/problems/backend-unavailable",
    "detail": "The ERP does not answer; the rest is shown without it.",
    "cursor": "krFBbHN0ZXIgS8OkbHRlY2huaWs",
    "nextCursor": "krFBbHN0ZXIgS8OkbHRlY2huaWs",
}
_NUMBERS: dict[str, str] = {
    "amount": "1249.50", "quantity": "4", "wanted": "4", "available": "120", "onHand": "160", "allocated": "40",
    "discountPercent": "5", "confirmedQuantity": "4", "unitWeightGrams": "850", "grossWeightGrams": "850",
}  # fmt: skip
_ANY_TEXT = ("example-1042", "EUR", "DE", "1042", "a")
_DAY = date(2026, 3, 31)
_MOMENT = datetime(2026, 3, 24, 9, 30, tzinfo=UTC)


def example_of(kind: Any, name: str = "") -> Any:
    """A JSON value that `kind` accepts.

    Args:
        kind: A type that a contract may use.
        name: The name of the field or parameter on the wire; makes the value a telling one.

    Raises:
        ValueError: No known text matches the pattern of a field; says which.
    """
    return _example(inspect.type_info(kind), name, ())


def with_example(described: dict[str, Any], kind: Any, name: str = "") -> dict[str, Any]:
    """`described` with an `example`, or as it is where no text is known that fits a pattern."""
    try:
        return {**described, "example": example_of(kind, name)}
    except ValueError:
        return described


def _example(kind: inspect.Type, name: str, within: tuple[type, ...]) -> Any:
    if isinstance(kind, inspect.Metadata):
        extra = cast("dict[str, list[Any]] | None", kind.extra_json_schema)
        declared = (extra or {}).get("examples")
        return declared[0] if declared else _example(kind.type, name, within)
    if isinstance(kind, inspect.StructType):
        return _struct(kind, within)
    if isinstance(kind, inspect.UnionType):
        return _example(next(one for one in kind.types if not isinstance(one, inspect.NoneType)), name, within)
    if isinstance(kind, inspect.CollectionType):
        return [_example(kind.item_type, name, within)]
    if isinstance(kind, inspect.DictType):
        return {_example(kind.key_type, "", within): _example(kind.value_type, name, within)}
    simple = next((make for types, make in _SIMPLE if isinstance(kind, types)), None)
    if simple is None:
        raise ValueError(f"{name}: no example is known for {type(kind).__name__}.")
    return simple(kind, name)


def _struct(kind: inspect.StructType, within: tuple[type, ...]) -> dict[str, Any]:
    """All fields once; a type inside itself only where it must be."""
    nested = (*within, kind.cls)
    return {
        field.encode_name: _example(field.type, f"{kind.cls.__name__}.{field.encode_name}", nested)
        for field in kind.fields
        if field.required or not (_recurs(field.type, nested) or field.encode_name in _LEFT_OUT)
    }


def _recurs(kind: inspect.Type, within: tuple[type, ...]) -> bool:
    inner = [kind.type] if isinstance(kind, inspect.Metadata) else getattr(kind, "types", ())
    inner = inner or ([kind.item_type] if isinstance(kind, inspect.CollectionType) else [])
    return any(_recurs(one, within) for one in inner) or getattr(kind, "cls", None) in within


def _text(kind: Any, name: str) -> str:
    known = (_TEXTS.get(name), _TEXTS.get(_field(name)))
    for text in (*(text for text in known if text), *_ANY_TEXT):
        fits = (kind.min_length or 0) <= len(text) <= (kind.max_length or len(text))
        if fits and (kind.pattern is None or re.search(kind.pattern, text)):
            return text
    raise ValueError(f"No example text fits {name!r} ({kind.pattern}); give the field Meta(examples=[…]).")


def _field(name: str) -> str:
    return name.rpartition(".")[2]


def _whole(kind: Any, name: str) -> int:
    least = kind.ge if kind.ge is not None else (kind.gt + 1 if kind.gt is not None else 0)
    most = kind.le if kind.le is not None else (kind.lt - 1 if kind.lt is not None else None)
    wanted = {"limit": 25, "weightGrams": 850, "holdSeconds": 900, "status": 503, "ms": 42}.get(_field(name), 3)
    return int(max(least, wanted if most is None else min(wanted, most)))


def _choice(kind: Any, _: str) -> Any:
    return next((one for one in _GOOD_NEWS if one in kind.values), kind.values[0])


def _member(kind: Any, _: str) -> Any:
    return next(iter(kind.cls)).value


def _decimal(_: Any, name: str) -> str:
    return _NUMBERS.get(_field(name), "12.50")


def _flag(_: Any, name: str) -> bool:
    return _field(name) not in _BAD_NEWS


def _always(value: Any) -> "_Maker":
    return lambda _kind, _name: value


_Maker = Callable[[Any, str], Any]
_SIMPLE: tuple[tuple[Any, _Maker], ...] = (
    (inspect.StrType, _text),
    (inspect.LiteralType, _choice),
    (inspect.EnumType, _member),
    (inspect.DecimalType, _decimal),
    (inspect.BoolType, _flag),
    (inspect.IntType, _whole),
    (inspect.FloatType, _always(12.5)),
    (inspect.DateTimeType, _always(_MOMENT.isoformat().replace("+00:00", "Z"))),
    (inspect.DateType, _always(_DAY.isoformat())),
    (inspect.AnyType, _always("example")),
)
_GOOD_NEWS = ("completed", "approved", "done", "granted", "in-process", "active", "customer")
_LEFT_OUT = frozenset(("problem", "missing", "errors", "extensions", "nextCursor"))
"""Optional fields that a good answer has not."""
_BAD_NEWS = frozenset(("blocked", "orderBlocked", "deliveryBlocked", "billingBlocked", "markedForDeletion", "isClosed"))
