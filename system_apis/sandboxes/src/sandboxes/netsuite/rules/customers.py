"""Customers with their address books, and contacts."""

from sandboxes.netsuite.records.store import Document, lines_of
from sandboxes.netsuite.refusals import Refusal, required, user_error
from sandboxes.netsuite.rules.context import Context, Rule
from sandboxes.netsuite.schema.countries import COUNTRIES

FIRST_NUMBER = 10_900_000  # the account numbers new customers automatically, beyond the company's own numbers


def _create(context: Context, document: Document) -> Document:
    if not document.get("entityId"):
        document["entityId"] = str(FIRST_NUMBER + int(context.records.next_id("customer number")))
    return _completed(
        context,
        {"creditHoldOverride": "AUTO", "balance": 0, "unbilledOrders": 0, "isInactive": False, **document},
        None,
    )


def _change(context: Context, document: Document, old: Document) -> Document:
    return _completed(context, document, old)


def _completed(context: Context, document: Document, old: Document | None) -> Document:
    document["isPerson"] = bool(document.get("isPerson"))
    name = "lastName" if document["isPerson"] else "companyName"
    if not document.get(name):
        raise required("Company Name" if name == "companyName" else "Last Name", name)
    if not document.get("subsidiary"):
        raise required("Primary Subsidiary", "subsidiary")
    if not document.get("currency"):
        document["currency"] = (context.records.get("subsidiary", document["subsidiary"]) or {})["currency"]
    if old is None or old.get("entityId") != document["entityId"]:
        _unique(context, document)
    if document.get("parent") == document["id"]:
        raise user_error("A record cannot be its own parent.", "parent")
    document["addressBook"] = _address_book(context, lines_of(document, "addressBook"), old or {})
    return document


def _unique(context: Context, document: Document) -> None:
    if context.records.named("customer", "entityId", str(document["entityId"])):
        raise Refusal(
            "UNIQUE_CUST_ID_REQD",
            "A customer record with this ID already exists. You must enter a unique customer ID for each record "
            "you create.",
            path="entityId",
        )


def _address_book(context: Context, entries: list[Document], old: Document) -> list[Document]:
    known = {str(one["id"]): one for one in lines_of(old, "addressBook")}
    book = [_entry(context, entry, place) for place, entry in enumerate(entries)]
    for default in ("defaultBilling", "defaultShipping"):
        chosen = [one for one in book if one.get(default)]
        # The last one set wins, as when a person ticks another box.
        fresh = [one for one in chosen if not known.get(str(one["id"]), {}).get(default)]
        keep = (fresh or chosen)[-1:]
        for one in book:
            one[default] = one in keep
    return book


def _entry(context: Context, entry: Document, place: int) -> Document:
    sent: Document = entry.get("addressBookAddress") or Document()
    address = {name: value for name, value in sent.items() if value}
    if not address.get("country"):
        raise user_error("Please enter value(s) for: Country", f"addressBook.items[{place}].addressBookAddress.country")
    key = entry.get("id") or int(context.records.next_id("address"))
    return {
        **entry,
        "id": key,
        "label": entry.get("label") or address.get("addr1", ""),
        "isResidential": bool(entry.get("isResidential")),
        "addressBookAddress": {**address, "addrText": address_text(address)},
    }


def address_text(address: Document) -> str:
    """An address as it is printed."""
    town = " ".join(str(address[name]) for name in ("zip", "city", "state") if address.get(name))
    lines = [address.get(name) for name in ("attention", "addressee", "addr1", "addr2", "addr3")]
    return "\n".join(str(line) for line in (*lines, town, COUNTRIES.get(str(address.get("country")), "")) if line)


def _remove(context: Context, document: Document) -> None:
    for kind, field in (("salesOrder", "entity"), ("customer", "parent"), ("contact", "company")):
        if context.records.named(kind, field, str(document["id"])):
            raise user_error("This record cannot be deleted because it has dependent records.")


def _create_contact(context: Context, document: Document) -> Document:
    if not document.get("entityId"):
        names = [str(document[name]) for name in ("firstName", "lastName") if document.get(name)]
        if not names:
            raise required("Name", "entityId")
        document["entityId"] = " ".join(names)
    return _complete_contact(context, document, document)


def _complete_contact(context: Context, document: Document, _: Document) -> Document:
    company = context.records.get("customer", document.get("company"))
    return {
        "isInactive": False,
        **({"subsidiary": company["subsidiary"]} if company else {}),
        **document,
    }


def _free(_: Context, __: Document) -> None:
    return None


CUSTOMER = Rule(_create, _change, _remove)
CONTACT = Rule(_create_contact, _complete_contact, _free)
