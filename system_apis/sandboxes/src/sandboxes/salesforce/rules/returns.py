"""Return orders: a status stands for a category; lines name what comes back, and add up."""

from sandboxes.company import minor_units
from sandboxes.salesforce.rules.ruling import Change, Rules, integrity, sum_of
from sandboxes.salesforce.storage import Row, Store

_CATEGORIES = {"Submitted": "Activated", "Approved": "Activated", "Canceled": "Canceled", "Closed": "Closed"}
_WHAT_COMES_BACK = ("OrderItemId", "Product2Id")


def _return_order(change: Change) -> None:
    row = change.row
    row["StatusCategory"] = _CATEGORIES.get(str(row["Status"]), "Draft")
    if change.before is None and row["OrderId"] and not row["AccountId"]:
        row["AccountId"] = change.related("Order", "OrderId").get("AccountId")


def _line(change: Change) -> None:
    row = change.row
    if not any(row.get(name) for name in _WHAT_COMES_BACK):
        raise integrity("Product2Id", "specify a product, an order product or an asset")
    owner, item = change.related("ReturnOrder", "ReturnOrderId"), change.related("OrderItem", "OrderItemId")
    if item and owner.get("OrderId") and item["OrderId"] != owner["OrderId"]:
        raise integrity("OrderItemId", "the order product belongs to another order than the return order")
    if item and not row.get("Product2Id"):
        row["Product2Id"] = item["Product2Id"]
    if row["UnitPrice"] is None:
        row["UnitPrice"] = item.get("UnitPrice")
    row["CurrencyIsoCode"] = owner.get("CurrencyIsoCode")
    price = float(row["QuantityReturned"]) * float(row["UnitPrice"] or 0)
    row["TotalPrice"] = round(price, minor_units(str(row["CurrencyIsoCode"] or "EUR")))


def _roll_up(store: Store, line: Row) -> None:
    sql = (
        'SELECT coalesce(SUM("TotalPrice"), 0) FROM "ReturnOrderLineItem" WHERE "ReturnOrderId" = ? AND "IsDeleted" = 0'
    )
    amount = sum_of(store, sql, line["ReturnOrderId"])[0]
    store.execute(
        'UPDATE "ReturnOrder" SET "TotalAmount" = ?, "GrandTotalAmount" = ? WHERE "Id" = ?',
        (amount, amount, line["ReturnOrderId"]),
    )


RETURN_ORDER = Rules(before=_return_order)
RETURN_ORDER_LINE = Rules(before=_line, after=_roll_up)
