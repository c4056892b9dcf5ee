"""What follows an order: item fulfillments and invoices, made by transforming it."""

from datetime import date, timedelta
from decimal import Decimal

from sandboxes.netsuite.records.store import Document, amount
from sandboxes.netsuite.refusals import Refusal, invalid, user_error
from sandboxes.netsuite.rules import credit, stock
from sandboxes.netsuite.rules.context import Context, Rule
from sandboxes.netsuite.rules.lines import currency_symbol, numbered, share, totals
from sandboxes.netsuite.rules.orders import CANCELLED, PENDING_APPROVAL, standing

TRANSFORMED_ONLY = frozenset({"itemFulfillment", "itemReceipt"})
SHIPPED = "C"


def not_ready(source: Document, target: str) -> Refusal:
    """The source has nothing (left) for such a record."""
    return Refusal(
        "INVALID_INITIALIZE_REF",
        f"You can not initialize {target}: invalid reference {source['id']}.",
        path=target,
    )


def chosen_lines(drafted: list[Document], sent: list[Document], *, only: bool) -> list[Document]:
    """The drafted lines as a request wants them: matched by `orderLine`, left out when `itemReceive` is false.

    Raises:
        Refusal: a line that the source does not have.
    """
    by_line = {int(line["orderLine"]): line for line in drafted}
    wanted: dict[int, Document] = {}
    for place, line in enumerate(sent):
        number = line.get("orderLine") or line.get("line")
        if number is None or int(number) not in by_line:
            raise invalid("orderLine", f"item.items[{place}].orderLine")
        wanted[int(number)] = {**by_line[int(number)], **line, "orderLine": int(number)}
    kept = [wanted.get(number, None if only else line) for number, line in by_line.items()]
    return [line for line in kept if line is not None and line.get("itemReceive", True)]


def fulfillment_of(_: Context, order: Document) -> Document:
    """All that is committed and not yet fulfilled."""
    lines = [
        _drafted(line, quantity) | {"itemReceive": True}
        for line in order["item"]
        if not line.get("isClosed") and (quantity := _to_ship(line)) > 0
    ]
    if not lines or order["status"] in {PENDING_APPROVAL, CANCELLED}:
        raise not_ready(order, "itemfulfillment")
    head = {name: order[name] for name in ("entity", "subsidiary")}
    return {**head, "createdFrom": order["id"], "shipStatus": SHIPPED, "item": lines}


def _to_ship(line: Document) -> Decimal:
    """What is committed; seeded history committed nothing, so there it is what is left."""
    left = amount(line, "quantity") - amount(line, "quantityFulfilled")
    return min(left, amount(line, "quantityCommitted"))


def _create_fulfillment(context: Context, document: Document) -> Document:
    order = context.records.get("salesOrder", document["createdFrom"]) or {}
    by_line = {line["line"]: line for line in order["item"]}
    for place, line in enumerate(document["item"]):
        ordered = by_line[line["orderLine"]]
        quantity = amount(line, "quantity")
        if not 0 < quantity <= _to_ship(ordered):
            raise user_error("The quantity is more than what is committed.", f"item.items[{place}].quantity")
        ordered["quantityFulfilled"] = amount(ordered, "quantityFulfilled") + quantity
        ordered["quantityCommitted"] = amount(ordered, "quantityCommitted") - quantity
    if not document["item"]:
        raise user_error("You must enter at least one line item for this transaction.", "item")
    document = {
        "tranDate": context.today(),
        **document,
        "tranId": f"IF{200_000 + int(context.records.next_id('fulfillment number'))}",
        "item": numbered(document["item"]),
    }
    document["status"] = document["shipStatus"]
    if document["shipStatus"] == SHIPPED:
        _ship(context, document)
    _keep_order(context, order)
    return document


