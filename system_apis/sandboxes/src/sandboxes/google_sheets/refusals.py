"""How Google says no (cloud.google.com/apis/design/errors)."""

from sandboxes.kit import Response


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that is an error."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message

    def response(self) -> Response:
        """The error as it goes over the wire."""
        error = {"code": self.code, "message": self.message, "status": self.status}
        return Response({"error": error}, self.code, media_type="application/json; charset=UTF-8")


def invalid(message: str) -> Refusal:
    """A request that makes no sense."""
    return Refusal(400, "INVALID_ARGUMENT", message)


def not_found() -> Refusal:
    """No such spreadsheet or path."""
    return Refusal(404, "NOT_FOUND", "Requested entity was not found.")
