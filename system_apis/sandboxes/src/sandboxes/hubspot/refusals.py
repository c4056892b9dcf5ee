"""How HubSpot says no (developers.hubspot.com, "Error handling")."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sandboxes.kit import Response


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that is an error: HTTP status, HubSpot's category and message, and what belongs to them."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.category, self.message = status, category, message
        self.errors, self.headers, self.more = list(errors), dict(headers or {}), more

    def response(self) -> Response:
        """The error as it goes over the wire."""
        body = {"status": "error", "message": self.message, "correlationId": str(uuid.uuid4()), **self.more}
        if self.errors:
            body["errors"] = self.errors
        return Response({**body, "category": self.category}, self.status, self.headers)

    def part(self, context: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The error as one of a batch."""
        return {"status": "error", "category": self.category, "message": self.message, "context": context}


def invalid(message: str) -> Refusal:
    """The request is not shaped as it should be."""
    return Refusal(400, "VALIDATION_ERROR", message)


def not_found() -> Refusal:
    """No such object."""
    return Refusal(404, "OBJECT_NOT_FOUND", "resource not found")


def invalid_property(name: str, error: str, message: str) -> Refusal:
    """A property that does not exist or a value that it does not take; HubSpot packs JSON into its message."""
    found = [{"isValid": False, "message": message, "error": error, "name": name, "localizedErrorMessage": message}]
    packed = msgspec.json.encode(found).decode()
    detail = {"message": message, "code": error, "context": {"propertyName": [name]}}
    return Refusal(400, "VALIDATION_ERROR", f"Property values were not valid: {packed}", errors=[detail])


def duplicate(existing: str) -> Refusal:
    """A unique value is taken."""
    return Refusal(409, "CONFLICT", f"Contact already exists. Existing ID: {existing}")
