"""The messages in an error, however it is written: as text, as a text in JSON, or as a document with details.

A document's details are a list of objects; single objects, bare texts and messages that are objects themselves
are read too, since gateways in front of Oracle and older services write them so. What cannot be read says nothing.
"""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

_MOST = 20
_WORDS = ("detail", "message", "value", "title")
"""Where words are found, best first."""


class Message(msgspec.Struct, frozen=True):
    """One message of an error; `path` names the attribute it is about, `part` the part of a batch."""

    text: str = ""
    code: str = ""
    path: str = ""
    part: str = ""


def read_messages(body: bytes) -> list[Message]:
    """Every message of an error; of a batch, those of the first part that failed. None where the body is a page."""
    body = body.strip()
    if not body or body.startswith(b"<"):
        return []
    if body[:1] not in b'{["':
        return [Message(body.decode("utf-8", "replace"))]
    try:
        return _found(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def failed_part(body: bytes) -> dict[str, Any] | None:
    """The error of a batch of which a part failed, whatever the status of the answer was."""
    try:
        document: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return next((_object(one.get("error")) for one in _failed(document)), None)


def _found(document: Any) -> list[Message]:
    failed = next(_failed(document), None)
    error: Any = failed.get("error") if failed else document
    part = str(failed.get("id") or "") if failed else ""
    details: Any = _object(error).get("o:errorDetails")
    if isinstance(details, dict):
        details = [details]
    rows = cast("list[Any]", details)[:_MOST] if isinstance(details, list) else []
    return [_message(one, part) for one in rows] or [_message(error, part)]


def _failed(document: Any) -> Iterator[dict[str, Any]]:
    parts: Any = _object(document).get("parts")
    for one in cast("list[Any]", parts) if isinstance(parts, list) else []:
        if _object(one).get("error") is not None:
            yield one


def _message(told: Any, part: str) -> Message:
    row = _object(told)
    code, path = row.get("o:errorCode") or row.get("code"), row.get("o:errorPath")
    return Message(_words(told), _text(code), _text(path), part)


def _words(told: Any, depth: int = 3) -> str:
    """The words of a message that is a text, or an object that holds one somewhere."""
    if isinstance(told, str):
        return told
    row = _object(told)
    return next((words for name in _WORDS if depth and (words := _words(row.get(name), depth - 1))), "")


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
