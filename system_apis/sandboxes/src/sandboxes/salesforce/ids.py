"""Record ids: 15 case-sensitive characters, 18 with a checksum; both accepted, 18 returned."""

import re

from sandboxes.company import checksum

_SHORT, _LONG = 15, 18
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-5]{3})?")


def to_18(value: str) -> str | None:
    """The 18-character form of an id, or None if this is no id at all."""
    if not _ID.fullmatch(value):
        return None
    suffix = checksum(value[:_SHORT])
    if len(value) == _LONG and value[_SHORT:].upper() != suffix:
        return _recased(value)
    return value[:_SHORT] + suffix


def _recased(value: str) -> str | None:
    """An 18-character id whose case was lost, with the case its suffix remembers."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    letters = list(value[:_SHORT])
    for group, char in enumerate(value[_SHORT:].upper()):
        bits = alphabet.index(char)
        for place in range(5):
            at = group * 5 + place
            letters[at] = letters[at].upper() if bits >> place & 1 else letters[at].lower()
    fifteen = "".join(letters)
    return fifteen + value[_SHORT:].upper() if checksum(fifteen) == value[_SHORT:].upper() else None


def new_id(prefix: str, number: int, pod: str = "Hs") -> str:
    """The id of the `number`th record this org creates: prefix, pod, a reserved 0, nine digits to base 62."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE_62[digit] + digits
    fifteen = prefix + pod + "0" + digits.rjust(9, "0")
    return fifteen + checksum(fifteen)
