"""Field names as the bitmaps of change events over Pub/Sub: `0x2a`, and `3-0x2` for parts of a nested field."""

from collections import defaultdict
from typing import Any, cast


def bitmaps(schema: dict[str, Any], names: list[str]) -> list[str]:
    """The bitmaps of `Phone` and `BillingAddress.City`: bit n is the schema's nth field, the lowest bit first."""
    places = {field["name"]: (at, _inner(field)) for at, field in enumerate(schema["fields"])}
    top, nested = 0, defaultdict[int, int](int)
    for name in names:
        outer, _, part = name.partition(".")
        at, inner = places[outer]
        if part:
            nested[at] |= 1 << inner.index(part)
        else:
            top |= 1 << at
    found = [_hex(top)] if top else []
    return found + [f"{at}-{_hex(bits)}" for at, bits in sorted(nested.items())]


def _inner(field: dict[str, Any]) -> list[str]:
    record: Any = field["type"]
    if isinstance(record, list):  # ["null", {…}]
        record = cast("list[Any]", record)[1]
    return [each["name"] for each in record["fields"]] if "fields" in record else []


def _hex(bits: int) -> str:
    digits = f"{bits:X}"
    return "0x" + digits.zfill(len(digits) + len(digits) % 2)
