"""One bad backend: its callers are told soon, the others notice nothing, and it is left alone until it is well."""

import asyncio
import time
from typing import Any

import pytest
from eventually import eventually

CRM, ERP = "/system/crm/v1/customers?limit=1", "/system/erp/v1/products?limit=1"
PROBES_A_SECOND = 1.0


async def p99_of(suite: Any, path: str, number: int) -> float:
    token, taken = suite.token(path.split("/")[2]), list[float]()
    for _ in range(number):
        began = time.perf_counter()
        answer = await suite.ask("GET", path, token=token)
        taken.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    return sorted(taken)[int(number * 0.99) - 1]


async def test_a_backend_that_takes_half_a_minute_costs_the_others_nothing(calm_suite) -> None:
    async def unhurt() -> bool:  # in one round at least: the machine may have other things to do, and more of them
        await calm_suite.calm()
        usual = await p99_of(calm_suite, CRM, 100)
        await calm_suite.fault("sap", fault="latency", seconds=30.0)
        began = time.perf_counter()
        slow = asyncio.gather(*(calm_suite.ask("GET", ERP) for _ in range(60)))
        await asyncio.sleep(0.3)
        meanwhile = await p99_of(calm_suite, CRM, 100)
        answers = await slow
        assert {answer.status_code for answer in answers} <= {503, 504}
        assert time.perf_counter() - began < 20  # the deadline of a read, not the backend's half minute
        assert all(answer.json()["type"].startswith("/problems/") for answer in answers)
        return meanwhile < 2 * usual + 0.05

    await eventually(unhurt)


async def test_a_failing_backend_is_left_alone_but_for_a_probe_a_second_and_found_well_again(calm_suite) -> None:
    await calm_suite.fault("sap", fault="status", status=503)
    token = calm_suite.token("erp")

    async def open_circuit() -> bool:
        return (await calm_suite.ask("GET", ERP, token=token)).json()["type"] == "/problems/circuit-open"

    await eventually(open_circuit, every=0.05)
    asked, began, slowest, refused = len(await calm_suite.requests("sap")), time.perf_counter(), 0.0, 0
    while time.perf_counter() - began < 3.0:
        one = time.perf_counter()
        answer = await calm_suite.ask("GET", ERP, token=token)
        if answer.json()["type"] == "/problems/circuit-open":
            refused += 1
            slowest = max(slowest, time.perf_counter() - one)
            assert int(answer.headers["retry-after"]) >= 1
        assert answer.status_code == 503
        await asyncio.sleep(0.01)
    probes = len(await calm_suite.requests("sap")) - asked
    assert probes <= PROBES_A_SECOND * (time.perf_counter() - began) + 1
    assert refused > 20
    assert (await calm_suite.ask("GET", CRM)).status_code == 200
    await calm_suite.sandbox("sap", "DELETE", "faults")

    async def well() -> bool:
        return (await calm_suite.ask("GET", ERP, token=token)).status_code == 200

    await eventually(well, every=0.05)


async def test_fifty_callers_whose_session_ended_sign_in_once(calm_suite) -> None:
    assert (await calm_suite.ask("GET", CRM)).status_code == 200
    before = len(await sign_ins(calm_suite))
    await calm_suite.sandbox("salesforce", "POST", "expire-tokens")
    answers = await asyncio.gather(*(calm_suite.ask("GET", CRM) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await sign_ins(calm_suite)) == before + 1


async def sign_ins(suite: Any) -> list[dict[str, Any]]:
    return [found for found in await suite.requests("salesforce") if found["path"] == "/services/oauth2/token"]


ERROR_IN_SUCCESS = {
    "salesforce": [{"errorCode": "INVALID_FIELD", "message": "No such column"}],
    "sap": {"error": {"code": "SY/530", "message": {"lang": "en", "value": "Something else"}}},
    "easypost": {"error": {"code": "ADDRESS.VERIFY.FAILURE", "message": "Something else", "errors": []}},
}
HOSTILE: dict[str, dict[str, Any]] = {
    "cut off": {"fault": "truncate"},
    "no JSON": {"fault": "nonsense"},
    "a web page": {"fault": "html"},
    "hung up": {"fault": "close"},
    "empty": {"fault": "nonsense", "body": " "},
    "a number": {"fault": "nonsense", "body": "7"},
    "null": {"fault": "nonsense", "body": "null"},
    "a list": {"fault": "nonsense", "body": "[[1]]"},
    "other types": {"fault": "nonsense", "body": '{"records": 5, "d": "x", "results": {}, "rates": 1}'},
    "nulls": {"fault": "nonsense", "body": '{"records": [null], "d": {"results": [null]}, "rates": [null]}'},
    "deep": {"fault": "nonsense", "body": "[" * 100_000},
    "large": {"fault": "nonsense", "body": '{"a": "' + "x" * 30_000_000 + '"}'},
    "another status": {"fault": "status", "status": 299, "body": {"a": 1}},
    "a teapot": {"fault": "status", "status": 418, "body": {"a": 1}},
    "no status of HTTP": {"fault": "status", "status": 599, "body": ""},
    "a huge header": {"fault": "status", "status": 200, "body": {}, "headers": {"x-long": "a" * 200_000}},
}  # fmt: skip
READS = {
    "salesforce": "/system/crm/v1/customers?limit=1",
    "sap": "/system/erp/v1/products?limit=1",
    "easypost": "/system/logistics/v1/shipments/shp_" + "a" * 32,
}


@pytest.mark.parametrize("backend", READS)
async def test_a_hostile_answer_is_a_fault_of_the_backend_and_nothing_else(calm_suite, backend: str) -> None:
    cases = {**HOSTILE, "an error in a success": {"fault": "status", "status": 200, "body": ERROR_IN_SUCCESS[backend]}}
    token = calm_suite.token(READS[backend].split("/")[2])
    for case, fault in cases.items():
        await calm_suite.fault(backend, **fault)
        answer = await calm_suite.ask("GET", READS[backend], token=token)
        assert answer.headers["content-type"] == "application/problem+json", (case, answer.text[:200])
        assert answer.json()["type"] != "/problems/circuit-open", case
        assert answer.status_code in (502, 503, 504), (case, answer.text[:200])
        assert len(answer.content) < 2000
        await calm_suite.calm()
        for _ in range(8):  # so that the circuit stays closed for the next case
            assert (await calm_suite.ask("GET", READS[backend], token=token)).status_code in (200, 404)
