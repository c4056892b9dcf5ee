"""Answers to queries and mutations."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from graphql import GraphQLResolveInfo, get_directive_values

from sandboxes.shopify.account import LOCATION
from sandboxes.shopify.schema import SCHEMA
from sandboxes.shopify.shop import Shop, gid, is_price, number_in, page, searched_skus, since

Resolve = Callable[..., Any]
Info = GraphQLResolveInfo[Any]
_LONGEST_TITLE = 255


def resolvers(shop: Shop) -> dict[str, Resolve]:
    """The resolver of each root field."""
    return {
        "shop": _shop,
        "order": partial(_order_by_id, shop),
        "orders": partial(_orders, shop),
        "products": partial(_products, shop, _shown_product),
        "productVariants": partial(_products, shop, _shown_variant),
        "productByIdentifier": partial(_by_identifier, shop),
        "productSet": partial(_product_set, shop),
        "inventorySetQuantities": partial(_set_quantities, shop),
        "webhookSubscriptionCreate": partial(_subscribe, shop),
    }


def _shop(_info: Info) -> dict[str, Any]:
    return {"name": "Tarn Gauge", "currencyCode": "EUR"}


def _order_by_id(shop: Shop, _info: Info, **given: str) -> dict[str, Any] | None:
    return next((_shown_order(order) for order in shop.orders() if order["id"] == given["id"]), None)


def _orders(
    shop: Shop, _info: Info, first: int | None = None, after: str | None = None, query: str | None = None,
    sortKey: str = "ID",  # noqa: N803 - the schema's name
) -> dict[str, Any]:  # fmt: skip
    from_ = since(query)
    held = [order for order in shop.orders() if order["updatedAt"] >= from_]
    name = {"UPDATED_AT": "updatedAt", "ID": "id"}.get(sortKey, "createdAt")
    held.sort(key=lambda order: (order[name], order["id"]))
    return page([_shown_order(order) for order in held], [(order[name], order["id"]) for order in held], first, after)


def _shown_order(order: dict[str, Any]) -> dict[str, Any]:
    lines = order["lines"]

    def line_items(_info: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        return page(lines, [(place,) for place in range(len(lines))], first, after)

    return {**order, "lineItems": line_items}


def _products(
    shop: Shop, shown: Callable[[Any], Any], _info: Info, first: int | None = None, after: str | None = None,
    query: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    rows, skus = shop.products(), searched_skus(query)
    found = [row for row in rows if skus is None or row["sku"].lower() in {sku.lower() for sku in skus}]
    return page([shown(row) for row in found], [(row["id"],) for row in found], first, after)


def _by_identifier(shop: Shop, _info: Info, identifier: dict[str, Any]) -> dict[str, Any] | None:
    row = _product_row(shop, identifier)
    return _shown_product(row) if row else None


def _product_row(shop: Shop, identifier: dict[str, Any]) -> Any:
    if "id" in identifier:
        found = shop.products("id = ?", number_in(identifier["id"], "Product"))
    else:
        found = shop.products("handle = ?", identifier.get("handle"))
    return found[0] if found else None


def _shown_product(row: Any) -> dict[str, Any]:
    def variants(_info: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        return page([_shown_variant(row)], [(row["id"],)], first, after)

    return {
        "id": gid("Product", row["id"]), "title": row["title"], "handle": row["handle"], "status": row["status"],
        "updatedAt": row["updated"], "variantsCount": {"count": 1, "precision": "EXACT"}, "variants": variants,
    }  # fmt: skip


def _shown_variant(row: Any) -> dict[str, Any]:
    return {
        "id": gid("ProductVariant", row["id"]), "sku": row["sku"], "title": "Default Title", "price": row["price"],
        "inventoryQuantity": row["available"],
        "inventoryItem": {"id": gid("InventoryItem", row["id"]), "sku": row["sku"]},
        "product": partial(_product_of, row),
    }  # fmt: skip


def _product_of(row: Any, _info: Info) -> dict[str, Any]:
    return _shown_product(row)


def _product_set(shop: Shop, _info: Info, **given: Any) -> dict[str, Any]:
    wanted: dict[str, Any] = given["input"]
    identifier: dict[str, Any] = given.get("identifier") or {}
    row = _product_row(shop, identifier)
    if row is None and "id" in identifier:
        return _refused(["identifier"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
    if not str(wanted.get("title") or "").strip():
        return _refused(["input", "title"], "Title can't be blank", "INVALID_INPUT")
    if len(wanted["title"]) > _LONGEST_TITLE:
        return _refused(["input", "title"], "Title is too long (maximum is 255 characters)", "INVALID_INPUT")
    variants: list[dict[str, Any]] = wanted.get("variants") or []
    if len(variants) != 1 or not is_price(variants[0].get("price", "0")):
        return _refused(
            ["input", "variants", "0", "price"], "Price must be greater than or equal to 0", "INVALID_VARIANT"
        )
    variants[0].setdefault("price", "0.00")
    handle = wanted.get("handle") or identifier.get("handle") or wanted["title"].lower().replace(" ", "-")
    return {"product": _shown_product(shop.save(row, handle, wanted)), "userErrors": []}


def _set_quantities(shop: Shop, info: Info, **asked: Any) -> dict[str, Any]:
    wanted: dict[str, Any] = asked["input"]
    directive = SCHEMA.get_directive("idempotent")
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values) if directive else None
    if not values:
        return _refused([], "The @idempotent directive is required for this mutation.", "BAD_REQUEST")
    given = msgspec.json.encode(wanted, order="deterministic").decode()
    kept = shop.kept_input(values["key"])
    if kept is not None and kept != given:
        code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
        return _refused([], "The same idempotency key was used with different parameters.", code)
    if kept is None:
        if refused := _wrong_quantities(shop, wanted["quantities"]):
            return refused
        with shop.state.transaction():
            shop.keep_input(values["key"], given)
            shop.set_available(wanted["quantities"])
    group = {"reason": wanted["reason"], "referenceDocumentUri": wanted.get("referenceDocumentUri")}
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _wrong_quantities(shop: Shop, quantities: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    for place, one in enumerate(quantities):
        path = ["input", "quantities", str(place)]
        found = shop.products("id = ?", number_in(one["inventoryItemId"], "InventoryItem"))
        if not found:
            message = "The specified inventory item could not be found."
            return _refused([*path, "inventoryItemId"], message, "INVALID_INVENTORY_ITEM")
        if one["locationId"] != gid("Location", LOCATION):
            return _refused([*path, "locationId"], "The specified location could not be found.", "INVALID_LOCATION")
        if "changeFromQuantity" not in one:
            return _refused([*path, "changeFromQuantity"], "changeFromQuantity is required.", "BAD_REQUEST")
        if one["changeFromQuantity"] not in (None, found[0]["available"]):
            return _refused([*path, "changeFromQuantity"], "The quantity has changed.", "CHANGE_FROM_QUANTITY_STALE")
    return None


def _subscribe(
    shop: Shop, _info: Info, topic: str, webhookSubscription: dict[str, Any]  # noqa: N803 - the schema's name
) -> dict[str, Any]:  # fmt: skip
    uri = str(webhookSubscription.get("uri") or "")
    if not uri.startswith(("https://", "http://127.0.0.1:")):
        return _refused(["webhookSubscription", "uri"], "Address protocol http:// is not supported", "INVALID")
    key = shop.state.connection.execute("INSERT INTO subscription (topic, uri) VALUES (?, ?)", (topic, uri)).lastrowid
    made = {"id": gid("WebhookSubscription", key), "topic": topic, "uri": uri}
    return {"webhookSubscription": made, "userErrors": []}


def _refused(field: list[str], message: str, code: str) -> dict[str, Any]:
    return {"userErrors": [{"field": field, "message": message, "code": code}]}
