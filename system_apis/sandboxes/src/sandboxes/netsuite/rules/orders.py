"""Sales orders: checked, priced, promised, held for credit.

Rules of this account beyond NetSuite's own: no lines without quantity, no orders of customers on credit hold, and
approval of orders beyond the credit limit ("Pending Approval" until somebody sets `orderStatus` to B).
"""

from decimal import Decimal

from sandboxes.netsuite.records.store import Document, amount, lines_of
from sandboxes.netsuite.refusals import invalid, required, user_error
from sandboxes.netsuite.rules import credit, stock
from sandboxes.netsuite.rules.context import Context, Rule
from sandboxes.netsuite.rules.lines import (
    currency_symbol,
    numbered,
    priced,
    rounded,
    sold_item,
    totals,
    without_hints,
)

PENDING_APPROVAL, PENDING_FULFILLMENT, CANCELLED = "A", "B", "C"
_ENTERABLE = frozenset({PENDING_APPROVAL, PENDING_FULFILLMENT})


def _create(context: Context, document: Document) -> Document:
    customer = customer_of(context, document)
    order: Document = {
        "tranDate": context.today(),
        "shipDate": context.today(),
        "currency": customer["currency"],
        **{name: customer[name] for name in ("terms",) if customer.get(name)},
        **document,
        "tranId": f"SO{100_000 + int(context.records.next_id('sales order number'))}",
        "subsidiary": customer["subsidiary"],
        "_priceLevel": customer.get("priceLevel"),
        "_taxItem": customer.get("taxItem"),
    }
    order["exchangeRate"] = (context.records.get("currency", order["currency"]) or {}).get("exchangeRate", 1)
    asked = str(order.get("orderStatus") or PENDING_FULFILLMENT)
    if asked not in _ENTERABLE:
        raise invalid("orderStatus", "orderStatus")
    _addresses(order, customer)
    order["item"] = _lines(context, order, {})
    order |= totals(order["item"])
    net = credit.converted(context.records, amount(order, "subtotal"), order, customer)
    status = asked if credit.within_limit(customer, net) else PENDING_APPROVAL
    return _committed(context, order, status)


def _change(context: Context, document: Document, old: Document) -> Document:
    status, asked = str(old["status"]), str(document.get("orderStatus") or old["status"])
    if asked != status and (status not in _ENTERABLE or asked not in {*_ENTERABLE, CANCELLED}):
        raise user_error(f"The status of sales order {old['tranId']} cannot be changed.", "orderStatus")
    if document["entity"] != old["entity"]:
        raise user_error("The customer of a sales order cannot be changed.", "entity")
    customer = context.records.get("customer", document["entity"]) or {}
    order = {**document, "_priceLevel": customer.get("priceLevel"), "_taxItem": customer.get("taxItem")}
    _addresses(order, customer, old)
    release(context, old)
    order["item"] = _lines(context, order, {line["line"]: line for line in old["item"]})
    order |= totals(order["item"])
    return _committed(context, order, asked)


def _remove(context: Context, document: Document) -> None:
    if context.records.following("itemFulfillment", str(document["id"])):
        raise user_error("This record cannot be deleted because it has dependent records.")
    release(context, document)


def customer_of(context: Context, document: Document) -> Document:
    """The customer of a new order.

    Raises:
        Refusal: it is missing, inactive or on credit hold.
    """
    if not document.get("entity"):
        raise required("Customer", "entity")
    customer = context.records.get("customer", document["entity"])
    if customer is None or customer.get("isInactive"):
        raise invalid("entity", "entity")
    if customer.get("creditHoldOverride") == "ON":
        raise user_error(f"Customer {customer['entityId']} is on credit hold: sales orders cannot be saved.", "entity")
    return customer


