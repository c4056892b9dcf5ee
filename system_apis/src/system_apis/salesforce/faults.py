"""What Salesforce's refusals mean (REST API Developer Guide, "Status Codes and Error Responses").

Only error codes and field names pass; Salesforce's sentences quote record contents and stay here.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    Conflict,
    Invalid,
    NotFound,
    Problem,
    QuotaExceeded,
    Refused,
)
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import WireReply
from system_apis.salesforce.records import SaveError, TokenRefusal


class QueryTooSlow(BackendUnavailable):
    """Salesforce gave a query up for the time it took; it may do better later, or for fewer rows."""


class LocatorRefused(BackendFault):
    """Salesforce does not know a place in the rows of a job that it gave us, or that somebody made up."""


BACKEND = "salesforce"
LIMIT_PAUSE_SECONDS = 60.0
"""How long we leave an org alone whose 24-hour allowance is used up; it frees bit by bit."""

_CODE = re.compile(r"[A-Za-z0-9_]{1,80}")
_SLOW: Final = ("QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG")
_ASYNC_CODE = re.compile(rb"exceptionCode\"?\s*[:>]\s*\"?([A-Za-z0-9_]{1,80})")
_FIRST_BYTES = 4_096
_TRANSIENT: Final = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "QUERY_TIMEOUT",
        "API_TEMPORARILY_UNAVAILABLE",
        "TXN_SECURITY_METERING_ERROR",
        "REQUEST_RUNNING_TOO_LONG",
        "SERVER_UNAVAILABLE",
        "SERVICE_UNAVAILABLE",
    }
)
_NOT_ALLOWED: Final = frozenset(
    {
        "INVALID_SESSION_ID",
        "INVALID_AUTH_HEADER",
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    }
)
_MISCONFIGURED: Final = frozenset(
    {
        "MALFORMED_QUERY",
        "INVALID_FIELD",
        "INVALID_TYPE",
        "INVALID_QUERY_FILTER_OPERATOR",
        "INVALID_QUERY_LOCATOR",
        "QUERY_TOO_COMPLICATED",
        "JSON_PARSER_ERROR",
        "NOT_FOUND",
        "UNSUPPORTED_MEDIA_TYPE",
        "METHOD_NOT_ALLOWED",
    }
)
_RULES: Final = frozenset(
    {
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "FIELD_INTEGRITY_EXCEPTION",
        "FAILED_ACTIVATION",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "ENTITY_IS_LOCKED",
        "ENTITY_IS_DELETED",
        "STORAGE_LIMIT_EXCEEDED",
        "DUPLICATES_DETECTED",
    }
)
_CONFLICTS: Final = frozenset({"DUPLICATE_VALUE", "PRECONDITION_FAILED", "INVALIDJOBSTATE", "InvalidJobState"})
_USED_UP: Final = frozenset({"LIMIT_EXCEEDED", "ExceededQuota"})
_ENDED_SESSION: Final = "InvalidSessionId"
_SESSION: Final = frozenset(
    {"INVALID_SESSION_ID", "INVALID_AUTH_HEADER", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"}
)
"""Of what is not allowed: what no request is, whatever it asks."""
_SETTLED: Final = (300, 304)
"""Several records under one external id, and nothing new: answers to those who ask for them."""
LOCKED = "UNABLE_TO_LOCK_ROW"
"""Somebody else is writing the row or its parent; nothing was done, so a repeat is harmless whatever was asked."""
HALTED = "PROCESSING_HALTED"
"""Said of the parts of a Composite that another part took down."""

_STILL_WAITING: Final = frozenset({"authorization_pending", "slow_down"})
_COMPARE: Final = (
    "compare client_id and what auth needs (username, audience, private_key, client_secret, password) with the "
    "connected app"
)
_AGAIN: Final = "it was revoked or is too old, or an old one was used again where each is good for one use"
_ADVICE: Final = {
    "expired access/refresh token": f"{_AGAIN}: log in again with python -m system_apis.salesforce.oauth",
    "expired authorization code": "the code or assertion was too old or used before: check this machine's clock, or "
    "begin the login again",
    "user hasn't approved this consumer": "let the connected app in for the integration user (permitted users)",
    "audience is invalid": "set audience to the login host of this kind of org",
    "no client credentials user enabled": "name a run-as user for the client credentials flow of the connected app",
    "request not supported on this domain": "use the org's My Domain as login_url",
    "client identifier invalid": "set client_id to the consumer key of the connected app",
    "invalid client credentials": "set client_secret to the consumer secret of the connected app",
    "access_denied": "access was denied on the page: log in again and allow it",
    "inactive_user": "the integration user is not active",
    "inactive_org": "the org is not active",
    "redirect_uri_mismatch": "list redirect_uri among the callback URLs of the connected app, character by character",
    "invalid_token": "the token is not known any more",
}
_errors = msgspec.json.Decoder(list[SaveError])
_token_refusal = msgspec.json.Decoder(TokenRefusal)


def problem_of_reply(reply: WireReply) -> Problem | None:
    """The problem a REST reply stands for, or None if it is an answer."""
    status = reply.status
    if status < 300:  # noqa: PLR2004 - the HTTP status classes (RFC 9110 §15)
        return None
    if status < 400:  # noqa: PLR2004
        return BackendFault("Salesforce answered with a redirect; set its url to the org's My Domain.")
    errors = errors_of_reply(reply)
    if not errors:
        return _problem_of_bare(reply)
    return problem_of_errors(status, errors, concurrent=b"ConcurrentRequests" in reply.body)


def trouble_of_reply(reply: WireReply) -> Problem | None:
    """As `problem_of_reply` for callers who understand refusals themselves: only what says nothing of their request."""
    if reply.status in _SETTLED:
        return None
    problem, errors = problem_of_reply(reply), errors_of_reply(reply)
    if errors and code_of(errors[0]) == LOCKED:
        return None
    if problem is None or problem.transient:
        return problem
    return None if errors and reply.status != 401 and code_of(errors[0]) not in _SESSION else problem  # noqa: PLR2004


def problem_of_errors(status: int, errors: Sequence[SaveError], *, concurrent: bool = False) -> Problem:
    """The problem a list of Salesforce errors stands for; the first one decides.

    Args:
        status: HTTP status they came with.
        errors: At least one.
        concurrent: Whether a limit refusal speaks of calls at once, not of calls a day.
    """
    code = code_of(errors[0])
    if code == "REQUEST_LIMIT_EXCEEDED":
        return _limit_exceeded(concurrent=concurrent)
    if code in _USED_UP:
        return QuotaExceeded("An allowance of the org for 24 hours is used up, of Bulk API batches or jobs mostly.")
    if code in _SLOW:
        return QueryTooSlow(f"Salesforce cannot do it now ({code}).")
    if code in _TRANSIENT or status in (420, 429) or status >= 500:  # noqa: PLR2004
        return BackendUnavailable(f"Salesforce cannot do it now ({code}).")
    if status == 401 or code in _NOT_ALLOWED:  # noqa: PLR2004
        return _not_allowed(status, code)
    if code in _MISCONFIGURED:
        detail = f"Salesforce does not understand our request ({code}); compare its schema with our settings."
        return BackendFault(detail)
    kind = Conflict if code in _CONFLICTS else Refused if code in _RULES else Invalid
    return kind(f"Salesforce refuses it: {code}{_at(errors[0])}.")


def problem_of_bulk_reply(reply: WireReply) -> Problem | None:
    """As `problem_of_reply`, for paths that name a job: one that is not there was deleted, by age at the latest."""
    if reply.status == 404:  # noqa: PLR2004
        return NotFound("Salesforce has no such job; jobs are kept for seven days.")
    if reply.status == 400 and any(code_of(each) == "INVALID_QUERY_LOCATOR" for each in errors_of_reply(reply)):  # noqa: PLR2004
        return LocatorRefused("Salesforce has no such place in the rows of this job.")
    return problem_of_reply(reply)


def problem_of_async_reply(reply: WireReply) -> Problem | None:
    """The problem a reply of Bulk API 1.0 stands for; it says `exceptionCode` in JSON or XML."""
    if reply.status < 400:  # noqa: PLR2004
        return None if reply.status < 300 else problem_of_reply(reply)  # noqa: PLR2004
    code = async_code(reply)
    if not code:
        return _problem_of_bare(reply)
    if code in ("InvalidJob", "InvalidBatch") and reply.status == 404:  # noqa: PLR2004
        return NotFound("Salesforce has no such job; jobs are kept for seven days.")
    status = 401 if code == _ENDED_SESSION else reply.status
    return problem_of_errors(status, [SaveError(error_code=code)])


def async_code(reply: WireReply) -> str:
    """The `exceptionCode` of a refusal of Bulk API 1.0, empty if it says none."""
    found = _ASYNC_CODE.search(reply.body[:_FIRST_BYTES])
    return found[1].decode() if found else ""


def is_session_ended(reply: WireReply) -> bool:
    """Whether Bulk API 1.0 says that the session has ended; it does so with 400."""
    return async_code(reply) == _ENDED_SESSION


def is_transient(code: str) -> bool:
    """Whether a record refused with this code may be accepted if it is sent again."""
    return code in _TRANSIENT


def problem_of_token_reply(reply: WireReply) -> Problem | None:
    """The problem a reply of an OAuth endpoint stands for, or None if it is an answer.

    That a device still waits for its person is an answer. Of what the endpoint says, only its error code passes, and
    what the descriptions that we know mean.
    """
    if reply.status < 300:  # noqa: PLR2004
        return None
    if reply.status < 400:  # noqa: PLR2004
        return BackendFault("Salesforce answered with a redirect; set its login_url to the org's My Domain.")
    refusal = _oauth_refusal(reply.body)
    if not refusal.error or reply.status >= 500:  # noqa: PLR2004
        return _problem_of_bare(reply)
    if refusal.error in _STILL_WAITING:
        return None
    if refusal.error == "rate_limit_exceeded":
        return BackendUnavailable("Salesforce issues no tokens now: too many were asked for.")
    advice = _ADVICE.get(refusal.error_description) or _ADVICE.get(refusal.error) or _COMPARE
    return BackendFault(f"Salesforce does not accept our credentials ({refusal.error}); {advice}.")


def code_of(error: SaveError) -> str:
    """The error's code, or `UNKNOWN` if what stands there is none."""
    code = error.error_code or error.status_code
    return code if _CODE.fullmatch(code) else "UNKNOWN"


