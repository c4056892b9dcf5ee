"""How Marketo says no (experienceleague.adobe.com, "Error codes"): a number in quotes and a sentence."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that is not carried out, or a record of a batch that is skipped."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def error(self) -> Mapping[str, str]:
        """As it stands in `errors` or `reasons`."""
        return {"code": str(self.code), "message": self.message}


class HttpRefusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that is refused by status, as only too long ones and the identity endpoint do."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def blank(name: str) -> Refusal:
    """A parameter is missing."""
    return Refusal(1002, f"Missing value for required parameter '{name}'")


def invalid(name: str, wanted: str) -> Refusal:
    """A parameter is of another type."""
    return Refusal(1001, f"Invalid value '{name}'. Required of type '{wanted}'")
