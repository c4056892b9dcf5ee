"""What this system is set up with: organisation, number ranges, terms; the tables a customizing client holds."""

from functools import cache

from sandboxes.company import Address, company

GROUPINGS = {"BP01": False, "BP02": True, "BPEE": False}
"""Business partner groupings, and whether their numbers are drawn from this system's range (TB001)."""

FIRST_PARTNER = 30_000_001
"""The range behind grouping BP02; a customer gets its partner's number."""

ROLES = frozenset({"000000", "FLCU00", "FLCU01", "FLVN00", "FLVN01", "UKM000", "BUP001"})
COMPANY_CODES = frozenset({"1010", "1510", "1710"})
RECONCILIATION_ACCOUNTS = frozenset({"12100000", "12120000"})
PAYMENT_TERMS = frozenset({"0001", "0002", "NT30", "NT60"})
INCOTERMS = frozenset({"CFR", "CIF", "CIP", "CPT", "DAP", "DDP", "DPU", "EXW", "FAS", "FCA", "FOB"})
SALES_AREAS = frozenset((organization, "10", "00") for organization in COMPANY_CODES)
ORDER_BLOCKS = frozenset({"", "01", "02"})
OWN_FUNCTIONS = ("SP", "SH", "BP", "PY")
"""Partner functions that every sales area has, the customer itself where nobody else is named (procedure AG)."""

SHARED_FUNCTIONS = frozenset({"SH", "BP"})
"""Partner functions that more than one customer may have beside another."""

_REGION_NEEDED = frozenset({"US", "BR", "CA", "AU", "IN"})
_OTHER_COUNTRIES = (
    *("AT", "AU", "BE", "CA", "CZ", "DK", "ES", "FI", "HU", "IE", "IT", "LU", "MX", "NL", "NO", "NZ", "PT", "RO"),
    *("SA", "SE", "SG", "SK", "TR", "ZA"),
)
_VAT_ELSEWHERE = {"US": ("US01", "US02")}


@cache
def regions() -> dict[str, frozenset[str]]:
    """The regions of every country (T005S); countries without any take none."""
    found: dict[str, set[str]] = {country: set() for country in _OTHER_COUNTRIES}
    for address in _addresses():
        if address.country:
            found.setdefault(address.country, set()).update({address.region[:3]} - {""})
    return {country: frozenset(known) for country, known in found.items()}


@cache
def tax_types() -> frozenset[str]:
    """Tax number categories (TFKTAXNUMTYPE): the VAT registration number of a country ends in 0."""
    usual = {f"{country}{place}" for country in regions() for place in (0, 1)}
    return frozenset(usual.union(*_VAT_ELSEWHERE.values()))


def needs_region(country: str) -> bool:
    """Whether addresses there are incomplete without one."""
    return country in _REGION_NEEDED


def _addresses() -> list[Address]:
    return [
        address for one in company().accounts for address in (one.billing, *(place.address for place in one.ship_to))
    ]
