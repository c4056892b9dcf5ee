"""What the REST framework reads: queries whose literals cannot be broken out of, and the envelopes it answers.

Source: REST API for Oracle Fusion Cloud, "Manage collections" and "Batch execution".
"""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from shared.contracts.system.oracle_fusion import OracleRefused

_T = TypeVar("_T")

ITEM = "application/vnd.oracle.adf.resourceitem+json"
COLLECTION = "application/vnd.oracle.adf.resourcecollection+json"
ACTION = "application/vnd.oracle.adf.action+json"
BATCH = "application/vnd.oracle.adf.batch+json"


class Collection(msgspec.Struct, Generic[_T], frozen=True):
    """Rows of a resource, or of a child from framework version 3 on; a child that was not expanded has none."""

    items: list[_T] = []
    hasMore: bool = False  # noqa: N815 - Oracle's spelling


class Listed(msgspec.Struct, Generic[_T], frozen=True):
    """A collection as the answer to a request; `items` must be there, or it is another answer."""

    items: list[_T]
    hasMore: bool = False  # noqa: N815 - Oracle's spelling


class Link(msgspec.Struct, frozen=True):
    """A link of an item; that of `self` carries the item's version."""

    rel: str = ""
    href: str = ""
    properties: dict[str, Any] = {}


class Part(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One operation of a batch; `path` begins below the version root."""

    id: str
    path: str
    operation: str
    payload: Any = None
    if_match: str = ""


class Batch(msgspec.Struct, frozen=True):
    """Several operations in one transaction, and what they answered."""

    parts: list[Part]


def literal(value: str | int) -> str:
    """A value in `q`; quotes in text are doubled, so it ends where it should."""
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def segment(value: str | int) -> str:
    """A key as one segment of a path, whatever is in it.

    Raises:
        OracleRefused: It is `.` or `..`, which lead elsewhere however they are written (RFC 3986 §5.2.4).
    """
    if value in (".", ".."):
        raise OracleRefused(f"No record has the key {value!r}; give the key that it told.")
    return quote(str(value), safe="")


def address(path: str, **parameters: str | int | bool) -> str:
    """A path with its query."""
    chosen = "&".join(f"{name}={quote(_text(value), safe=',.:')}" for name, value in parameters.items())
    return f"{path}?{chosen}" if chosen else path


def any_of(attribute: str, values: Iterable[str | int]) -> str:
    """The condition that an attribute has one of these values."""
    return " or ".join(f"{attribute}={literal(value)}" for value in values)


def change_indicator(links: Iterable[Link]) -> str:
    """The version of an item for `If-Match`; empty where its links were left out."""
    own = next((one for one in links if one.rel == "self"), Link())
    return str(own.properties.get("changeIndicator") or "")


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
