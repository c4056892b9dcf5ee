"""Orders: drafts first, activated with at least one product, then closed to new products."""

from sandboxes.salesforce.faults import bad_field
from sandboxes.salesforce.rules.quotes import priced_line
from sandboxes.salesforce.rules.ruling import Change, Rules, integrity, sum_of, total
from sandboxes.salesforce.storage import Row, Store

_COUNT = 'SELECT COUNT(*) FROM "OrderItem" WHERE "OrderId" = ? AND "IsDeleted" = 0'


def _order(change: Change) -> None:
    row, before = change.row, change.before
    if row["EndDate"] and row["EndDate"] < row["EffectiveDate"]:
        raise integrity("EndDate", "End date cannot be before the start date")
    if before is None:
        if row["Status"] != "Draft":
            message = "Choose a valid order status and save your changes. Ask your admin for more info."
            raise bad_field("FAILED_ACTIVATION", message, "Status")
        return
    if change.changed("Pricebook2Id") and _items(change.store, row["Id"]):
        raise integrity("Pricebook2Id", "the price book cannot change while the order has products")
    if before["Status"] == "Activated":
        _locked(change)
    elif row["Status"] == "Activated":
        _activate(change)
    row["StatusCode"] = row["Status"]


def _locked(change: Change) -> None:
    for name in ("AccountId", "CurrencyIsoCode", "EffectiveDate"):
        if change.changed(name):
            raise integrity(name, "the field cannot change on an activated order")


def _activate(change: Change) -> None:
    if not _items(change.store, change.row["Id"]):
        raise bad_field("FAILED_ACTIVATION", "An order must have at least one product.", "Status")
    change.row["ActivatedDate"], change.row["ActivatedById"] = change.now, change.user_id


def _items(store: Store, order_id: str) -> int:
    return int(sum_of(store, _COUNT, order_id)[0])


def _order_item(change: Change) -> None:
    order = priced_line(change, "Order", "OrderId")
    if change.before is None:
        if order.get("Pricebook2Id") is None:
            raise integrity("PricebookEntryId", "the order has no price book")
        if order["Status"] == "Activated":
            raise integrity("OrderId", "products cannot be added to an activated order")
    change.row["TotalPrice"] = total(change.row, discounted=False)
    change.row["AvailableQuantity"] = change.row["Quantity"]


def _roll_up(store: Store, item: Row) -> None:
    sql = 'SELECT coalesce(SUM("TotalPrice"), 0) FROM "OrderItem" WHERE "OrderId" = ? AND "IsDeleted" = 0'
    amount = sum_of(store, sql, item["OrderId"])[0]
    store.execute('UPDATE "Order" SET "TotalAmount" = ? WHERE "Id" = ?', (amount, item["OrderId"]))


ORDER = Rules(before=_order)
ORDER_ITEM = Rules(before=_order_item, after=_roll_up)
