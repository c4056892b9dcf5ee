"""Shopify's orders, products and webhooks ↔ canonical model. Pure functions."""

import hashlib
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, FieldError, Problem
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.commerce import (
    Fulfilment,
    Payment,
    ProductToSave,
    ShopOrder,
    ShopOrderLine,
    ShopOrderSummary,
    ShopProduct,
    ShopRecordChanged,
    Stock,
)
from shared.contracts.canonical.event_feed import MessageUnreadable
from shared.contracts.canonical.values import Address, Money
from shared.contracts.system.commerce import (
    ReferenceReused,
    ShopProductRefused,
    ShopProductVaries,
    UnknownStock,
)
from system_apis.shopify.records import (
    AddressRecord,
    LineRecord,
    MoneyBagRecord,
    OrderRecord,
    UserErrorRecord,
    VariantRecord,
)

_PAYMENTS: Mapping[str, Payment] = {
    "PENDING": "open",
    "EXPIRED": "open",
    "AUTHORIZED": "authorised",
    "PARTIALLY_PAID": "partly-paid",
    "PAID": "paid",
    "PARTIALLY_REFUNDED": "partly-refunded",
    "REFUNDED": "refunded",
    "VOIDED": "void",
}
_FULFILMENTS: Mapping[str, Fulfilment] = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}
_POINTERS = {"title": "/name", "price": "/price", "status": "/sellable", "sku": "/sku"}
_KEYS = uuid.UUID("5d5e6c3a-6f0b-5b0e-9d8b-0c7a3f0d9b11")
"""The namespace of our idempotency keys, which Shopify wants to be UUIDs."""
_GID = re.compile(r"gid://shopify/([A-Za-z]{1,40})/[^/]{1,80}")
_HIGHEST_PRICE = Decimal(10) ** 9


def number_of(gid: str) -> str:
    """The numeric id in a global id."""
    return gid.rpartition("/")[2].partition("?")[0]


def changed_since(since: datetime) -> str:
    """The search query for orders changed at a moment or later.

    Raises:
        OverflowError: The moment is no date of the calendar in UTC.
    """
    return f"updated_at:>='{since.astimezone(UTC).isoformat(timespec='seconds').replace('+00:00', 'Z')}'"


def to_summary(record: OrderRecord) -> ShopOrderSummary:
    """An order as lists show it."""
    return ShopOrderSummary(
        order_id=number_of(record.id),
        number=record.name,
        placed=record.created_at,
        updated=record.updated_at,
        total=_money(record.total_price_set),
        payment=_PAYMENTS.get(record.display_financial_status or "", "open"),
        fulfilment=_FULFILMENTS.get(record.display_fulfillment_status or "", "open"),
        cancelled=record.cancelled_at is not None,
    )


def to_order(record: OrderRecord, lines: Sequence[LineRecord]) -> ShopOrder:
    """An order with all its lines."""
    address = record.shipping_address
    return ShopOrder(
        summary=to_summary(record),
        lines=[_line(line) for line in lines],
        email=record.email or "",
        ship_to_name=(address.name or "") if address else "",
        ship_to=_address(address) if address else None,
    )


def _line(record: LineRecord) -> ShopOrderLine:
    price = _money(record.original_unit_price_set)
    return ShopOrderLine(number_of(record.id), record.title[:255], record.quantity, price, record.sku or "")


def _money(bag: MoneyBagRecord) -> Money:
    if not bag.shop_money.amount.is_finite():
        raise BackendFault("shopify answered with an amount that is no number.")
    return Money(bag.shop_money.amount, bag.shop_money.currency_code)


def _address(record: AddressRecord) -> Address:
    country = record.country_code_v2
    return Address(
        street=" ".join(part for part in (record.address1, record.address2) if part)[:255],
        city=record.city or "",
        region=record.province_code or "",
        postal_code=record.zip or "",
        country=country if country and re.fullmatch("[A-Z]{2}", country) else None,
    )


def only_variant(variants: Sequence[VariantRecord], sku: str) -> VariantRecord | None:
    """The one variant of this SKU, if there is one: search finds words, so others come along.

    Raises:
        ShopProductVaries: There are several.
    """
    found = [variant for variant in variants if variant.sku == sku]
    if len(found) > 1:
        raise ShopProductVaries(f"Several products of the shop have the SKU {sku}; give it to one of them only.")
    return found[0] if found else None


def to_product(variant: VariantRecord, currency: str) -> ShopProduct:
    """A product as the shop sells it."""
    return ShopProduct(
        sku=variant.sku or "",
        product_id=number_of(variant.product.id),
        name=variant.product.title,
        price=Money(variant.price, currency),
        sellable=variant.product.status == "ACTIVE",
        available=max(0, variant.inventory_quantity or 0),
    )


def handle_of(sku: str) -> str:
    """The address under which a product is entered, one for each SKU: it makes a repeat find the first.

    What a handle cannot hold is left to a digest, so that no two SKUs share one.
    """
    handle = re.sub(r"[^a-z0-9]+", "-", sku.lower()).strip("-")
    if handle == sku:
        return handle
    return f"{handle}-{hashlib.sha256(sku.encode()).hexdigest()[:12]}".strip("-")


