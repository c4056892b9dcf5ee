"""`$batch` with one changeset: several writes that succeed or fail as one.

Source: OData 2.0 "Batch Processing". The outer answer is 202 whatever happened inside; a changeset that
failed is answered with one error in its place.
"""

import secrets
from dataclasses import dataclass

from shared.binding.problems import BackendFault
from shared.resilience.wire import ReplyHeaders, WireReply

_ACCEPTED = 202
_STATUS = b"HTTP/1.1 "


@dataclass(frozen=True, slots=True)
class Change:
    """One write below the service root; `etag` is the version it changes, empty where SAP keeps none."""

    path: str
    body: bytes
    etag: str = ""


def changeset(changes: list[Change]) -> tuple[str, bytes]:
    """The content type and body of a batch that makes all changes or none."""
    outer, inner = f"batch_{secrets.token_hex(12)}", f"changeset_{secrets.token_hex(12)}"
    parts = [f"--{outer}", f"Content-Type: multipart/mixed; boundary={inner}", ""]
    for number, change in enumerate(changes, 1):
        parts += [f"--{inner}", *_part(number, change)]
    parts += [f"--{inner}--", f"--{outer}--", ""]
    return f"multipart/mixed; boundary={outer}", "\r\n".join(parts).encode()


def answers(reply: WireReply) -> list[WireReply]:
    """The answers inside a batch reply, in order.

    Raises:
        BackendFault: There are none, or one cannot be read.
    """
    found = [_answer(piece) for piece in reply.body.split(_STATUS)[1:]]
    if not found:
        raise BackendFault("SAP answered a batch with something that is none.")
    return found


def is_batch(reply: WireReply) -> bool:
    """Whether a reply holds others."""
    return reply.status == _ACCEPTED and reply.headers.get("content-type", "").lower().startswith("multipart/mixed")


def _part(number: int, change: Change) -> list[str]:
    if not change.etag.isprintable():
        raise BackendFault("SAP answered an entity tag with control characters; it was not sent back.")
    return [
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: {number}",
        "",
        f"MERGE {change.path} HTTP/1.1",
        "Content-Type: application/json",
        "Accept: application/json",
        *([f"If-Match: {change.etag}"] if change.etag else []),
        f"Content-Length: {len(change.body)}",
        "",
        change.body.decode(),
    ]


def _answer(piece: bytes) -> WireReply:
    head, _, rest = piece.replace(b"\r\n", b"\n").partition(b"\n\n")
    line, *fields = head.decode("latin-1").split("\n")
    try:
        status = int(line[:3])
    except ValueError:
        raise BackendFault("SAP answered a batch with something that is none.") from None
    pairs = [(name.strip(), value.strip()) for name, _, value in (field.partition(":") for field in fields)]
    return WireReply(status, ReplyHeaders(pairs), rest.partition(b"\n--")[0].strip())
