"""Change events: which fields changed, who did it, and what has to be read again (Change Data Capture Guide)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, cast

import msgspec

from shared.contracts.system.salesforce_events import ChangeEvent, ChangeTransaction, Reread
from system_apis.salesforce.events.schemas import EventSchema, parts_of

HEADER = "ChangeEventHeader"
_FIELD_LISTS = ("nulledFields", "diffFields", "changedFields")


class _Header(msgspec.Struct, rename="camel"):
    entity_name: str
    record_ids: list[str]
    change_type: str
    transaction_key: str
    sequence_number: int
    commit_timestamp: int
    commit_number: int
    commit_user: str
    change_origin: str = ""
    nulled_fields: list[str] = []
    diff_fields: list[str] = []
    changed_fields: list[str] = []


def names_of(schema: EventSchema, bitmaps: Iterable[str]) -> list[str]:
    """The names that bitmaps stand for: `0x2A` → fields 1, 3 and 5; `3-0x2` → part 1 of field 3, `Name.FirstName`.

    Raises:
        ValueError: One is no bitmap of this schema.
    """
    found: list[str] = []
    for bitmap in bitmaps:
        outer, _, digits = bitmap.rpartition("-")
        try:
            parent = schema.fields[int(outer)] if outer else None
            fields = schema.fields if parent is None else parts_of(parent)
            prefix = "" if parent is None else f"{parent['name']}."
            bits = int(digits, 16)
            found += [f"{prefix}{fields[at]['name']}" for at in range(bits.bit_length()) if bits >> at & 1]
        except (ValueError, IndexError):
            raise ValueError(f"{bitmap[:40]} is no bitmap of {schema.name}") from None
    return found


def with_names(schema: EventSchema, body: dict[str, Any]) -> dict[str, Any]:
    """A change event's body, its header naming fields instead of counting them; others stay as they are."""
    header = body.get(HEADER)
    if not isinstance(header, dict):
        return body
    named = {name: names_of(schema, header.get(name) or ()) for name in _FIELD_LISTS}  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return {**body, HEADER: {**header, **named}}


def change_of(body: dict[str, Any]) -> ChangeEvent:
    """A change event out of its body; ValueError when its header is not one."""
    try:
        header = msgspec.convert(body[HEADER], _Header)
    except (KeyError, msgspec.ValidationError) as error:
        raise ValueError(f"its header cannot be read: {error}") from None
    return ChangeEvent(
        entity=header.entity_name,
        kind=header.change_type,
        record_ids=header.record_ids,
        fields=_told({name: value for name, value in body.items() if name != HEADER}),
        changed=header.changed_fields,
        nulled=header.nulled_fields,
        differing=header.diff_fields,
        reread=_reread(header.change_type),
        origin=header.change_origin,
        transaction_key=header.transaction_key,
        sequence_number=header.sequence_number,
        commit_number=header.commit_number,
        committed=datetime.fromtimestamp(header.commit_timestamp / 1000, UTC),
        user_id=header.commit_user,
    )


def is_made_by(change: ChangeEvent, client: str) -> bool:
    """Whether a change came through an API from the client that sends this name in `Sforce-Call-Options`."""
    _, found, name = change.origin.rpartition(";client=")
    return bool(found) and name == client


def transactions(changes: Iterable[ChangeEvent]) -> list[ChangeTransaction]:
    """Changes by the transaction that made them, in the order they were committed.

    A channel of one object leaves the numbers of other objects out, and the last transaction may go on in what is read
    next: Salesforce marks no end.
    """
    groups = groupby(changes, key=lambda change: change.transaction_key)
    return [ChangeTransaction(key, sorted(group, key=_sequence)) for key, group in groups]


def _told(body: dict[str, Any]) -> dict[str, Any]:
    """What has a value: Avro gives every field of a schema, and every part of a nested one."""
    inner = {
        name: _told(cast("dict[str, Any]", each)) if isinstance(each, dict) else each for name, each in body.items()
    }
    return {name: value for name, value in inner.items() if value is not None}


def _sequence(change: ChangeEvent) -> int:
    return change.sequence_number


def _reread(kind: str) -> Reread:
    if kind == "GAP_OVERFLOW":
        return "object"
    return "records" if kind.startswith("GAP_") else "nothing"


def changed_records(changes: Sequence[ChangeEvent]) -> list[str]:
    """The ids that gaps among these changes ask to be read again, each once."""
    return list(dict.fromkeys(each for change in changes if change.reread == "records" for each in change.record_ids))