def product_input(sku: str, product: ProductToSave, known: VariantRecord | None, currency: str) -> dict[str, Any]:
    """The input of `productSet`.

    Raises:
        ShopProductRefused: The price is none of this shop.
        ShopProductVaries: The SKU is one of several variants, which `productSet` would take away.
    """
    price = product.price
    if price.currency != currency:
        raise _refused_price(f"The shop sells in {currency}; give the price in it.")
    if not price.amount.is_finite() or not 0 <= price.amount < _HIGHEST_PRICE:
        raise _refused_price("Give a price from 0 to a billion.")
    if known is not None and known.product.variants_count.count > 1:
        raise ShopProductVaries(f"{sku} is one of several variants of a product; change it in the shop.")
    option = {"optionName": "Title", "name": "Default Title"}
    variant: dict[str, Any] = {"sku": sku, "price": f"{price.amount:f}", "optionValues": [option]}
    wanted: dict[str, Any] = {
        "title": product.name,
        "status": "ACTIVE" if product.sellable else "DRAFT",
        "productOptions": [{"name": "Title", "values": [{"name": "Default Title"}]}],
        "variants": [variant],
    }
    if known is None:
        wanted["handle"] = handle_of(sku)
    else:
        variant["id"] = known.id
    return wanted


def _refused_price(text: str) -> ShopProductRefused:
    return ShopProductRefused(
        "The shop does not take this price; correct it.", errors=[FieldError(text, pointer="/price")]
    )


def problem_of_product(errors: Sequence[UserErrorRecord]) -> Problem:
    """Why a product was not set."""
    paths = [error.field or [] for error in errors]
    fields = [
        FieldError("The shop does not take this; correct it.", pointer=_POINTERS[name])
        for path in paths
        for name in path[-1:]
        if name in _POINTERS
    ]
    return ShopProductRefused("The shop does not take this product; correct the fields named.", errors=fields)


def items_of(levels: Sequence[Stock], variants: Sequence[VariantRecord]) -> dict[str, str]:
    """The inventory item of each SKU.

    Raises:
        UnknownStock: The shop has no product for some.
        ShopProductVaries: It has several for one.
    """
    found = {level.sku: only_variant(variants, level.sku) for level in levels}
    errors = [
        FieldError("The shop has no product of this SKU; save it first, or wait until it is indexed.", pointer=pointer)
        for level, pointer in ((level, f"/levels/{place}/sku") for place, level in enumerate(levels))
        if found[level.sku] is None
    ]
    if errors:
        raise UnknownStock("The shop keeps no stock of some of these; see the fields named.", errors=errors)
    return {sku: variant.inventory_item.id for sku, variant in found.items() if variant is not None}


def quantities_input(
    reference: str, levels: Sequence[Stock], items: Mapping[str, str], location: str
) -> dict[str, Any]:
    """The input of `inventorySetQuantities`. We own the figures, so what the shop thought before is not compared."""
    return {
        "name": "available",
        "reason": "correction",
        "referenceDocumentUri": f"gid://triptych/Stock/{reference}",
        "quantities": [
            {
                "inventoryItemId": items[level.sku],
                "locationId": location,
                "quantity": level.available,
                "changeFromQuantity": None,
            }
            for level in levels
        ],
    }


def key_of(reference: str) -> str:
    """The idempotency key of a reference."""
    return str(uuid.uuid5(_KEYS, reference))


def problem_of_stock(errors: Sequence[UserErrorRecord], reference: str) -> Problem:
    """Why stock was not set."""
    codes = {error.code for error in errors}
    if "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" in codes:
        return ReferenceReused(f"The reference {reference} belongs to other figures; choose another for these.")
    if "IDEMPOTENCY_CONCURRENT_REQUEST" in codes:
        return BackendUnavailable("shopify is still working on this reference; repeat it shortly.", retry_after=1.0)
    if "ITEM_NOT_STOCKED_AT_LOCATION" in codes:
        return UnknownStock("Some of these are not stocked at our location in the shop; stock them there first.")
    return BackendFault("shopify does not set stock as we ask it; check the location in the settings.")


def told_change(message: SignedMessage, topics: Collection[str]) -> tuple[str, str]:
    """What a webhook tells as an event: its type, and its payload, which names the record and nothing of people.

    Args:
        message: Of which the body is signed and the topic is not.
        topics: Those that may be told of.

    Raises:
        MessageUnreadable: It is no object in JSON, its topic is none of these, or its record none of the topic's.
    """
    if message.topic not in topics:
        raise MessageUnreadable(
            "The topic in X-Shopify-Topic is none that is taken in here; name it in `webhook_topics` of the settings, "
            "or end its subscription at Shopify."
        )
    try:
        body = msgspec.json.decode(message.content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MessageUnreadable("The message is no object in JSON.") from None
    if "admin_graphql_api_id" in body and not _is_of(body["admin_graphql_api_id"], message.topic):
        raise MessageUnreadable("The topic in X-Shopify-Topic is not of the record in the body; send it as it came.")
    number = body.get("id") or body.get("inventory_item_id") or ""
    kind = event_type(message.topic)
    return kind, msgspec.json.encode(ShopRecordChanged(kind, str(number)[:128])).decode()


def _is_of(gid: object, topic: str) -> bool:
    """Whether a global id, `gid://shopify/InventoryLevel/1`, is of a record of a topic, `inventory_levels/update`."""
    named = _GID.fullmatch(gid) if isinstance(gid, str) else None
    family = re.sub("ie$", "y", topic.partition("/")[0].removesuffix("s"))
    return named is not None and named[1] == "".join(word.capitalize() for word in family.split("_"))


def event_type(topic: str) -> str:
    """`orders/create` as `orders-create`."""
    return topic.replace("/", "-").replace("_", "-")
