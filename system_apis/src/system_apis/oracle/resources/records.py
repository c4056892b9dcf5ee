"""Items of the REST framework as records, and changes as what it reads; pure functions.

Source: REST API for Oracle Fusion Cloud, "Manage resource items", "Batch execution", "Manage date-effective objects".
"""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

import msgspec

from shared.binding.problems import BackendFault, FieldError
from shared.contracts.system.oracle_fusion import EffectiveRange, FieldsTold, OracleChange, OracleRecord, OracleRefused
from system_apis.oracle.error_messages import Message
from system_apis.oracle.resources.questions import record_path
from system_apis.oracle.rest import Link, Part, change_indicator

METHODS = {"create": "POST", "upsert": "POST", "update": "PATCH", "replace": "PUT", "delete": "DELETE"}
_NEW = frozenset({"create", "upsert"})
_LINKS = "links"
_PAGE = frozenset({"items", "count", "hasMore", "limit", "offset", "totalResults", _LINKS})
_DEPTH = 3
"""Levels of children below a record."""


class Item(msgspec.Struct, frozen=True):
    """An item as its envelope, whatever its attributes are."""

    links: list[Link] = []


def record(body: msgspec.Raw | bytes) -> OracleRecord:
    """An item with its children as arrays; its key and version are told by its own link.

    Raises:
        BackendFault: It is no item.
    """
    try:
        links = msgspec.json.decode(body, type=Item).links
        document = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BackendFault("Oracle answered a record that is none.") from None
    own = next((one for one in links if one.rel == "self"), Link())
    return OracleRecord(unquote(own.href.rpartition("/")[2]), told(document), change_indicator(links))


def told(document: Mapping[str, Any]) -> FieldsTold:
    """Attributes and children without links, collections as arrays."""
    return cast("FieldsTold", _told(document, _DEPTH))


def path_of(change: OracleChange) -> str:
    """Where a change goes, below the version root."""
    return record_path(change.resource, change.key, change.child, change.child_key)


def part_of(place: int, change: OracleChange) -> Part:
    """A change as a part of a batch."""
    payload = None if change.action == "delete" else change.fields
    return Part(f"p{place}", path_of(change), change.action, payload, change.version)


def place_of(message: Message) -> str | None:
    """Where in the request the attribute is that a message is about; parts are numbered by `part_of`."""
    number = message.part[1:] if message.part[1:].isdigit() else "0"
    path = message.path if message.path.startswith("/") else ""
    return f"/changes/{number}" + (f"/fields{path}" if path else "")


def headers_of(change: OracleChange) -> dict[str, str]:
    """What a change says beside its body, where it goes alone."""
    headers = {"if-match": change.version} if change.version else {}
    if change.action == "upsert":
        headers["upsert-mode"] = "true"
    if change.effective is not None:
        headers["effective-of"] = _range(change.effective)
    return headers


def is_repeatable(change: OracleChange) -> bool:
    """Whether making it twice is harmless: not what makes another record, nor what needs the version it changes.

    Fusion makes children that name no key anew each time, so a change that brings any goes once.
    """
    made_again = change.action in ("create", "delete") or change.effective is not None
    nested = any(isinstance(one, list) for one in change.fields.values())
    return not (made_again or nested or change.version)


def check(changes: list[OracleChange]) -> None:
    """Refuse what names no record, or one too many.

    Raises:
        OracleRefused: Says everything that is wrong.
    """
    errors = [error for place, one in enumerate(changes) for error in _wrong(one, f"/changes/{place}")]
    if len(changes) > 1:
        errors += [
            FieldError("A change for a range of days must be the only one of its request.", f"/changes/{place}")
            for place, one in enumerate(changes)
            if one.effective is not None
        ]
    if errors:
        raise OracleRefused("The changes cannot be made as they are; see `errors`.", errors=errors)


def _wrong(change: OracleChange, pointer: str) -> list[FieldError]:
    key, name = (change.child_key, "childKey") if change.child else (change.key, "key")
    wrong: list[FieldError] = []
    if change.child and not change.key:
        wrong.append(FieldError("A child's record has another above it: give its `key`.", f"{pointer}/key"))
    if change.child_key and not change.child:
        wrong.append(FieldError("Say of which `child` this key is.", f"{pointer}/child"))
    if change.action in _NEW and key:
        wrong.append(FieldError(f"What is made has no key yet; drop it, or {_OTHER}.", f"{pointer}/{name}"))
    if change.action not in _NEW and not key:
        wrong.append(FieldError(f"Say which record: the {name} that it told.", f"{pointer}/{name}"))
    return wrong


_OTHER = "name the record to be changed by `update`"


def _range(effective: EffectiveRange) -> str:
    named = {
        "RangeStartDate": effective.start,
        "RangeEndDate": effective.end,
        "RangeMode": effective.mode,
        "RangeSpan": effective.span,
    }
    return ";".join(f"{name}={value}" for name, value in named.items() if value is not None)


def _told(document: Mapping[str, Any], depth: int) -> dict[str, Any]:
    return {name: _value(one, depth) for name, one in document.items() if name != _LINKS}


def _value(value: Any, depth: int) -> Any:
    """A scalar as it is, records as an array, and anything else as JSON text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    rows: Any = [value] if isinstance(value, dict) else value
    if isinstance(value, dict) and cast("dict[str, Any]", value).keys() <= _PAGE and "items" in value:
        rows = cast("dict[str, Any]", value)["items"]
    if depth and isinstance(rows, list) and all(isinstance(one, dict) for one in cast("list[Any]", rows)):
        return [_told(one, depth - 1) for one in cast("list[dict[str, Any]]", rows)]
    return msgspec.json.encode(value).decode()
