"""Salesforce record ids: 15 characters, or 18 with a check suffix (REST API Developer Guide, "ID field type")."""

import re
from functools import lru_cache

_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BLOCK = 5
_SHORT = 15


@lru_cache(maxsize=4096)
def to_18(record_id: str) -> str | None:
    """The 18-character form of an id, or None if it is malformed.

    An 18-character id whose suffix does not fit its case was mangled on the way and counts as malformed.
    """
    if _SHAPE.fullmatch(record_id) is None:
        return None
    short = record_id[:_SHORT]
    full = short + "".join(_check_character(short[at : at + _BLOCK]) for at in range(0, _SHORT, _BLOCK))
    return full if record_id in (short, full) else None


def _check_character(block: str) -> str:
    return _SUFFIX[sum(1 << place for place, character in enumerate(block) if "A" <= character <= "Z")]
