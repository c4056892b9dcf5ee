"""Writes records and answers as XML."""

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.schema.model import Field, RecordType
from sandboxes.netsuite.soap.names import choices, list_name, namespace, type_name

XML = '<?xml version="1.0" encoding="UTF-8"?>'
_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32)))
_CODES = {
    "NONEXISTENT_ID": ("RCRD_DSNT_EXIST", "That record does not exist."),
    "INVALID_CONTENT": ("INVALID_KEY_OR_REF", ""),
    "NONEXISTENT_FIELD": ("INVALID_FLD_VALUE", ""),
    "INSUFFICIENT_PERMISSION": ("INSUFFICIENT_PERMISSION", ""),
}


class Writing:
    """The XML of one version.

    Args:
        records: Where names of references come from.
        version: E.g. `2024_2`.
    """

    def __init__(self, records: Records, version: str) -> None:
        self._records, self._version = records, version
        self.core = f'xmlns:platformCore="{namespace(version, "core")}"'

    def record(self, record_type: RecordType, document: Document, *, body_only: bool = False) -> str:
        """A `record` element; `body_only` leaves sublists out."""
        uri = namespace(self._version, *record_type.package)
        keys = f" internalId={quoteattr(str(document['id']))}" if document.get("id") else ""
        if document.get("externalId"):
            keys += f" externalId={quoteattr(str(document['externalId']))}"
        fields = "".join(
            self._field(field, document.get(field.name))
            for field in record_type.fields
            if field.name != "externalId" and not (body_only and field.kind == "sublist")
        )
        return f'<record xmlns:r="{uri}"{keys} xsi:type="r:{type_name(record_type)}">{fields}</record>'

    def reference(self, name: str, record_type: str, document: Document) -> str:
        """A `RecordRef` to a record."""
        keys = f" internalId={quoteattr(str(document['id']))}"
        if document.get("externalId"):
            keys += f" externalId={quoteattr(str(document['externalId']))}"
        return f'<{name} {self.core} xsi:type="platformCore:RecordRef"{keys} type="{record_type}"/>'

    def status(self, refusal: Refusal | None = None) -> str:
        """Success, or what was refused."""
        if refusal is None:
            return f'<platformCore:status {self.core} isSuccess="true"/>'
        code, message = _CODES.get(refusal.code, (refusal.code, ""))
        where = f" ({refusal.path})" if refusal.path and not message else ""
        said = text_of(message or f"{refusal.detail}{where}")
        return (
            f'<platformCore:status {self.core} isSuccess="false"><platformCore:statusDetail type="ERROR">'
            f"<platformCore:code>{code}</platformCore:code><platformCore:message>{said}</platformCore:message>"
            "</platformCore:statusDetail></platformCore:status>"
        )

    def _field(self, field: Field, value: Any, prefix: str = "r") -> str:
        if value is None or (field.kind == "sublist" and not value):
            return ""
        name = f"{prefix}:{field.soap_name}"
        if field.kind == "sublist":
            lines = "".join(f"<{name}>{self._inner(field, line, prefix)}</{name}>" for line in value)
            return f'<{prefix}:{list_name(field)} replaceAll="true">{lines}</{prefix}:{list_name(field)}>'
        if field.kind == "subrecord":
            uri = namespace(self._version, "common")
            return f'<{name} xmlns:a="{uri}">{self._inner(field, value, "a")}</{name}>'
        if field.kind == "reference":
            shown = text_of(self._records.shown(field.target, str(value)))
            return f'<{name} {self.core} internalId="{value}"><platformCore:name>{shown}</platformCore:name></{name}>'
        return f"<{name}>{text_of(_scalar(field, value))}</{name}>"

    def _inner(self, field: Field, value: Document, prefix: str) -> str:
        return "".join(self._field(one, value.get(one.name), prefix) for one in field.inner)


def text_of(text: str) -> str:
    """Text as XML may hold it."""
    return escape(text.translate(_FORBIDDEN))


def _scalar(field: Field, value: Any) -> str:
    if field.kind == "boolean":
        return "true" if value else "false"
    if field.kind == "select":
        return field.choices.get(str(value), "") if field.name == "status" else choices(field).get(str(value), "")
    if field.kind == "date":
        return f"{value}T00:00:00.000Z"
    if field.kind == "dateTime":
        return str(value).replace("Z", ".000Z")
    return str(value)
