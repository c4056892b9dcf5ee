"""Takes the fields out of a request's body: names, kinds and references are checked, rules come later."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.refusals import Refusal, invalid, unknown_field, user_error
from sandboxes.netsuite.schema.entities import ADDRESS_ENTRY
from sandboxes.netsuite.schema.model import Field, RecordType

Unknown = Callable[[Refusal], None]
"""What to do about a name that the record type does not have."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CUSTOM = ("custbody_", "custcol_", "custentity_", "custitem_")
CUSTOM_PRICE = "-1"
_MOST_LINES = 5000
_IGNORED = frozenset({"id", "links", "refName"})


class Content:
    """The content of one request.

    Args:
        records: Finds what references name.
        unknown: Gets a refusal per unknown name, and raises it or notes it.
    """

    def __init__(self, records: Records, unknown: Unknown) -> None:
        self._records, self._unknown = records, unknown

    def read(self, record_type: RecordType, body: object) -> Document:
        """The fields of a body, as documents keep them.

        Raises:
            Refusal: INVALID_CONTENT, NONEXISTENT_FIELD or USER_ERROR, with the path of the field.
        """
        return self._fields(record_type.by_name, body, "")

    def _fields(self, known: dict[str, Field], body: object, path: str) -> Document:
        if not isinstance(body, dict):
            raise invalid(path.rpartition(".")[2] or "body", path)
        taken: Document = {}
        sent: dict[str, Any] = body  # pyright: ignore[reportUnknownVariableType] - JSON
        for name, value in sent.items():
            here = f"{path}.{name}" if path else name
            field = known.get(name)
            if field is None:
                if name.startswith(_CUSTOM):
                    taken[name] = _custom(value)
                elif name not in _IGNORED:
                    self._unknown(unknown_field(name, here))
            elif field.kind == "sublist":
                taken[name] = self._lines(field, value, here)
            elif not field.fixed or name in ("id", "line"):
                taken[name] = self._value(field, value, here)
        return taken

    def _lines(self, field: Field, value: Any, path: str) -> list[Document]:
        lines: object = cast(dict[str, Any], value).get("items") if isinstance(value, dict) else value
        if not isinstance(lines, list):
            raise invalid(field.name, path)
        each = cast(list[object], lines)
        if len(each) > _MOST_LINES:
            raise user_error(f"A record has at most {_MOST_LINES} lines.", path)
        return [self._fields(field.by_name, line, f"{path}.items[{at}]") for at, line in enumerate(each)]

    def _value(self, field: Field, value: Any, path: str) -> Any:
        if value is None:
            return None
        if field.kind == "subrecord":
            return self._fields(field.by_name, value, path)
        if field.kind == "reference":
            return self._reference(field, value, path)
        if field.kind == "select":
            chosen = str(value.get("id", "")) if isinstance(value, dict) else str(value)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            if chosen not in field.choices:
                raise invalid(field.name, path)
            return chosen
        return _scalar(field, value, path)

    def _reference(self, field: Field, value: Any, path: str) -> str | None:
        sent = cast(dict[str, Any], value) if isinstance(value, dict) else {"id": value}
        if external_id := sent.get("externalId"):
            found = self._records.by_external_id(field.target, str(external_id))
        elif (field.target, str(sent.get("id"))) == ("priceLevel", CUSTOM_PRICE):
            return CUSTOM_PRICE  # no record: a price typed in
        elif field.target == ADDRESS_ENTRY:
            return str(sent.get("id"))  # the order's rule knows whose address book it is
        elif field.target == "transaction":
            pair = self._records.transaction(sent.get("id"))
            found = pair[1] if pair else None
        else:
            found = self._records.get(field.target, sent.get("id"))
        if found is None:
            raise invalid(field.name, path)
        return str(found["id"])


def _custom(value: Any) -> Any:
    """A custom field, which this account takes under any name: text, numbers and yes or no; of a list the id."""
    return str(cast(dict[str, Any], value).get("id", "")) if isinstance(value, dict) else value


def _scalar(field: Field, value: Any, path: str) -> Any:
    if field.kind == "boolean":
        if not isinstance(value, bool):
            raise invalid(field.name, path)
        return value
    if field.kind in ("integer", "number"):
        return _number(field, value, path)
    if isinstance(value, dict | list | bool):
        raise invalid(field.name, path)
    text = str(cast(object, value))
    if field.kind == "date":
        if not _DAY.fullmatch(text[:10]) or not _is_day(text[:10]):
            raise invalid(field.name, path)
        return text[:10]
    if field.most and len(text) > field.most:
        raise user_error(
            f"The field {field.name} contained more than the maximum number ( {field.most} ) of characters allowed.",
            path,
        )
    return text


def _number(field: Field, value: Any, path: str) -> Decimal | int:
    if isinstance(value, bool | dict | list):
        raise invalid(field.name, path)
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        raise invalid(field.name, path) from None
    if not read.is_finite():
        raise invalid(field.name, path)
    return int(read) if field.kind == "integer" else read


def _is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
