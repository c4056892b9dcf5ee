"""Puts the changes of a request into a record: fields replace fields, lines find their lines by key."""

from collections.abc import Collection

from sandboxes.netsuite.records.store import Document
from sandboxes.netsuite.schema.model import Field, RecordType


def merged(record_type: RecordType, old: Document, changes: Document, replaced: Collection[str] = ()) -> Document:
    """The record with its changes; the lines of the sublists in `replaced` are as sent, nothing of the old ones."""
    new = {**old, **{name: value for name, value in changes.items() if name != "id"}}
    for name, field in record_type.by_name.items():
        if name not in changes:
            continue
        if field.kind == "sublist" and name not in replaced:
            new[name] = _lines(field, old.get(name) or [], changes[name] or [])
        elif field.kind == "subrecord" and isinstance(changes[name], dict):
            new[name] = {**(old.get(name) or {}), **changes[name]}
    return {name: value for name, value in new.items() if value is not None}


def _lines(field: Field, old: list[Document], sent: list[Document]) -> list[Document]:
    lines = [dict(line) for line in old]
    for change in sent:
        found = next((line for line in lines if _same(field, line, change)), None)
        if found is None:
            lines.append(change)
            continue
        for name, value in change.items():
            inner = field.by_name.get(name)
            if inner is not None and inner.kind == "subrecord" and isinstance(value, dict):
                found[name] = {**(found.get(name) or {}), **value}
            else:
                found[name] = value
    return lines


def _same(field: Field, line: Document, sent: Document) -> bool:
    """Whether a sent line means this one: all key fields are there and equal."""
    return all(sent.get(name) is not None and _plain(sent[name]) == _plain(line.get(name)) for name in field.key)


def line_key(field: Field, line: Document) -> str:
    """How a URL addresses a line: the one key field, or `name=value` of each."""
    if len(field.key) == 1:
        return str(line.get(field.key[0], ""))
    return ",".join(f"{name.lower()}={_plain(line.get(name, ''))}" for name in field.key)


def _plain(value: object) -> str:
    text = str(value)
    return text.removesuffix(".0")
