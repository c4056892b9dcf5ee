"""NetSuite's customers and items as canonical values, and back; pure functions. Refusals are translated in `faults`."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from shared.contracts.canonical.likeness import Candidate
from shared.contracts.canonical.party import (
    CompanyCodeData,
    CreditStanding,
    ErpCustomer,
    NewDeliveryPlace,
    Partner,
    SalesArea,
)
from shared.contracts.canonical.product import Product
from shared.contracts.canonical.values import Address
from system_apis.netsuite.money import money
from system_apis.netsuite.records import AlikeRow, BookEntry, BuyerRow, CustomerRecord, ItemRow

_ON_HOLD = "ON"
_GRAMS = {
    **dict.fromkeys(("1", "lb"), Decimal("453.59237")),
    **dict.fromkeys(("2", "oz"), Decimal("28.349523125")),
    **dict.fromkeys(("3", "kg"), Decimal(1000)),
    **dict.fromkeys(("4", "g"), Decimal(1)),
}
"""Units of weight by their id and by their name."""
_SKU = re.compile(r"[\x21-\x7e]{1,40}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_ADDRESS_LINE = 150


def customer(record: CustomerRecord, *, parent: str, currency: str, subsidiaries: list[str], terms: str) -> ErpCustomer:
    """A customer; each of its subsidiaries is a place it is sold to from."""
    places = record.address_book.items
    blocked = takes_no_orders(record)
    billing = next((one for one in places if one.default_billing), places[0] if places else None)
    group = record.price_level.ref_name if record.price_level else ""
    partners = [partner(one) for one in places]
    return ErpCustomer(
        erp_number=record.entity_id,
        business_partner=record.id,
        name=name_of(record),
        address=_address(billing) if billing else None,
        tax_number=record.vat_reg_number,
        parent_erp_number=parent or None,
        order_blocked=blocked,
        delivery_blocked=record.is_inactive,
        billing_blocked=record.is_inactive,
        marked_for_deletion=record.is_inactive,
        sales_areas=[
            SalesArea(each, "", "", currency, terms, price_group=group, blocked=blocked, partners=partners)
            for each in subsidiaries
        ],
        company_codes=[CompanyCodeData(each, payment_terms=terms) for each in subsidiaries if each],
    )


def name_of(record: CustomerRecord) -> str:
    """The company's name, or the person's."""
    return record.company_name or " ".join(filter(None, (record.first_name, record.last_name)))


def takes_no_orders(record: CustomerRecord) -> bool:
    """Whether a customer is inactive, or held by hand."""
    return record.is_inactive or record.credit_hold_override.id.upper() == _ON_HOLD


def is_blocked(row: BuyerRow) -> bool:
    """The same of a row."""
    return row.isinactive == "T" or row.creditholdoverride.upper() == _ON_HOLD


def partner(entry: BookEntry) -> Partner:
    """An entry of the address book as a place that goods go to; its number is its internal id."""
    return Partner(
        "ship-to", str(entry.id), entry.address_book_address.addressee or entry.label, entry.default_shipping
    )


def credit_standing(record: CustomerRecord, currency: str) -> CreditStanding | None:
    """Limit, and what is owed or ordered and not billed; None for a customer without a limit."""
    if record.credit_limit is None:
        return None
    exposure = record.balance + record.unbilled_orders
    return CreditStanding(
        erp_number=record.entity_id,
        limit=money(record.credit_limit, currency),
        exposure=money(exposure, currency),
        available=money(record.credit_limit - exposure, currency),
        blocked=takes_no_orders(record),
    )


def candidates(rows: Iterable[AlikeRow], reference: str) -> list[Candidate]:
    """Customers with all their addresses that were found; without the one of this external id."""
    by_number: dict[str, list[AlikeRow]] = {}
    for row in rows:
        if row.externalid.casefold() != reference.casefold():
            by_number.setdefault(row.entityid, []).append(row)
    return [
        Candidate(number, each[0].companyname, each[0].vatregnumber, tuple((one.zip, one.country) for one in each))
        for number, each in by_number.items()
    ]


def product(row: ItemRow, currency: str, base_unit: str) -> Product | None:
    """A product; None for an item whose name is no SKU, such as one with spaces."""
    if not _SKU.fullmatch(row.itemid):
        return None
    grams = _GRAMS.get(row.weightunit.lower())
    return Product(
        sku=row.itemid,
        name=row.displayname or row.itemid,
        base_unit=base_unit,
        product_group=row.product_group,
        gross_weight_grams=plain(row.weight * grams) if row.weight and grams else None,
        list_price=money(row.unitprice, currency) if row.unitprice is not None else None,
        sellable=row.isinactive != "T",
    )


def sku_of(name: str) -> str:
    """The SKU in what NetSuite shows of an item; of a matrix item, `parent : child`, the child's."""
    return re.sub(r"[^\x21-\x7e]+", "_", name.rpartition(" : ")[2].strip())[:40] or "_"


def book_entry(place: NewDeliveryPlace) -> dict[str, Any]:
    """A further entry of an address book, found again by its label."""
    return {"label": place.reference, "addressBookAddress": address_body(place.name, place.address)}


def address_body(name: str, address: Address) -> dict[str, Any]:
    """An address as NetSuite takes it; house numbers have no field there."""
    first, second = _two_lines(" ".join(filter(None, (address.street, address.house_number))))
    fields = {
        "addressee": name,
        "addr1": first,
        "addr2": second,
        "city": address.city,
        "state": address.region,
        "zip": address.postal_code,
    }
    country = {"country": {"id": address.country}} if address.country else {}
    return {key: value for key, value in fields.items() if value} | country


def _two_lines(street: str) -> tuple[str, str]:
    if len(street) <= _ADDRESS_LINE:
        return street, ""
    end = street.rfind(" ", 0, _ADDRESS_LINE + 1)
    return (street[:end], street[end + 1 :]) if end > 0 else (street[:_ADDRESS_LINE], street[_ADDRESS_LINE:])


def _address(entry: BookEntry) -> Address:
    found = entry.address_book_address
    country = found.country.id if found.country and _COUNTRY.fullmatch(found.country.id) else None
    return Address(
        street=" ".join(filter(None, (found.addr1, found.addr2))),
        city=found.city,
        region=found.state,
        postal_code=found.zip,
        country=country,
    )


def plain(value: Decimal) -> Decimal:
    """Without trailing zeros or an exponent."""
    return Decimal(f"{value.normalize():f}")