def _problem_of_bare(reply: WireReply) -> Problem | None:
    """A reply that Salesforce's edge gave, often a web page; only the status speaks."""
    if reply.status >= 500 or reply.status == 420:  # noqa: PLR2004
        return BackendUnavailable(f"Salesforce answered {reply.status}.")
    problem = problem_of_status(reply, BACKEND)
    if isinstance(problem, Invalid):
        return BackendFault(f"Salesforce answered {reply.status} without saying why.")
    return problem


def _at(error: SaveError) -> str:
    names = [name for name in error.fields or [] if _CODE.fullmatch(name)]
    return f" ({', '.join(names)})" if names else ""


def errors_of_reply(reply: WireReply) -> list[SaveError]:
    """What a refusal says, or nothing if it is none of Salesforce's own."""
    try:
        return _errors.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def _oauth_refusal(body: bytes) -> TokenRefusal:
    try:
        refusal = _token_refusal.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return TokenRefusal()
    return refusal if _CODE.fullmatch(refusal.error) else TokenRefusal()


def _limit_exceeded(*, concurrent: bool) -> QuotaExceeded:
    if concurrent:
        return QuotaExceeded("Salesforce works on as many of our long calls as it allows.", retry_after=1.0)
    return QuotaExceeded("The org's Salesforce calls for 24 hours are used up.", retry_after=LIMIT_PAUSE_SECONDS)


def _not_allowed(status: int, code: str) -> BackendFault:
    if status == 401:  # noqa: PLR2004
        return BackendFault(f"Salesforce does not accept our credentials ({code}).")
    return BackendFault(f"Salesforce does not let our integration user do this ({code}); extend its permissions.")
