"""The customers: who they are, where they are, what they may owe."""

from decimal import Decimal

from sandboxes.company.identifiers import filled, pick, salesforce_id, spread
from sandboxes.company.locales import Locale
from sandboxes.company.money import from_euro
from sandboxes.company.names import (
    INDUSTRIES,
    LONG_NAME,
    TITLES,
    address_in,
    ascii_slug,
    firm_name,
    locale_of,
    longest,
    name_parts,
)
from sandboxes.company.records import Contact, Customer, Salesperson, ShipTo

COUNT = 256
_CREDIT_LIMIT = Decimal(2_000_000)
_NOT_PAYERS = 12  # every so manyth customer has used up its credit
_BLOCKED = 16
_SALESPEOPLE = (
    ("Ada", "Brandt"),
    ("Tomás", "Ferreira"),
    ("小百合", "中村"),
    ("Nadia", "Haddad"),
    ("Jo", "O'Hara"),
)


def salespeople() -> tuple[Salesperson, ...]:
    """The five people who own the customers."""
    return tuple(
        Salesperson(
            number=number,
            salesforce_id=salesforce_id("005", number),
            first_name=first,
            last_name=last,
            email=f"sales{number}@tarngauge.example",
            username=f"sales{number}@tarngauge.example.sandbox",
        )
        for number, (first, last) in enumerate(_SALESPEOPLE, 1)
    )


def customers() -> tuple[Customer, ...]:
    """All customers, number 1 first."""
    return tuple(_customer(number) for number in range(1, COUNT + 1))


def _customer(number: int) -> Customer:
    locale = locale_of(number)
    name = firm_name(number)
    legal_name = name if number == LONG_NAME else f"{name} {locale.legal_form}"
    domain = f"{ascii_slug(name)[:40] or 'customer' + str(number)}.example"
    sap = str(10_100_000 + number)
    limit = from_euro(_CREDIT_LIMIT, locale.currency)
    return Customer(
        number=number,
        salesforce_id=salesforce_id("001", number),
        sap_customer=sap,
        sap_business_partner=str(20_300_000 + number) if number % 5 == 0 else sap,
        name=name,
        legal_name=legal_name,
        sap_name_parts=name_parts(legal_name),
        industry=pick(INDUSTRIES, "industry", number),
        website=f"https://www.{domain}",
        phone=_phone(locale, "firm", number),
        tax_number=filled(locale.tax_pattern, "tax", number),
        language=locale.language,
        currency=locale.currency,
        country=locale.country,
        billing=address_in(locale, number, long=number == LONG_NAME),
        ship_to=_ship_to(number, locale, name),
        contacts=_contacts(number, locale, domain),
        parent=_parent(number),
        owner=number % len(_SALESPEOPLE) + 1,
        credit_limit=limit,
        credit_exposure=limit if number % _NOT_PAYERS == 0 else limit // 10 * (number % 3),
        order_blocked=number % _BLOCKED == 0,
        payment_terms=pick(("0001", "0002", "NT30", "NT60"), "terms", number),
    )


def _phone(locale: Locale, *key: object) -> str:
    return f"{locale.phone_prefix} {filled('5550###', 'phone', *key)}"


def _ship_to(number: int, locale: Locale, name: str) -> tuple[ShipTo, ...]:
    return tuple(
        ShipTo(
            sap_customer=str(10_200_000 + number * 10 + place),
            name=longest(name) if number == LONG_NAME else f"{name} #{place + 1}",
            address=address_in(locale, "ship", number, place, long=number == LONG_NAME),
        )
        for place in range(1 + number % 3)
    )


def _contacts(number: int, locale: Locale, domain: str) -> tuple[Contact, ...]:
    return tuple(_contact(number * 4 + place, locale, domain) for place in range(1 + spread("contacts", number) % 4))


def _contact(number: int, locale: Locale, domain: str) -> Contact:
    first, last = pick(locale.given, "given", number), pick(locale.family, "family", number)
    mailbox = ".".join(filter(None, (ascii_slug(first), ascii_slug(last)))) or "contact"
    return Contact(
        number=number,
        salesforce_id=salesforce_id("003", number),
        first_name=first,
        last_name=last,
        email=f"{mailbox}.{number}@{domain}",
        phone=_phone(locale, "contact", number),
        title=pick(TITLES, "title", number),
    )


def _parent(number: int) -> int | None:
    """Groups of three levels: a head every 36, divisions every 6, the next two below each division."""
    division = number - number % 6 + 1
    if number % 6 in (2, 3):
        return division
    head = number - number % 36 + 1
    return head if number % 6 == 1 and number != head else None
