"""Rows as flat maps of values by field path, and as the nested JSON of the API."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from shared.binding.problems import FieldError, Invalid
from shared.contracts.system.salesforce_platform import FieldValue

Json = dict[str, Any]
Flat = dict[str, FieldValue]


def nested(fields: Mapping[str, Any]) -> Json:
    """A body: `Account.ERP__c` becomes `{"Account": {"ERP__c": …}}`, which names a parent by an external id.

    Raises:
        Invalid: A path names a parent's parent, or a parent twice.
    """
    body: Json = {}
    for path, value in fields.items():
        parent, _, key = path.partition(".")
        if "." in key or (key and parent in body) or path in body:
            error = FieldError(detail="Name a parent once, by one external id of its own", pointer=f"/fields/{path}")
            raise Invalid(f"{path} cannot be written.", errors=[error])
        body[parent] = {key: value} if key else value
    return body


def flat(record: Json) -> Flat:
    """Every value of a record by its path; children and attributes are left out."""
    found: Flat = {}
    _flatten(record, "", found)
    return found


def picked(record: Json, paths: Iterable[str]) -> Flat:
    """The values at some paths, None where a parent is missing; a compound field gives its parts."""
    found: Flat = {}
    for path in paths:
        value: Any = record
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        if isinstance(value, dict):
            _flatten(value, f"{path}.", found)  # pyright: ignore[reportUnknownArgumentType]
        else:
            found[path] = value
    return found


def id_of(record: Json) -> str:
    """The id of a record, from its URL where the field was not asked for."""
    if isinstance(named := record.get("Id"), str):
        return named
    attributes: Json = record.get("attributes") or {}
    return str(attributes.get("url", "")).rpartition("/")[2]


def _flatten(record: Json, prefix: str, found: Flat) -> None:
    for name, value in record.items():
        if name == "attributes" or isinstance(value, list):
            continue
        if not isinstance(value, dict):
            found[prefix + name] = value
        elif "records" not in value:
            _flatten(value, f"{prefix}{name}.", found)  # pyright: ignore[reportUnknownArgumentType]


record_decoder = msgspec.json.Decoder(Json)
"""Decodes one record."""
