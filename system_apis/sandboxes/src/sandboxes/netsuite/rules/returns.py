"""What comes back: return authorizations, item receipts, credit memos."""

from decimal import Decimal

from sandboxes.netsuite.records.store import Document, amount, lines_of
from sandboxes.netsuite.refusals import required, user_error
from sandboxes.netsuite.rules import credit, stock
from sandboxes.netsuite.rules.context import Context, Rule
from sandboxes.netsuite.rules.fulfilment import not_ready
from sandboxes.netsuite.rules.lines import currency_symbol, numbered, rounded, share, totals

PENDING_APPROVAL, PENDING_RECEIPT, CANCELLED, REFUNDED, CLOSED = "A", "B", "C", "G", "H"
_PRICES = ("rate", "price", "taxCode", "taxRate1")


def return_of(context: Context, source: Document) -> Document:
    """All that was fulfilled and has not come back, at the prices it was sold for."""
    back = _returned(context, str(source["id"]))
    invoiced = "amountRemaining" in source
    symbol = currency_symbol(context.records, source)
    lines = list[Document]()
    for line in source["item"]:
        sold = amount(line, "quantity" if invoiced else "quantityFulfilled")
        left = sold - back.get(int(line["line"]), Decimal(0))
        if left > 0:
            kept = {name: line[name] for name in ("item", "description", "location", *_PRICES) if name in line}
            lines.append({**kept, "orderLine": line["line"], "quantity": left, **share(line, left, symbol)})
    if not lines:
        raise not_ready(source, "returnauthorization")
    names = ("entity", "subsidiary", "currency", "exchangeRate", "otherRefNum")
    head = {name: source[name] for name in names if name in source}
    return {**head, "createdFrom": source["id"], "orderStatus": PENDING_APPROVAL, "item": lines}


def _returned(context: Context, source: str, but: str = "") -> dict[int, Decimal]:
    """By line of the source: what its returns take, closed and cancelled ones aside."""
    taken: dict[int, Decimal] = {}
    for one in context.records.following("returnAuthorization", source):
        if one["id"] == but or one["status"] == CANCELLED:
            continue
        for line in one["item"]:
            if not line.get("isClosed"):
                number = int(line["orderLine"])
                taken[number] = taken.get(number, Decimal(0)) + amount(line, "quantity")
    return taken


def _create(context: Context, document: Document) -> Document:
    if not document.get("createdFrom"):
        raise required("Created From", "createdFrom")
    if str(document.get("orderStatus") or PENDING_APPROVAL) not in (PENDING_APPROVAL, PENDING_RECEIPT):
        raise user_error("A new return authorization is pending approval or pending receipt.", "orderStatus")
    document = {
        "tranDate": context.today(),
        "orderStatus": PENDING_APPROVAL,
        **document,
        "tranId": f"RMA{400_000 + int(context.records.next_id('return number'))}",
        "item": numbered(document["item"]),
    }
    document["status"] = document["orderStatus"]
    return _valued(context, document)


def _change(context: Context, document: Document, old: Document) -> Document:
    status, asked = str(old["status"]), str(document.get("orderStatus") or old["status"])
    moves = {PENDING_APPROVAL: {PENDING_RECEIPT, CANCELLED}, PENDING_RECEIPT: {CANCELLED}}
    if asked != status and asked not in moves.get(status, set()):
        raise user_error(f"The status of return authorization {old['tranId']} cannot be changed.", "orderStatus")
    if status in (REFUNDED, CANCELLED, CLOSED) and document["item"] != old["item"]:
        raise user_error(f"Return authorization {old['tranId']} can no longer be changed.", "item")
    document["item"] = numbered(document["item"])
    document = _valued(context, document)
    closed = all(line.get("isClosed") for line in document["item"])
    document["status"] = CLOSED if closed else asked
    return {**document, "orderStatus": document["status"]}


def _valued(context: Context, document: Document) -> Document:
    """The return with the amounts that the source's lines were sold for; refuses more than came of them."""
    found = context.records.transaction(document["createdFrom"])
    sold = {int(line["line"]): line for line in lines_of(found[1])} if found else dict[int, Document]()
    before = _returned(context, str(document["createdFrom"]), str(document["id"]))
    symbol = currency_symbol(context.records, document)
    if not document["item"]:
        raise user_error("You must enter at least one line item for this transaction.", "item")
    for place, line in enumerate(document["item"]):
        origin = sold.get(int(line.get("orderLine") or 0))
        if origin is None:
            raise user_error("Each line of a return refers to a line that was sold.", f"item.items[{place}].orderLine")
        quantity, limit = amount(line, "quantity"), amount(origin, "quantityFulfilled")
        limit = limit if "quantityFulfilled" in origin else amount(origin, "quantity")
        taken = before.get(int(line["orderLine"]), Decimal(0))
        if not line.get("isClosed") and not 0 < quantity <= limit - taken:
            raise user_error("The quantity is more than what can be returned.", f"item.items[{place}].quantity")
        if not line.get("isClosed"):
            before[int(line["orderLine"])] = taken + quantity
        line |= {"isClosed": bool(line.get("isClosed")), **share(origin, quantity, symbol)}
    return {**document, **totals(document["item"])}


