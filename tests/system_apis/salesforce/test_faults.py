import msgspec
import pytest

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    Conflict,
    Invalid,
    Problem,
    QuotaExceeded,
    Refused,
)
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.salesforce.faults import QueryTooSlow, problem_of_reply, problem_of_token_reply


def _reply(status: int, body: object) -> WireReply:
    return WireReply(status, ReplyHeaders(), body if isinstance(body, bytes) else msgspec.json.encode(body))


def _refusal(
    status: int, code: str, message: str = "Acme GmbH, IBAN DE02", fields: list[str] | None = None
) -> WireReply:
    return _reply(status, [{"message": message, "errorCode": code, "fields": fields or []}])


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "INVALID_SESSION_ID", BackendFault),
        (401, "INVALID_AUTH_HEADER", BackendFault),
        (403, "REQUEST_LIMIT_EXCEEDED", QuotaExceeded),
        (403, "API_DISABLED_FOR_ORG", BackendFault),
        (403, "INSUFFICIENT_ACCESS", BackendFault),
        (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", BackendFault),
        (400, "UNABLE_TO_LOCK_ROW", BackendUnavailable),
        (400, "QUERY_TIMEOUT", QueryTooSlow),
        (400, "API_TEMPORARILY_UNAVAILABLE", BackendUnavailable),
        (400, "TXN_SECURITY_METERING_ERROR", BackendUnavailable),
        (400, "REQUEST_RUNNING_TOO_LONG", QueryTooSlow),
        (400, "MALFORMED_QUERY", BackendFault),
        (400, "INVALID_FIELD", BackendFault),
        (400, "INVALID_TYPE", BackendFault),
        (404, "NOT_FOUND", BackendFault),
        (400, "REQUIRED_FIELD_MISSING", Invalid),
        (400, "STRING_TOO_LONG", Invalid),
        (400, "INVALID_CROSS_REFERENCE_KEY", Invalid),
        (400, "A_CODE_OF_NEXT_YEAR", Invalid),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", Refused),
        (400, "FIELD_INTEGRITY_EXCEPTION", Refused),
        (400, "ENTITY_IS_LOCKED", Refused),
        (400, "DUPLICATE_VALUE", Conflict),
        (412, "PRECONDITION_FAILED", Conflict),
        (500, "UNKNOWN_EXCEPTION", BackendUnavailable),
        (503, "SERVER_UNAVAILABLE", BackendUnavailable),
    ],
)
def test_a_code_has_one_meaning_and_its_text_stays_here(status: int, code: str, kind: type[Problem]) -> None:
    problem = problem_of_reply(_refusal(status, code))
    assert type(problem) is kind
    assert "Acme" not in problem.detail
    assert "DE02" not in problem.detail


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BackendFault),
        (401, BackendFault),
        (404, BackendFault),
        (420, BackendUnavailable),
        (429, QuotaExceeded),
        (500, BackendUnavailable),
        (502, BackendUnavailable),
        (503, BackendUnavailable),
    ],
)
@pytest.mark.parametrize("body", [b"<html>Back soon</html>", b"", b"[]", b"\xff\xfe", b'{"a":1}'])
def test_a_refusal_in_no_format_of_salesforce_is_judged_by_its_status(
    status: int, kind: type[Problem], body: bytes
) -> None:
    assert type(problem_of_reply(_reply(status, body))) is kind


def test_the_fields_at_fault_are_named() -> None:
    problem = problem_of_reply(_refusal(400, "STRING_TOO_LONG", fields=["External_Order_Id__c", "not a field!"]))
    assert problem is not None
    assert problem.detail == "Salesforce refuses it: STRING_TOO_LONG (External_Order_Id__c)."


def test_a_code_that_is_none_is_not_passed_on() -> None:
    problem = problem_of_reply(_refusal(400, "<script>alert(1)</script>"))
    assert problem is not None
    assert "script" not in problem.detail


def test_the_daily_limit_asks_for_a_longer_pause_than_the_concurrent_one() -> None:
    daily = problem_of_reply(_refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    concurrent = problem_of_reply(_refusal(403, "REQUEST_LIMIT_EXCEEDED", text))
    assert daily is not None
    assert concurrent is not None
    assert (daily.retry_after, concurrent.retry_after) == (60.0, 1.0)


def test_an_answer_is_no_problem_and_a_redirect_is() -> None:
    assert problem_of_reply(_reply(200, b"<html>")) is None
    assert isinstance(problem_of_reply(_reply(302, b"")), BackendFault)
    assert isinstance(problem_of_token_reply(_reply(302, b"")), BackendFault)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "user hasn't approved"}, BackendFault),
        (401, {"error": "invalid_client"}, BackendFault),
        (400, {"error": "rate_limit_exceeded"}, BackendUnavailable),
        (503, b"<html>", BackendUnavailable),
        (400, b"nonsense", BackendFault),
    ],
)
def test_a_refused_login_is_our_configuration_or_their_outage(status: int, body: object, kind: type[Problem]) -> None:
    problem = problem_of_token_reply(_reply(status, body))
    assert isinstance(problem, kind)
    assert "approved" not in problem.detail
