"""Customers with address books and credit, and their contacts."""

from decimal import Decimal
from itertools import count
from typing import Any

from sandboxes.company import Address, Company, Customer
from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.rules.customers import address_text
from sandboxes.netsuite.seed.lists import Keys

CREATED = "2025-02-03T09:00:00Z"
_FIRST_ENTITY = 107  # ids below belong to the account's own people


def seed_customers(records: Records, company: Company, keys: Keys) -> None:
    """Write every customer and every contact."""
    ids = count(_FIRST_ENTITY)
    by_number = {one.number: str(next(ids)) for one in company.customers}
    entries = count(1)
    for customer in company.customers:
        book = [_entry(next(entries), customer.sap_customer, customer.legal_name, customer.billing, billing=True)]
        for place, there in enumerate(customer.ship_to):
            entry = _entry(next(entries), there.sap_customer, there.name, there.address)
            book.append({**entry, "defaultShipping": place == 0})
        parent = {"parent": by_number[customer.parent]} if customer.parent else {}
        document = _customer(customer, keys) | parent | {"addressBook": book, "id": by_number[customer.number]}
        records.put("customer", document)
        for contact in customer.contacts:
            person: Document = {
                "id": str(next(ids)),
                "entityId": f"{contact.first_name} {contact.last_name}"[:83],
                "firstName": contact.first_name[:32],
                "lastName": contact.last_name[:32],
                "title": contact.title[:99],
                "email": contact.email[:254],
                "phone": contact.phone[:22],
                "isInactive": False,
                "company": by_number[customer.number],
                "subsidiary": document["subsidiary"],
                **_stamps(),
            }
            records.put("contact", person)
    for name, last in (("entity", next(ids)), ("address", next(entries))):
        records.connection.execute("INSERT INTO sequence VALUES (?, ?)", (name, last))


def _customer(customer: Customer, keys: Keys) -> Document:
    mailbox = customer.contacts[0].email.partition("@")[2] if customer.contacts else "customer.example"
    return {
        "entityId": customer.sap_customer,
        "isPerson": False,
        "companyName": customer.legal_name[:83],
        "email": f"office@{mailbox}",
        "phone": customer.phone[:22],
        "url": customer.website[:100],
        "vatRegNumber": customer.tax_number[:20],
        "isInactive": False,
        "subsidiary": keys["subsidiary", "1010"],
        "currency": keys["currency", customer.currency],
        "terms": keys["term", customer.payment_terms],
        "priceLevel": keys["priceLevel", "base"],
        "salesRep": keys["employee", str(customer.owner)],
        "taxItem": keys["salesTaxItem", "DE" if customer.country == "DE" else ""],
        "creditLimit": customer.credit_limit,
        "creditHoldOverride": "ON" if customer.order_blocked else "AUTO",
        "balance": customer.credit_exposure,
        "unbilledOrders": Decimal(0),
        **_stamps(),
    }


def _entry(key: int, label: str, addressee: str, address: Address, *, billing: bool = False) -> Document:
    street = " ".join(part for part in (address.street, address.house_number) if part)
    fields: dict[str, Any] = {
        "addressee": addressee[:83],
        "addr1": street[:150],
        "city": address.city[:50],
        "state": address.region[:50],
        "zip": address.postal_code[:36],
        "country": address.country,
        "override": False,
    }
    fields = {name: value for name, value in fields.items() if value != ""}
    return {
        "id": key,
        "label": label,
        "defaultBilling": billing,
        "defaultShipping": False,
        "isResidential": False,
        "addressBookAddress": {**fields, "addrText": address_text(fields)},
    }


def _stamps() -> Document:
    return {"dateCreated": CREATED, "lastModifiedDate": CREATED}
