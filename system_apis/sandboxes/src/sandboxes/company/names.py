"""What the people and firms are called, in the script of their country."""

import unicodedata

from sandboxes.company import east, west
from sandboxes.company.identifiers import filled, pick
from sandboxes.company.locales import Locale
from sandboxes.company.records import Address

LONG_NAME = 240
EMOJI_NAME = 239
LOCALES = west.LOCALES * 2 + east.LOCALES  # two of three customers in the Latin script
INDUSTRIES = ("Chemicals", "Energy", "Food & Beverage", "Machinery", "Utilities", "Construction")
TITLES = ("Head of Purchasing", "Plant Manager", "Buyer", "Maintenance Lead", "Accounts Payable")

_LONGEST = 255


def longest(start: str, width: int = _LONGEST) -> str:
    """A text of exactly this many characters, for fields that must hold their maximum."""
    return (f"{start} of the Most Extensively Named Undertakings " * (width // len(start) + 1))[: width - 1] + "."


def locale_of(number: int) -> Locale:
    """The country a customer is from; the customers with special names are German."""
    return west.GERMANY if number in (LONG_NAME, EMOJI_NAME) else LOCALES[(number - 1) % len(LOCALES)]


def firm_name(number: int) -> str:
    """The trading name of a customer, at most 255 characters."""
    if number == LONG_NAME:
        return longest("Vereinigte Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft")
    if number == EMOJI_NAME:
        return "Bäckerei 🥐 & Söhne 👨‍👩‍👧‍👦 Überfluss 🚰"
    locale = locale_of(number)
    return f"{pick(locale.firms, 'firm', number)} {pick(locale.trades, 'trade', number)} {number}"


def name_parts(name: str, width: int = 40, parts: int = 4) -> tuple[str, ...]:
    """The name cut for SAP's NAME1 to NAME4, each at most `width` UTF-16 code units, at a space where there is one.

    A part that ends at a space could have held the next letter, so that one sees where there was a space.
    """
    cut: list[str] = []
    while name and len(cut) < parts:
        full = next((end for end in range(1, len(name)) if utf16(name[: end + 1]) > width), len(name))
        spaces = (
            end for end in range(full - 1, 0, -1) if name[end] == " " and utf16(name[:end] + name[end + 1]) <= width
        )
        end = full if full == len(name) else next(spaces, full)
        cut.append(name[:end].strip())
        name = name[end:].strip()
    return tuple(cut)


def utf16(text: str) -> int:
    """The length of a text as SAP counts it, in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def ascii_slug(text: str) -> str:
    """The letters and digits of a text that ASCII has, for domains and mailboxes; may be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(char for char in plain if char.isalnum())


def address_in(locale: Locale, *key: object, long: bool = False) -> Address:
    """An address in this country, always the same for the same key; `long` fills the street field."""
    place = pick(locale.places, "place", *key)
    street = pick(locale.streets, "street", *key)
    return Address(
        street=longest(street) if long else street,
        house_number=filled("##", "house", *key).lstrip("0") or "1",
        city=place.city,
        region=place.region,
        postal_code=filled(place.postal_pattern, "post", *key),
        country=locale.country,
    )
