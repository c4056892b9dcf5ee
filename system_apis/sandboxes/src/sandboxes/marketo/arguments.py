"""What a request says: in its query, in a form, in JSON, in paging tokens."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sandboxes.kit import Request
from sandboxes.marketo.refusals import Refusal, invalid

Document = dict[str, Any]
Answer = Callable[[Request, dict[str, str]], Awaitable[Document]]
PAGE = 300


def arguments(request: Request) -> dict[str, str]:
    """The query, and a form in the body beside it; a name that repeats stands for a list between commas."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = request.body.decode("utf-8", "replace") if kind == "application/x-www-form-urlencoded" else ""
    found: dict[str, str] = {}
    for name, value in (
        *parse_qsl(request.query_string, keep_blank_values=True),
        *parse_qsl(form, keep_blank_values=True),
    ):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def body(request: Request) -> Document:
    """The body, an object in JSON."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(612, "Invalid Content Type")
    try:
        return msgspec.json.decode(request.body, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(609, "Invalid JSON") from None


def fields(asked: dict[str, str]) -> list[list[str]]:
    """The fields asked for, as arguments; none for the usual ones."""
    return [asked["fields"].split(",")] if asked.get("fields") else []


def whole(text: str, name: str) -> int:
    """A whole number."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):  # noqa: PLR2004 - 64 bits
        raise invalid(name, "integer")
    return int(text)


def numbers(asked: dict[str, str], name: str, most: int) -> list[int]:
    """Whole numbers between commas."""
    found = [whole(each, name) for each in (asked.get(name) or "").split(",") if each]
    if len(found) > most:
        raise Refusal(1003, f"Too many values of '{name}', the most are {most}")
    return found


def token(since: str, place: int) -> str:
    """A paging token: a moment, and the last place read."""
    return base64.b32encode(f"{place}|{since}".encode()).decode()


def place(token: str) -> int:
    """The place of a token; the first without one."""
    return since(token)[1] if token else 0


def since(token: str) -> tuple[str, int]:
    """What a token says."""
    try:
        place, _, since = base64.b32decode(token).decode().partition("|")
        return since, int(place)
    except ValueError:
        raise Refusal(1003, "Invalid nextPageToken") from None
