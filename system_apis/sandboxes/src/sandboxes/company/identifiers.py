"""Identifiers that the vendors would accept, and choices that never change between runs."""

from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "aj"
_SHORT = 15


def checksum(fifteen: str) -> str:
    """The three characters that make a case-sensitive 15-character Salesforce id safe to compare in any case.

    Each covers five characters: bit n is set where the nth is a capital (Salesforce, "Determining Object Type
    and Instance from ID").
    """
    groups = (fifteen[start : start + 5] for start in range(0, _SHORT, 5))
    return "".join(
        _CHECKSUM[sum(1 << place for place, char in enumerate(group) if "A" <= char <= "Z")] for group in groups
    )


def salesforce_id(prefix: str, number: int) -> str:
    """The 18-character id of the record `number` of the object with this three-character key prefix."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE_62[digit] + digits
    fifteen = prefix + _POD + digits.rjust(10, "0")
    return fifteen + checksum(fifteen)


def spread(*key: object) -> int:
    """A number that looks random and is the same for the same key, on every machine."""
    return crc32(repr(key).encode())


def pick(choices: Sequence[T], *key: object) -> T:
    """One of the choices, always the same for the same key."""
    return choices[spread(*key) % len(choices)]


def filled(pattern: str, *key: object) -> str:
    """The pattern with each `#` a digit and each `@` a capital letter."""
    return "".join(
        str(spread(place, *key) % 10) if char == "#" else _CHECKSUM[spread(place, *key) % 26] if char == "@" else char
        for place, char in enumerate(pattern)
    )
