"""Refusals, as plain text (framework versions 1 to 3) or as error documents (4 and later, or when asked for)."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from sandboxes.kit import Response

ERROR_JSON = "application/vnd.oracle.adf.error+json"


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that is wrong: words, message code, and where (a JSON pointer)."""

    text: str
    code: str = ""
    path: str = ""


class RestError(Exception):
    """A request is refused.

    Args:
        status: HTTP status.
        details: What is wrong; at least one.
        headers: More headers of the answer.
    """

    def __init__(self, status: int, *details: Detail, headers: dict[str, str] | None = None) -> None:
        super().__init__(details[0].text)
        self.status, self.details, self.headers = status, details, headers or {}


def refuse(status: int, text: str, code: str = "", path: str = "") -> RestError:
    """A refusal with one detail."""
    return RestError(status, Detail(text, code, path))


def error_document(status: int, details: Sequence[Detail]) -> dict[str, object]:
    """The document; its status is text."""
    shown: list[dict[str, str]] = []
    for one in details:
        named = {"detail": one.text, "o:errorCode": one.code, "o:errorPath": one.path}
        shown.append({name: text for name, text in named.items() if text})
    return {"title": HTTPStatus(status).phrase, "status": str(status), "o:errorDetails": shown}


def error_response(error: RestError, *, as_json: bool) -> Response:
    """The answer to a refused request."""
    if as_json:
        return Response(error_document(error.status, error.details), error.status, error.headers, ERROR_JSON)
    text = "\n".join(one.text for one in error.details)
    return Response(text, error.status, error.headers, "text/plain")
