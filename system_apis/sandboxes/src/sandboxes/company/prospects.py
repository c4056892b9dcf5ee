"""Firms that the CRM has and no ERP knows yet: they have to be onboarded before they can order."""

from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from sandboxes.company import east, west
from sandboxes.company.identifiers import filled, salesforce_id
from sandboxes.company.locales import Locale
from sandboxes.company.names import INDUSTRIES, address_in, ascii_slug, longest
from sandboxes.company.records import Address, Contact, Customer, ShipTo

_FIRST: Final = 901
_NOWHERE: Final = Address("", "", "", "", "", "")
_SAP_NAME: Final = 160  # four parts of 40


class _Prospect(Struct, frozen=True):
    """What is special about one."""

    kind: str
    locale: Locale
    name: str
    below: int | None = None  # so many places before it in this list is its parent
    twin_of: int | None = None  # the number of a customer that is the same firm


_PROSPECTS: Final = (
    *(_Prospect("plain", west.GERMANY, f"Elbufer Pumpenbau {place}") for place in range(1, 9)),
    _Prospect("new-parent", west.FRANCE, "Groupe Lavande Hydraulique"),
    _Prospect("new-child", west.FRANCE, "Lavande Provence", below=1),
    _Prospect("new-grandchild", west.FRANCE, "Lavande Avignon", below=1),
    _Prospect("longest-name", west.UNITED_STATES, longest("Great Basin Irrigation District", _SAP_NAME)),
    _Prospect("too-long-name", west.BRITAIN, longest("Kingfisher Marine Engineering", _SAP_NAME + 1)),
    _Prospect("japanese", east.JAPAN, "株式会社" + "富士見計測機器製作所" * 5),
    _Prospect("arabic", east.KUWAIT, "شركة النخيل للمياه والقياس"),
    _Prospect("lacking", west.GERMANY, "Ohne Angaben"),
    _Prospect("twin", west.GERMANY, "", twin_of=1),
)


def prospects(customers: tuple[Customer, ...]) -> tuple[Customer, ...]:
    """All of them, in the order above; `customers` are those that the ERP has."""
    known = {one.number: one for one in customers}
    made: list[Customer] = []
    for number, one in enumerate(_PROSPECTS, _FIRST):
        made.append(_twin(number, known[one.twin_of]) if one.twin_of else _prospect(number, one))
    return tuple(made)


def kinds() -> dict[str, tuple[int, ...]]:
    """Their numbers by what is special about them."""
    named = [(one.kind, number) for number, one in enumerate(_PROSPECTS, _FIRST)]
    return {kind: tuple(number for each, number in named if each == kind) for kind, _ in named}


def _prospect(number: int, one: _Prospect) -> Customer:
    locale, lacking = one.locale, one.kind == "lacking"
    billing = _NOWHERE if lacking else address_in(locale, number)
    domain = f"{ascii_slug(one.name)[:40] or f'prospect{number}'}.example"
    return Customer(
        number=number,
        salesforce_id=salesforce_id("001", number),
        sap_customer="",
        sap_business_partner="",
        name=one.name,
        legal_name=one.name,
        sap_name_parts=(),
        industry=INDUSTRIES[number % len(INDUSTRIES)],
        website=f"https://www.{domain}",
        phone=f"{locale.phone_prefix} {filled('5550###', 'phone', number)}",
        tax_number="" if lacking else filled(locale.tax_pattern, "tax", number),
        language=locale.language,
        currency=locale.currency,
        country=locale.country,
        billing=billing,
        ship_to=(ShipTo("", f"{one.name[:240]} #1", _NOWHERE if lacking else address_in(locale, "ship", number)),),
        contacts=() if lacking else (_contact(number, locale, domain),),
        parent=number - one.below if one.below else None,
        owner=1,
        credit_limit=Decimal(0),
        credit_exposure=Decimal(0),
        order_blocked=False,
        payment_terms="NT30",
    )


def _contact(number: int, locale: Locale, domain: str) -> Contact:
    first, last = locale.given[0], locale.family[0]
    place = number * 4  # as with customers, whose contacts are fewer than four
    return Contact(
        number=place,
        salesforce_id=salesforce_id("003", place),
        first_name=first,
        last_name=last,
        email=f"buyer.{place}@{domain}",
        phone=f"{locale.phone_prefix} {filled('5550###', 'contact', place)}",
        title="Buyer",
    )


def _twin(number: int, of: Customer) -> Customer:
    """The same firm once more, spelled another way."""
    one = _prospect(number, _Prospect("twin", west.GERMANY, f"{of.name.upper()}  {of.legal_name.split()[-1]}."))
    return replace(one, billing=of.billing, tax_number=of.tax_number, currency=of.currency, country=of.country)
