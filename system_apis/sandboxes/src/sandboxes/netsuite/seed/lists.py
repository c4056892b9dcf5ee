"""Currencies, subsidiaries, locations, terms, tax codes, classes and employees."""

from collections.abc import Iterable
from typing import Any

from sandboxes.company import Company, minor_units
from sandboxes.netsuite.records.store import Records

Keys = dict[tuple[str, str], str]
"""Internal ids by record type and what the company calls the thing."""

TERMS = {"0001": ("Due on receipt", 0), "0002": ("1% 14 Net 30", 30), "NT30": ("Net 30", 30), "NT60": ("Net 60", 60)}
_HOME_TAX = 19  # Germany's, which the account charges at home and nowhere else
_SUBSIDIARY_CURRENCY = {"DE": "EUR", "US": "USD", "JP": "JPY"}


def seed_lists(records: Records, company: Company) -> Keys:
    """Write the lists; returns their ids."""
    keys: Keys = {}
    _write(
        records,
        keys,
        "currency",
        (
            (
                code,
                {
                    "name": code,
                    "symbol": code,
                    "exchangeRate": round(1 / rate, 8),
                    "currencyPrecision": minor_units(code),
                },
            )
            for code, rate in company.exchange_rates.items()
        ),
    )
    _write(
        records,
        keys,
        "subsidiary",
        (
            (
                one.sap_sales_organization,
                {
                    "name": one.name.replace("Gauge", "Gauge Works"),
                    "externalId": one.sap_sales_organization,
                    "country": one.address.country,
                    "currency": keys["currency", _SUBSIDIARY_CURRENCY[one.address.country]],
                },
            )
            for one in company.warehouses
        ),
    )
    _write(
        records,
        keys,
        "location",
        (
            (
                one.code,
                {
                    "name": one.name,
                    "externalId": one.code,
                    "subsidiary": keys["subsidiary", one.sap_sales_organization],
                },
            )
            for one in company.warehouses
        ),
    )
    _write(
        records,
        keys,
        "term",
        ((code, {"name": name, "externalId": code, "daysUntilNetDue": days}) for code, (name, days) in TERMS.items()),
    )
    _write(records, keys, "priceLevel", [("base", {"name": "Base Price"})])
    taxes = (("DE", {"name": "S-DE", "rate": _HOME_TAX, "country": "DE"}), ("", {"name": "Export", "rate": 0}))
    _write(records, keys, "salesTaxItem", taxes)
    families = sorted({one.family for one in company.products})
    _write(records, keys, "classification", ((family, {"name": family}) for family in families))
    people = (
        (
            str(one.number),
            {
                "name": f"{one.first_name} {one.last_name}",
                "firstName": one.first_name,
                "lastName": one.last_name,
                "email": one.email,
            },
        )
        for one in company.salespeople
    )
    _write(records, keys, "employee", people)
    return keys


def _write(records: Records, keys: Keys, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
    for name, row in rows:
        key = keys[kind, name] = records.next_id(kind)
        records.put(kind, {"id": key, "isInactive": False, **row})
