"""From a line of CSV to the body of a save: which column sets which field, and what its text means."""

from collections.abc import Callable
from typing import Any

from sandboxes.salesforce.bulk.csv_text import NULL
from sandboxes.salesforce.faults import ApiError, bad_field
from sandboxes.salesforce.schema import NUMBERS, Field, SObject

Body = dict[str, Any]
Put = Callable[[Body, str], None]
_LONGEST = 32_000
_MOST_COLUMNS = 5_000


class HeaderRefused(Exception):  # noqa: N818 - the job fails, with this for its error message
    """The header names what the object has not."""


def setters(sobject: SObject, header: list[str]) -> list[Put]:
    """How to put each column into a body; raises HeaderRefused."""
    if len(header) > _MOST_COLUMNS:
        raise HeaderRefused(f"InvalidBatch : Too many columns: {len(header)}, at most {_MOST_COLUMNS}")
    lowered = [name.lower() for name in header]
    for name in header:
        if lowered.count(name.lower()) > 1:
            raise HeaderRefused(f"InvalidBatch : Duplicate column: {name}")
    return [_setter(sobject, name) for name in header]


def _setter(sobject: SObject, name: str) -> Put:
    if "." in name:
        return _by_parent(sobject, name)
    field = sobject.fields.get(name.lower())
    if field is None:
        raise HeaderRefused(f"InvalidBatch : Field name not found : {name}")
    read = _reader(field)

    def put(body: Body, text: str) -> None:
        if text:
            body[field.name] = None if text == NULL else read(text)

    return put


def _by_parent(sobject: SObject, name: str) -> Put:
    """`Account.ERP_Customer_Number__c`, `Owner:User.Username`: the parent by one of its external ids."""
    relationship, _, key = name.partition(".")
    relationship = relationship.partition(":")[0]
    if relationship.lower() not in sobject.parents:
        raise HeaderRefused(f"InvalidBatch : Field name not found : {name}")

    def put(body: Body, text: str) -> None:
        if text == NULL:
            body[sobject.parents[relationship.lower()].name] = None
        elif text:
            body[relationship] = {key: text}

    return put


def _reader(field: Field) -> Callable[[str], Any]:
    if field.type in NUMBERS:
        return lambda text: _number(field, text)
    if field.type == "boolean":
        return lambda text: _boolean(field, text)
    return lambda text: _text(field, text)


def _number(field: Field, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _wrong_type(field, text) from None


def _boolean(field: Field, text: str) -> bool:
    lowered = text.lower()
    if lowered in ("true", "1", "yes"):
        return True
    if lowered in ("false", "0", "no"):
        return False
    raise _wrong_type(field, text)


def _text(field: Field, text: str) -> str:
    if len(text) > _LONGEST:
        message = f"{field.label}: data value too large (max length={_LONGEST})"
        raise bad_field("STRING_TOO_LONG", message, field.name)
    return text


def _wrong_type(field: Field, text: str) -> ApiError:
    message = f"{field.label}: value not of required type: {text}"
    return bad_field("INVALID_TYPE_ON_FIELD_IN_RECORD", message, field.name)