def _remove(context: Context, document: Document) -> None:
    if context.records.following("creditMemo", str(document["id"])):
        raise user_error("This record cannot be deleted because it has dependent records.")


def receipt_of(_: Context, returned: Document) -> Document:
    """All that is still to come back."""
    lines = [
        {
            **{name: line[name] for name in ("item", "description", "location") if name in line},
            "orderLine": line["line"],
            "itemReceive": True,
            "quantity": left,
        }
        for line in returned["item"]
        if not line.get("isClosed") and (left := amount(line, "quantity") - amount(line, "quantityReceived")) > 0
    ]
    if not lines or returned["status"] in (PENDING_APPROVAL, CANCELLED, CLOSED):
        raise not_ready(returned, "itemreceipt")
    head = {name: returned[name] for name in ("entity", "subsidiary")}
    return {**head, "createdFrom": returned["id"], "item": lines}


def _create_receipt(context: Context, document: Document) -> Document:
    returned = context.records.get("returnAuthorization", document["createdFrom"]) or {}
    by_line = {line["line"]: line for line in returned["item"]}
    for place, line in enumerate(document["item"]):
        origin, quantity = by_line[line["orderLine"]], amount(line, "quantity")
        if not 0 < quantity <= amount(origin, "quantity") - amount(origin, "quantityReceived"):
            raise user_error("The quantity is more than what is to come back.", f"item.items[{place}].quantity")
        origin["quantityReceived"] = amount(origin, "quantityReceived") + quantity
        stock.ship(context.records, str(line["item"]), str(line["location"]), -quantity, Decimal(0))
    _keep(context, returned)
    number = context.records.next_id("receipt number")
    made = {**document, "tranId": f"IR{500_000 + int(number)}", "item": numbered(document["item"]), "status": "Y"}
    return {"tranDate": context.today(), **made}


def credit_of(context: Context, returned: Document) -> Document:
    """All that is authorized and not yet credited: this account refunds in advance of the goods."""
    symbol = currency_symbol(context.records, returned)
    lines = list[Document]()
    for line in returned["item"]:
        left = amount(line, "quantity") - amount(line, "quantityBilled")
        if not line.get("isClosed") and left > 0:
            kept = {name: line[name] for name in ("item", "description", "location", *_PRICES) if name in line}
            lines.append({**kept, "orderLine": line["line"], "quantity": left, **share(line, left, symbol)})
    if not lines or returned["status"] in (PENDING_APPROVAL, CANCELLED, CLOSED, REFUNDED):
        raise not_ready(returned, "creditmemo")
    names = ("entity", "subsidiary", "currency", "exchangeRate", "otherRefNum")
    head = {name: returned[name] for name in names if name in returned}
    return {**head, "createdFrom": returned["id"], "item": lines}


def _create_credit(context: Context, document: Document) -> Document:
    returned = context.records.get("returnAuthorization", document.get("createdFrom"))
    if returned is None:
        raise user_error("A credit memo of this account follows a return authorization.", "createdFrom")
    by_line = {line["line"]: line for line in returned["item"]}
    symbol = currency_symbol(context.records, returned)
    for place, line in enumerate(document["item"]):
        origin, quantity = by_line[line["orderLine"]], amount(line, "quantity")
        if not 0 < quantity <= amount(origin, "quantity") - amount(origin, "quantityBilled"):
            raise user_error("The quantity is more than what was authorized.", f"item.items[{place}].quantity")
        line.update(share(origin, quantity, symbol))
        origin["quantityBilled"] = amount(origin, "quantityBilled") + quantity
    _keep(context, returned)
    number = context.records.next_id("credit memo number")
    made = {**document, "tranId": f"CM{600_000 + int(number)}", "item": numbered(document["item"]), "status": "A"}
    made = {"tranDate": context.today(), **made, **totals(document["item"])}
    credit.book(context.records, str(made["entity"]), billed=-rounded(amount(made, "subtotal"), symbol))
    return {**made, "unapplied": made["total"]}


def _keep(context: Context, returned: Document) -> None:
    live = [line for line in returned["item"] if not line.get("isClosed")]
    wanted, received, credited = (
        sum((amount(line, name) for line in live), Decimal(0))
        for name in ("quantity", "quantityReceived", "quantityBilled")
    )
    if credited >= wanted:
        status = REFUNDED
    elif received >= wanted:
        status = "F"
    elif received:
        status = "E" if credited < received else "D"
    else:
        status = PENDING_RECEIPT
    stamp = {"status": status, "orderStatus": status, "lastModifiedDate": context.stamp()}
    context.records.put("returnAuthorization", {**returned, **stamp})


def _posted(_: Context, document: Document, old: Document) -> Document:
    return {**document, "item": old["item"]}


def _stays(_: Context, document: Document) -> None:
    raise user_error(f"{document['tranId']} is posted and cannot be deleted.")


RETURN_AUTHORIZATION = Rule(_create, _change, _remove)
ITEM_RECEIPT = Rule(_create_receipt, _posted, _stays)
CREDIT_MEMO = Rule(_create_credit, _posted, _stays)
