"""What becomes of Oracle's refusals, in both of its encodings, and of pages, nonsense and SOAP faults."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    NotFound,
    PreconditionFailed,
    Problem,
    QuotaExceeded,
)
from shared.contracts.system.erp import ErpCustomerRejected, OrderRejected
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.faults import problem_of
from system_apis.oracle.soap import Service, call, criteria, parse, records

PAGE = b"<!DOCTYPE html><html><body>SCHMIDT is signed out</body></html>"
SERVICE = Service("/crmService/Any", "http://ops/types/", "http://records/")
FAULT = """<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body><env:Fault>
<faultcode>env:Server</faultcode><faultstring>JBO-FND</faultstring><detail>
<e:ServiceErrorMessage xmlns:e="http://xmlns.oracle.com/adf/svc/errors/"><e:code>HZ-1</e:code>
<e:message>The value isn't
valid.</e:message><e:severity>SEVERITY_ERROR</e:severity></e:ServiceErrorMessage>
</detail></env:Fault></env:Body></env:Envelope>"""


def detailed(*details: dict[str, str], status: str = "400") -> bytes:
    return json.dumps({"title": "Bad Request", "status": status, "o:errorDetails": details}).encode()


def caught(status: int, body: bytes, refusal: Any = OrderRejected, **headers: str) -> Problem:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    problem = problem_of(WireReply(status, ReplyHeaders(pairs), body), refusal)
    assert problem is not None
    assert "SCHMIDT" not in f"{problem.detail}{problem.errors}{problem.extensions}"
    return problem


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"The item isn't valid.", OrderRejected),
        (400, detailed({"detail": "No.", "o:errorCode": "FOM-1"}), OrderRejected),
        (422, detailed({"detail": "No."}), OrderRejected),
        (400, b"", BackendFault),
        (400, PAGE, BackendFault),
        (400, b"{not json", BackendFault),
        (404, b"Not Found", NotFound),
        (404, detailed(status="404"), NotFound),
        (404, PAGE, BackendFault),
        (401, PAGE, BackendFault),
        (403, b"", BackendFault),
        (405, b"", BackendFault),
        (415, b"", BackendFault),
        (412, detailed(status="412"), PreconditionFailed),
        (429, b"", QuotaExceeded),
        (500, b"JBO-29000: SCHMIDT", BackendUnavailable),
        (503, PAGE, BackendUnavailable),
        (302, PAGE, BackendFault),
    ],
)
def test_each_refusal_is_one_kind_of_problem(status: int, body: bytes, kind: type[Problem]) -> None:
    assert type(caught(status, body)) is kind


def test_a_detailed_error_says_which_field_of_ours_it_is_about() -> None:
    problem = caught(
        400,
        detailed(
            {"detail": "The item\nisn't valid.", "o:errorCode": "FOM-4515", "o:errorPath": "/lines/1/ProductNumber"},
            {"detail": "No such currency.", "o:errorPath": "/TransactionalCurrencyCode"},
            {"detail": "Elsewhere."},
        ),
    )
    assert [(one.pointer, one.detail) for one in problem.errors] == [
        ("/lines/1/sku", "The item isn't valid."),
        ("/currency", "No such currency."),
        (None, "Elsewhere."),
    ]
    assert problem.extensions == {"code": "FOM-4515", "remark": "The item isn't valid."}


def test_a_batch_is_refused_with_the_words_of_the_part_that_failed() -> None:
    part = json.loads(detailed({"detail": "The city isn't valid.", "o:errorCode": "HZ-1", "o:errorPath": "/City"}))
    problem = caught(400, json.dumps({"parts": [{"id": "2", "error": part}]}).encode())
    assert [(one.pointer, one.detail) for one in problem.errors] == [("/address/city", "The city isn't valid.")]


def test_where_no_rule_may_refuse_a_refusal_is_our_fault_and_keeps_oracles_words_to_itself() -> None:
    problem = caught(400, detailed({"detail": "URL request parameter q SCHMIDT", "o:errorCode": "27520"}), None)
    assert type(problem) is BackendFault
    assert problem.extensions == {"code": "27520"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, FAULT.encode(), ErpCustomerRejected),
        (500, FAULT.replace("ServiceErrorMessage", "Other").encode(), BackendUnavailable),
        (500, PAGE, BackendUnavailable),
        (500, PAGE.replace(b"SCHMIDT", b"Fault"), BackendUnavailable),
        (401, PAGE, BackendFault),
        (200, b"<e><Body/></e>", BackendFault),
        (200, b"not xml", BackendFault),
        (200, b'<!DOCTYPE e [<!ENTITY a "b">]><e>&a;</e>', BackendFault),
        (200, b"<a>" * 60 + b"</a>" * 60, BackendFault),
    ],
)
async def test_what_a_soap_service_answers_is_a_result_or_one_kind_of_problem(
    connect: Callable[..., OracleConnector],
    peer: Callable[..., Awaitable[Any]],
    status: int,
    body: bytes,
    kind: type[Problem],
) -> None:
    server = await peer((status, body))
    backend = connect(server.url, retry_delays=()).backend
    with pytest.raises(Problem) as raised:
        await call(backend, SERVICE, "find", "", refusal=ErpCustomerRejected)
    assert type(raised.value) is kind


def test_values_cannot_leave_their_elements() -> None:
    written = records({"Name": "A<&>B", "Sites": [{"City": "x]]>"}], "Gone": None, "Flag": True})
    assert written == "<r:Name>A&lt;&amp;&gt;B</r:Name><r:Sites><r:City>x]]&gt;</r:City></r:Sites><r:Flag>true</r:Flag>"
    found = parse(f'<x xmlns:o="o" xmlns:adf="a">{criteria([("A", "=", "1</adf:value>")], 1)}</x>'.encode())
    assert [one.text for one in found.iter("value")] == ["1</adf:value>"]
