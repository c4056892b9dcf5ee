"""What the wire's failures and a backend's bare statuses mean to a caller."""

from email.utils import parsedate_to_datetime
from functools import cache
from time import time
from typing import TypeVar

import msgspec

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    Problem,
    QuotaExceeded,
    kind_of_status,
)
from shared.resilience.deadline import Deadline
from shared.resilience.wire import ConnectionFailed, ReplyBroken, ReplyTooLarge, WireFailure, WireReply, WireTimeout

Decoded = TypeVar("Decoded")

_OUR_CREDENTIALS = frozenset({401, 407})
_PASSING = frozenset({408, 425, 502, 503, 504})
"""Timeout, too early, and the gateway's three: the request may succeed later (RFC 9110 §15, RFC 8470)."""


class NotReached(BackendUnavailable):
    """No connection to the backend: the request was surely not sent, and repeating it is harmless."""


class LostReply(BackendUnavailable):
    """The backend closed the connection without an answer to a request that may be repeated."""


class BrokenReply(BackendUnavailable):
    """The backend's answer broke off or is not HTTP, for a request that may be repeated."""

    status = 502


class OutcomeUnknown(BackendUnavailable):
    """A request that must not be repeated blindly was sent and not answered: look whether it took effect."""


def problem_of_failure(failure: WireFailure, backend: str, deadline: Deadline, *, repeatable: bool) -> Problem:
    """What a failure of the wire means for this call."""
    if isinstance(failure, ConnectionFailed):
        return NotReached(f"{backend} cannot be reached; nothing was sent.")
    if isinstance(failure, WireTimeout):
        return deadline.exceeded()
    if isinstance(failure, ReplyTooLarge):
        return BackendFault(f"{backend} answered with more than is read into memory; ask for less or stream it.")
    if not repeatable:
        return in_doubt(backend)
    if isinstance(failure, ReplyBroken):
        return BrokenReply(f"The answer of {backend} broke off.")
    return LostReply(f"{backend} closed the connection without an answer.")


def in_doubt(backend: str) -> OutcomeUnknown:
    """The problem of a request that must not be repeated blindly and has no usable answer."""
    return OutcomeUnknown(
        f"{backend} gave no usable answer; whether the request took effect is unknown. Look before repeating it.",
        extensions={"outcome": "unknown"},
    )


def problem_of_status(reply: WireReply, backend: str) -> Problem | None:
    """What a bare status means when the backend's own fault format does not say more; None for answers.

    Here 401 and 407 mean that our own credentials are refused, not the caller's: `BackendFault`. So do a
    redirect, which leads away from the interface (often to a login page), and 5xx that are no passing state.
    """
    status = reply.status
    if status < 300 or status == 304:  # noqa: PLR2004 - the HTTP status classes (RFC 9110 §15)
        return None
    if status in _OUR_CREDENTIALS:
        return BackendFault(f"{backend} does not accept our credentials.")
    detail = f"{backend} answered {status}."
    if status == 429:  # noqa: PLR2004 - Too Many Requests (RFC 6585 §4)
        return QuotaExceeded(detail, retry_after=retry_after_of(reply))
    if status in _PASSING:
        return BackendUnavailable(detail, retry_after=retry_after_of(reply))
    kind = kind_of_status(status) if 400 <= status < 500 else BackendFault  # noqa: PLR2004 - as above
    return kind(detail)


def retry_after_of(reply: WireReply) -> float | None:
    """Seconds of the `Retry-After` header, given as a number or as a date (RFC 9110 §10.2.3)."""
    value = reply.headers.get("retry-after")
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except ValueError:
        return None


def decode_json(reply: WireReply, kind: type[Decoded], *, backend: str, repeatable: bool = True) -> Decoded:
    """The reply's body as `kind`.

    Args:
        reply: With a status of success.
        kind: What was agreed.
        backend: Named in the refusal.
        repeatable: Whether the request may be sent again, whatever it did.

    Raises:
        BackendFault: It is not JSON of that shape. The body stays out of the text.
        OutcomeUnknown: As well, and the request must not be repeated blindly.
    """
    try:
        return _decoder(kind).decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if not repeatable:
            raise in_doubt(backend) from None
        raise BackendFault(f"{backend} answered {reply.status} with a body of another shape than agreed.") from None


@cache
def _decoder(kind: type[Decoded]) -> msgspec.json.Decoder[Decoded]:
    return msgspec.json.Decoder(kind)