def _lines(context: Context, order: Document, old: dict[object, Document]) -> list[Document]:
    lines = numbered(lines_of(order))
    if not lines:
        raise user_error("You must enter at least one line item for this transaction.", "item")
    home = str(order.get("location") or _home(context))
    promised: dict[tuple[str, str], Decimal] = {}
    made = list[Document]()
    for place, line in enumerate(lines):
        before = old.get(line["line"])
        path = f"item.items[{place}]"
        if before is not None and line.get("isClosed") and before.get("item") == line.get("item"):
            made.append({**before, "isClosed": True})
            continue
        item = sold_item(context.records, line, path)
        if before is not None and amount(line, "quantity") < amount(before, "quantityFulfilled"):
            raise user_error("The quantity cannot be less than what has been fulfilled.", f"{path}.quantity")
        location = line.get("location") or stock.best_location(item, amount(line, "quantity"), home, promised)
        key = (str(item["id"]), str(location))
        promised[key] = promised.get(key, Decimal(0)) + amount(line, "quantity")
        progress = {name: (before or {}).get(name, 0) for name in ("quantityFulfilled", "quantityBilled")}
        shipping = {"expectedShipDate": line.get("expectedShipDate") or order.get("shipDate")}
        full = priced(context.records, line, before, item, order)
        made.append({"isClosed": False, **full, "location": location, **shipping, **progress})
    return made


def _home(context: Context) -> str:
    """The first location, which the account ships from unless stock is short."""
    return next((str(one["id"]) for one in context.records.every("location")), "")


def _committed(context: Context, order: Document, status: str) -> Document:
    """The order with stock committed, counted as unbilled, and its status."""
    order = without_hints(order)
    counts = status not in {PENDING_APPROVAL, CANCELLED}
    for line in order["item"]:
        wanted = _open_quantity(line) if counts else Decimal(0)
        item = context.records.get("inventoryItem", line["item"]) or {}
        take = min(wanted, stock.available(item, str(line["location"])))
        line["quantityCommitted"], line["quantityBackOrdered"] = take, wanted - take
        if wanted:
            stock.commit(context.records, str(line["item"]), str(line["location"]), take, wanted - take)
    closed = status == PENDING_APPROVAL and all(line["isClosed"] for line in order["item"])
    status = standing(order["item"]) if counts or closed else status
    credit.book(context.records, str(order["entity"]), unbilled=_unbilled(context, order, status))
    return {**order, "status": status, "orderStatus": status}


def release(context: Context, order: Document) -> None:
    """Give back what an order has committed and counted."""
    for line in order["item"]:
        stock.commit(
            context.records,
            str(line["item"]),
            str(line["location"]),
            -amount(line, "quantityCommitted"),
            -amount(line, "quantityBackOrdered"),
        )
    unbilled = _unbilled(context, order, str(order["status"]))
    credit.book(context.records, str(order["entity"]), unbilled=-unbilled)


def standing(lines: list[Document]) -> str:
    """The status that the lines of an approved order add up to."""
    wanted = fulfilled = billed = Decimal(0)
    for line in lines:
        fulfilled += amount(line, "quantityFulfilled")
        billed += amount(line, "quantityBilled")
        wanted += amount(line, "quantityFulfilled") + _open_quantity(line)
    if not wanted:
        return "H"
    if fulfilled >= wanted:
        return "G" if billed >= wanted else "F"
    if not fulfilled:
        return PENDING_FULFILLMENT
    return "E" if billed < fulfilled else "D"


def _open_quantity(line: Document) -> Decimal:
    return Decimal(0) if line.get("isClosed") else amount(line, "quantity") - amount(line, "quantityFulfilled")


def _unbilled(context: Context, order: Document, status: str) -> Decimal:
    """Net value of what is ordered and not yet billed."""
    if status in {PENDING_APPROVAL, CANCELLED}:
        return Decimal(0)
    total = Decimal(0)
    for line in order["item"]:
        left = _open_quantity(line) + amount(line, "quantityFulfilled") - amount(line, "quantityBilled")
        total += amount(line, "amount") * left / amount(line, "quantity")
    return rounded(total, currency_symbol(context.records, order))


def _addresses(order: Document, customer: Document, old: Document | None = None) -> None:
    """Ship-to from the address book: the entry chosen, else the default; an address typed in stands for itself."""
    book = {str(one["id"]): one for one in lines_of(customer, "addressBook")}
    typed = order.get("shippingAddress") and (old is None or old.get("shippingAddress") != order["shippingAddress"])
    for name, default in (("shipAddressList", "defaultShipping"), ("billAddressList", "defaultBilling")):
        chosen = order.get(name)
        if chosen and str(chosen) not in book:
            raise invalid(name, name)
        if not chosen and not (typed and name == "shipAddressList"):
            order[name] = next((key for key, one in book.items() if one.get(default)), None)
    shipped = order.get("shipAddressList")
    if shipped and not typed:
        order["shippingAddress"] = dict(book[str(shipped)]["addressBookAddress"])


SALES_ORDER = Rule(_create, _change, _remove)