def _change_fulfillment(context: Context, document: Document, old: Document) -> Document:
    if old["shipStatus"] == SHIPPED and document["shipStatus"] != SHIPPED:
        raise user_error("A shipped item fulfillment cannot be unshipped.", "shipStatus")
    document["item"], document["status"] = old["item"], document["shipStatus"]
    if document["shipStatus"] == SHIPPED and old["shipStatus"] != SHIPPED:
        _ship(context, document)
    return document


def _ship(context: Context, document: Document) -> None:
    for line in document["item"]:
        quantity = amount(line, "quantity")
        stock.ship(context.records, str(line["item"]), str(line["location"]), quantity, quantity)


def _remove_fulfillment(_: Context, document: Document) -> None:
    raise user_error(f"Item Fulfillment {document['tranId']} cannot be deleted: goods have left.")


def invoice_of(context: Context, order: Document) -> Document:
    """All that is fulfilled and not yet billed."""
    symbol = currency_symbol(context.records, order)
    lines = [
        _drafted(line, quantity)
        | {name: line.get(name) for name in ("rate", "price", "taxCode", "taxRate1")}
        | share(line, quantity, symbol)
        for line in order["item"]
        if (quantity := amount(line, "quantityFulfilled") - amount(line, "quantityBilled")) > 0
    ]
    if not lines:
        raise not_ready(order, "invoice")
    kept = ("entity", "subsidiary", "currency", "exchangeRate", "terms", "otherRefNum", "location")
    head = {name: order[name] for name in kept if name in order}
    return {**head, "createdFrom": order["id"], "item": lines}


def _create_invoice(context: Context, document: Document) -> Document:
    order = context.records.get("salesOrder", document.get("createdFrom"))
    if order is None:
        raise user_error("An invoice of this account follows a sales order.", "createdFrom")
    by_line = {line["line"]: line for line in order["item"]}
    symbol = currency_symbol(context.records, order)
    for place, line in enumerate(document["item"]):
        ordered, quantity = by_line[line["orderLine"]], amount(line, "quantity")
        left = amount(ordered, "quantityFulfilled") - amount(ordered, "quantityBilled")
        if not 0 < quantity <= left:
            raise user_error("The quantity is more than what is fulfilled.", f"item.items[{place}].quantity")
        line.update(share(ordered, quantity, symbol))
        ordered["quantityBilled"] = amount(ordered, "quantityBilled") + quantity
    document = {
        "tranDate": context.today(),
        **document,
        "tranId": f"INV{300_000 + int(context.records.next_id('invoice number'))}",
        "item": numbered(document["item"]),
        "status": "A",
    }
    document |= totals(document["item"])
    document |= {"amountRemaining": document["total"], "dueDate": _due(context, document)}
    net = amount(document, "subtotal")
    credit.book(context.records, str(document["entity"]), unbilled=-net, billed=net)
    _keep_order(context, order)
    return document


def _due(context: Context, document: Document) -> str:
    term = context.records.get("term", document.get("terms")) or {}
    days = int(term.get("daysUntilNetDue") or 0)
    return (date.fromisoformat(str(document["tranDate"])) + timedelta(days=days)).isoformat()


def _as_it_is(_: Context, document: Document, old: Document) -> Document:
    """Amounts of a posted transaction stay; memo, numbers and external id may change."""
    return {**document, "item": old["item"]}


def _remove_invoice(_: Context, document: Document) -> None:
    raise user_error(f"Invoice {document['tranId']} is posted and cannot be deleted.")


def _keep_order(context: Context, order: Document) -> None:
    status = standing(order["item"])
    stamp = {"status": status, "orderStatus": status, "lastModifiedDate": context.stamp()}
    context.records.put("salesOrder", {**order, **stamp})


def _drafted(line: Document, quantity: Decimal) -> Document:
    kept = {name: line[name] for name in ("item", "description", "location") if name in line}
    return {**kept, "orderLine": line["line"], "quantity": quantity}


ITEM_FULFILLMENT = Rule(_create_fulfillment, _change_fulfillment, _remove_fulfillment)
INVOICE = Rule(_create_invoice, _as_it_is, _remove_invoice)
