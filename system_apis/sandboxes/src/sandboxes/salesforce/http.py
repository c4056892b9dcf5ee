"""Requests and responses as values, shared by the outer door and the subrequests of composite calls."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct

from sandboxes.salesforce.faults import json_error

JSON = "application/json;charset=UTF-8"


class Request(Struct):
    """One request; header names in lower case, query parameters decoded.

    Attributes:
        method: Upper case.
        path: Path as sent, still percent-encoded, without the query and without trailing slashes.
        query: Query parameters, the last of a name wins.
        headers: Header values by lower-case name.
        body: Raw bytes, already decompressed.
        origin: Scheme and host the client used, e.g. http://127.0.0.1:41001.
        content: The decoded body of a subrequest, which never was bytes.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    origin: str
    content: Any = UNSET

    def json(self) -> Any:
        """The body as JSON; ApiError JSON_PARSER_ERROR if it is none."""
        if self.content is not UNSET:
            return self.content
        if not self.body:
            raise json_error("No content to map to Object due to end of input")
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise json_error(f"Unexpected character or end of input: {error}") from None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object."""
        decoded = self.json()
        if not isinstance(decoded, dict):
            raise json_error("Can not deserialize: expected an object at [line:1, column:1]")
        return decoded  # pyright: ignore[reportUnknownVariableType]


def objects(envelope: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A required list of objects of an envelope; ApiError JSON_PARSER_ERROR if it is anything else."""
    found = envelope.get(name)
    if not isinstance(found, list):
        raise json_error(f"Missing or malformed property '{name}': expected a list")
    entries: list[Any] = found  # pyright: ignore[reportUnknownVariableType]
    if not all(isinstance(entry, dict) for entry in entries):
        raise json_error(f"Malformed property '{name}': expected objects in the list")
    return entries


def object_of(entry: dict[str, Any], name: str) -> dict[str, Any]:
    """An optional object inside an object, empty if it is missing or anything else."""
    found = entry.get(name)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


class Response(Struct):
    """One response; `body` is a JSON value, bytes to send as they are, or None for an empty body."""

    status: int
    body: object = None
    headers: dict[str, str] = {}
    content_type: str = JSON


def saved(record_id: str, **more: object) -> dict[str, object]:
    """The result of a save that went well."""
    errors: list[object] = []
    return {"id": record_id, "success": True, "errors": errors, **more}
