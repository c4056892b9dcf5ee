"""How EasyPost says no (docs.easypost.com/docs/errors)."""

from sandboxes.kit import Response


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that is an error: HTTP status, EasyPost's code and message, and what is wrong by field."""

    def __init__(self, status: int, code: str, message: str, errors: list[dict[str, str | None]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.errors = status, code, message, errors or []

    def response(self) -> Response:
        """The error as it goes over the wire."""
        error = {"code": self.code, "message": self.message, "errors": self.errors}
        retry = {"retry-after": "1"} if self.status == 429 else {}  # noqa: PLR2004 - HTTP
        return Response({"error": error}, self.status, retry, "application/json; charset=utf-8")


def missing(field: str) -> Refusal:
    """A required parameter is not there."""
    return Refusal(
        422,
        "PARAMETER.REQUIRED",
        "Missing required parameter.",
        [{"field": field, "message": "cannot be blank"}],
    )


def not_found() -> Refusal:
    """No such object or path."""
    return Refusal(404, "NOT_FOUND", "The requested resource could not be found.")
