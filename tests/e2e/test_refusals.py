"""Every refusal is a clear problem, and leaves nothing behind in any backend."""

import time
from typing import Any

import pytest

from sandboxes.company import Quote, company

COMPANY = company()
DOCUMENT = {"content-type": "application/json"}


def quote(scenario: str, index: int = 0) -> Quote:
    return COMPANY.quotes_for(scenario)[index]


async def order(suite: Any, quote_id: str, **headers: str) -> Any:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote_id}, headers={"prefer": "wait=25", **headers})


def expect(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    assert problem["detail"].endswith((".", "…"))
    assert problem["traceId"] == answer.headers["trace-id"]
    assert "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize(
    ("scenario", "status", "kind"),
    [
        ("draft", 422, "quote-not-approved"),
        ("in-review", 422, "quote-not-approved"),
        ("rejected", 422, "quote-not-approved"),
        ("expired", 422, "quote-not-approved"),
        ("accepted", 422, "quote-not-approved"),
        ("credit-refused", 422, "credit-refused"),
        ("blocked-customer", 422, "customer-blocked"),
        ("short-stock", 422, "short-stock"),
        ("zero-quantity", 422, "zero-quantity"),
    ],
)
async def test_a_business_refusal_leaves_nothing_anywhere(calm_suite, scenario: str, status: int, kind: str) -> None:
    before = await calm_suite.effects()
    problem = expect(await order(calm_suite, quote(scenario).salesforce_id), status, kind)
    assert problem["orderId"].startswith("order-")
    assert await calm_suite.effects() == before


async def test_an_unknown_quote_is_404(calm_suite) -> None:
    before = await calm_suite.effects()
    expect(await order(calm_suite, "0Q0000000000000AAA"), 404, "quote-not-found")
    assert await calm_suite.effects() == before


async def test_no_token_a_wrong_audience_a_missing_scope_and_an_expired_token(calm_suite) -> None:
    issuer = calm_suite.issuer
    audience = "urn:triptych:experience:field-sales"
    tokens = {
        ("", 401, "unauthenticated"): "missing",
        (issuer.issue("a", "b", "urn:triptych:system:crm", ["field-sales:order"]), 401, "unauthenticated"): "audience",
        (issuer.issue("a", "b", audience, ["field-sales:read"]), 403, "missing-scope"): None,
        ("not.a.token", 401, "unauthenticated"): "malformed",
    }
    for (token, status, kind), reason in tokens.items():
        headers = {"authorization": f"Bearer {token}"} if token else {"authorization": ""}
        answer = await order(calm_suite, quote("plain").salesforce_id, **headers)
        problem = expect(answer, status, kind)
        if reason:
            assert problem["reason"] == reason
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    past = issuer.clock
    issuer.clock = lambda: past() - 7200
    stale = issuer.issue("a", "b", audience, ["field-sales:order"])
    answer = await order(calm_suite, quote("plain").salesforce_id, authorization=f"Bearer {stale}")
    assert expect(answer, 401, "unauthenticated")["reason"] == "expired"


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind"),
    [
        (b'{"quoteId": "0Q0", "colour": "red"}', DOCUMENT, 400, "invalid"),
        (b'{"quoteId": 5}', DOCUMENT, 400, "invalid"),
        (b'{"quoteId": "x/../y"}', DOCUMENT, 400, "invalid"),
        (b"{" * 50_000, DOCUMENT, 400, "invalid"),
        (b'{"quoteId":' + b"[" * 100_000, DOCUMENT, 400, "invalid"),
        (b" " * 1_048_577, DOCUMENT, 413, "content-too-large"),
        (b"quoteId=1", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"),
    ],
    ids=["unknown field", "wrong type", "path trick", "broken", "deep", "large", "form"],
)
async def test_a_bad_request_is_refused_at_the_edge(calm_suite, body: bytes, headers, status: int, kind: str) -> None:
    async with calm_suite.phone() as phone:
        expect(await phone.post("/orders", content=body, headers=headers), status, kind)


async def test_an_experience_token_does_not_open_a_system_api(calm_suite) -> None:
    async with calm_suite.phone() as phone:
        path = f"{calm_suite.edge}/system/crm/v1/quotes/{quote('plain').salesforce_id}"
        problem = expect(await phone.get(path), 401, "unauthenticated")
    assert problem["reason"] == "audience"


async def test_the_view_stands_without_a_backend_that_is_down_and_says_what_is_missing(calm_suite) -> None:
    await calm_suite.fault("sap", fault="status", status=503)
    async with calm_suite.phone() as phone:
        answer = await phone.get(f"/customers/{COMPANY.customers[0].salesforce_id}")
    assert answer.status_code == 200
    missing = {part["part"]: part["problem"] for part in answer.json()["missing"]}
    assert set(missing) == {"credit", "erp-orders"}
    assert set(missing.values()) <= {"/problems/backend-unavailable", "/problems/circuit-open"}
    assert answer.json()["name"]


async def test_a_slow_backend_costs_its_part_and_not_the_view(calm_suite) -> None:
    await calm_suite.fault("sap", fault="latency", seconds=10.0)
    began = time.monotonic()
    async with calm_suite.phone() as phone:
        answer = await phone.get(f"/customers/{COMPANY.customers[1].salesforce_id}")
    assert answer.status_code == 200
    assert time.monotonic() - began < 8
    assert {part["part"] for part in answer.json()["missing"]} == {"credit", "erp-orders"}


async def test_without_the_crm_there_is_no_view_but_a_clear_problem(calm_suite) -> None:
    await calm_suite.fault("salesforce", fault="status", status=503)
    async with calm_suite.phone() as phone:
        answer = await phone.get(f"/customers/{COMPANY.customers[2].salesforce_id}")
    assert answer.status_code == 503
    assert answer.json()["type"] in ("/problems/backend-unavailable", "/problems/circuit-open")


@pytest.mark.parametrize("fault", ["nonsense", "html", "truncate"])
async def test_a_backend_that_answers_nonsense_is_named_as_the_fault(calm_suite, fault: str) -> None:
    await calm_suite.fault("sap", fault=fault)
    async with calm_suite.phone() as phone:
        answer = await phone.get(f"/customers/{COMPANY.customers[3].salesforce_id}")
    assert answer.status_code == 200
    assert {part["part"] for part in answer.json()["missing"]} >= {"credit"}
    assert "<html" not in answer.text
