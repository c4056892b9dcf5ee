"""Shows records as the REST record service does: links, references with names, sublists on request."""

from typing import Any
from urllib.parse import quote

from sandboxes.netsuite.records.merging import line_key
from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.schema.entities import ADDRESS_ENTRY
from sandboxes.netsuite.schema.model import Field, RecordType


class Showing:
    """Records in JSON.

    Args:
        records: Where names of references come from.
        base: URL of the record service, e.g. `http://host/services/rest/record/v1`.
    """

    def __init__(self, records: Records, base: str) -> None:
        self._records, self._base = records, base
        self._names: dict[tuple[str, str], str] = {}

    def record(
        self, record_type: RecordType, document: Document, *, expand: bool = False, only: frozenset[str] = frozenset()
    ) -> Document:
        """A record; `only` limits its fields, `expand` shows sublists and subrecords in place."""
        url = self.url(record_type, document)
        shown: Document = {"links": [link("self", url)]}
        for field in record_type.fields:
            if only and field.name not in only:
                continue
            shown |= self._field(field, document.get(field.name), url, expand=expand)
        custom = {
            name: value for name, value in document.items() if name.startswith("cust") and (not only or name in only)
        }
        return shown | custom | {"id": str(document["id"])}

    def url(self, record_type: RecordType, document: Document) -> str:
        """Where the record is."""
        return f"{self._base}/{record_type.name}/{document['id']}"

    def line(self, field: Field, line: Document, url: str, *, expand: bool = False) -> Document:
        """A line of a sublist, under the URL of its sublist."""
        here = f"{url}/{quote(line_key(field, line), safe='=,')}"
        shown: Document = {"links": [link("self", here)]}
        for inner in field.inner:
            shown |= self._field(inner, line.get(inner.name), here, expand=expand)
        return shown

    def lines(self, field: Field, lines: list[Document], url: str, *, expand: bool) -> Document:
        """A sublist: its lines, or links to them."""
        shown = [
            self.line(field, line, url, expand=True)
            if expand
            else {"links": [link("self", f"{url}/{quote(line_key(field, line), safe='=,')}")]}
            for line in lines
        ]
        return {
            "links": [link("self", url)],
            "items": shown,
            "count": len(shown),
            "hasMore": False,
            "offset": 0,
            "totalResults": len(shown),
        }

    def subrecord(self, field: Field, value: Document, url: str) -> Document:
        """A subrecord in full."""
        shown: Document = {"links": [link("self", url)]}
        for inner in field.inner:
            shown |= self._field(inner, value.get(inner.name), url, expand=True)
        return shown

    def _field(self, field: Field, value: Any, url: str, *, expand: bool) -> Document:
        here = f"{url}/{field.name}"
        if field.kind == "sublist":
            return {field.name: self.lines(field, value or [], here, expand=True) if expand else _linked(here)}
        if value is None:
            return {}
        if field.kind == "subrecord":
            return {field.name: self.subrecord(field, value, here) if expand else _linked(here)}
        if field.kind == "reference":
            return {field.name: self._reference(field, str(value))}
        if field.kind == "select":
            return {field.name: {"id": str(value), "refName": field.choices.get(str(value), "")}}
        if field.kind == "number":
            return {field.name: float(value)}
        return {field.name: value}

    def _reference(self, field: Field, key: str) -> Document:
        name = self._names.get((field.target, key))
        if name is None:
            name = self._names[field.target, key] = self._records.shown(field.target, key)
        links = [] if field.target == ADDRESS_ENTRY else [link("self", self._target(field, key))]
        return {"links": links, "id": key, "refName": name}

    def _target(self, field: Field, key: str) -> str:
        target = field.target
        if target == "transaction" and (found := self._records.transaction(key)):
            target = found[0].name
        return f"{self._base}/{target}/{key}"


def link(rel: str, href: str) -> dict[str, str]:
    """A link object."""
    return {"rel": rel, "href": href}


def _linked(url: str) -> Document:
    return {"links": [link("self", url)]}
