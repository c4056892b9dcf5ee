"""How the pricing service says no."""

from sandboxes.kit import Response


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that is an error: HTTP status, code and message, and which lines it is about, from 0."""

    def __init__(self, status: int, code: str, message: str, lines: list[int] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.lines = status, code, message, lines or []

    def response(self) -> Response:
        """The error as it goes over the wire."""
        headers = {"cache-control": "no-store"} | ({"retry-after": "1"} if self.status == 429 else {})  # noqa: PLR2004
        return Response({"code": self.code, "message": self.message, "lines": self.lines}, self.status, headers)
