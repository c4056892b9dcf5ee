"""Where customers live: words, places and formats of each country."""

from msgspec import Struct


class Place(Struct, frozen=True):
    """A city with its region and the pattern of its postal codes (`#` a digit, `@` a letter)."""

    city: str
    region: str
    postal_pattern: str


class Locale(Struct, frozen=True):
    """What a firm and its people are called in one country."""

    country: str
    currency: str
    language: str
    phone_prefix: str
    tax_pattern: str
    legal_form: str
    places: tuple[Place, ...]
    streets: tuple[str, ...]
    given: tuple[str, ...]
    family: tuple[str, ...]
    firms: tuple[str, ...]
    trades: tuple[str, ...]


def words(text: str) -> tuple[str, ...]:
    """The words of a text that separates them by `|`."""
    return tuple(word.strip() for word in text.split("|"))


def places(text: str) -> tuple[Place, ...]:
    """Places written as `city/region/pattern`, separated by `|`."""
    return tuple(Place(*entry.split("/")) for entry in words(text))
