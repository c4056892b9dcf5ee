"""Reading a request: headers, body, preferences. Everything that is refused here is refused for every operation."""

import re
import time
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from shared.binding.call_context import CallContext, Principal, Priority
from shared.binding.problems import ContentTooLarge, Invalid, NotAcceptable, UnsupportedMediaType
from shared.messaging.idempotency_key import parse_idempotency_key
from shared.telemetry.tracing import Span

MAX_BODY_BYTES = 1_048_576
MAX_QUERY_FIELDS = 64
MAX_WAIT_SECONDS = 25.0

_CORRELATION_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:~/\-]{0,127}$")
_WAIT = re.compile(r"^wait=\"?(\d{1,5}(?:\.\d{1,3})?)\"?$", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s*=\s*\"?([^\";\s]*)")
_JSON_RANGES = ("application/json", "application/*", "*/*")
_PRIORITIES: dict[str, Priority] = {"interactive": "interactive", "order": "order", "batch": "batch"}

Headers = dict[bytes, bytes]


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """ASGI header pairs by lower-case name; of a repeated header the first counts."""
    headers: Headers = {}
    for name, value in pairs:
        headers.setdefault(name, value)
    return headers


def bearer_token(headers: Headers) -> str | None:
    """The token of `Authorization: Bearer`, or None (RFC 6750 §2.1; never from the URL or the body)."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" and token else None


def require_json_accepted(headers: Headers) -> None:
    """Raises NotAcceptable when `Accept` rules JSON out (RFC 9110 §12.5.1)."""
    accept = headers.get(b"accept")
    if accept is None or accept in (b"*/*", b"application/json"):
        return
    for part in accept.decode("latin-1").split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        refused = any(re.fullmatch(r"q=0(\.0{0,3})?", parameter) for parameter in parameters)
        if media_range in _JSON_RANGES and not refused:
            return
    raise NotAcceptable("This API answers application/json; send `Accept: application/json` or leave it out.")


def require_json_body(headers: Headers) -> None:
    """Raises UnsupportedMediaType unless the body is JSON (RFC 9110 §15.5.16)."""
    content_type = headers.get(b"content-type", b"")
    if content_type != b"application/json":
        media_type, _, parameters = content_type.lower().partition(b";")
        media_type = media_type.strip()
        if media_type != b"application/json" and not media_type.endswith(b"+json"):
            raise UnsupportedMediaType("Send the body as `Content-Type: application/json`.")
        charset = _CHARSET.search(parameters)
        if charset and charset[1] != b"utf-8":  # JSON between systems is UTF-8 and nothing else (RFC 8259 §8.1)
            raise UnsupportedMediaType("Send the body in UTF-8; JSON has no other encoding (RFC 8259).")
    require_plain(headers)


def require_plain(headers: Headers) -> None:
    """Raises UnsupportedMediaType where the body is compressed."""
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding.")


def is_bare_text(headers: Headers, text_types: Collection[str]) -> bool:
    """Whether the body is text of one of these media types, and in UTF-8.

    Raises:
        UnsupportedMediaType: It is of such a type and in another encoding.
    """
    media_type, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
    if not text_types or media_type.strip().decode("latin-1") not in text_types:
        return False
    charset = _CHARSET.search(parameters)
    if charset and charset[1] != b"utf-8":
        raise UnsupportedMediaType("Send the document in UTF-8.")
    require_plain(headers)
    return True


def wrapped(text: bytes, field: str) -> bytes:
    """A document as the JSON body that holds it in this field; raises Invalid unless it is UTF-8."""
    try:
        return msgspec.json.encode({field: text.decode("utf-8-sig")})
    except UnicodeDecodeError:
        raise Invalid("The document is not UTF-8; send it in that encoding.") from None


async def read_body(headers: Headers, receive: Any, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body; raises ContentTooLarge as soon as it is known to exceed `limit` bytes."""
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > limit:
        raise ContentTooLarge(f"The body may hold at most {limit} bytes; send less.")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The connection closed before the body was complete.")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise ContentTooLarge(f"The body may hold at most {limit} bytes; send less.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def read_query(query: bytes) -> list[tuple[str, str]]:
    """Query fields in order; raises Invalid for what is not a query string."""
    if not query:
        return []
    try:
        text = query.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS)
    except (ValueError, UnicodeError):
        raise Invalid(f"The query string is not percent-encoded UTF-8 of at most {MAX_QUERY_FIELDS} fields.") from None


def read_context(headers: Headers, principal: Principal, span: Span) -> CallContext:
    """The call context a request asks for, as far as this caller may ask.

    A deadline can only be shortened, here and later; another API of ours may say how urgent the work is, a
    client from outside may only say that it can wait (`batch`).
    """
    key = headers.get(b"idempotency-key")
    correlation = headers.get(b"correlation-id", b"").decode("latin-1")
    priority = _PRIORITIES.get(headers.get(b"triptych-priority", b"").decode("latin-1"), "interactive")
    return CallContext(
        principal=principal,
        deadline=_deadline(headers.get(b"triptych-deadline-ms")),
        traceparent=span.traceparent,
        tracestate=span.tracestate,
        correlation_id=correlation if _CORRELATION_ID.match(correlation) else span.trace_id,
        idempotency_key=parse_idempotency_key(key.decode("latin-1")) if key is not None else None,
        wait=_preferred_wait(headers.get(b"prefer")),
        priority=priority if principal.actor is not None or priority == "batch" else "interactive",
    )


def _deadline(milliseconds: bytes | None) -> float | None:
    if milliseconds is None or not milliseconds.isdigit() or len(milliseconds) > 9:  # noqa: PLR2004 - 11 days
        return None
    return time.monotonic() + int(milliseconds) / 1000


def _preferred_wait(prefer: bytes | None) -> float | None:
    """`Prefer: respond-async` and `wait=n` (RFC 7240); seconds, capped, None when nothing is preferred."""
    if prefer is None:
        return None
    preferences = [part.strip() for part in re.split(r"[,;]", prefer.decode("latin-1"))]
    waits = [float(match[1]) for part in preferences if (match := _WAIT.match(part))]
    if waits:
        return min(waits[0], MAX_WAIT_SECONDS)
    return 0.0 if any(part.lower() == "respond-async" for part in preferences) else None
