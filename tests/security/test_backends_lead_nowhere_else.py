"""A backend that answers with somebody else's address gets neither requests nor credentials sent there (SSRF)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Catcher:
    """A server that must never be called; keeps what it was told."""

    url: str = ""
    heard: list[bytes] = field(default_factory=list)

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.read(65_536))
        writer.close()


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    catcher = Catcher()
    server = await asyncio.start_server(catcher.listen, "127.0.0.1", 0)
    catcher.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield catcher
    server.close()


def elsewhere(url: str) -> dict[str, dict[str, Any]]:
    """Ways in which a backend may point at `url`."""
    location = {"location": f"{url}/moved"}
    rows = {"totalSize": 9, "done": False, "nextRecordsUrl": f"{url}/services/data/v66.0/query/01g", "records": []}
    composite = [{"body": rows, "httpHeaders": {}, "httpStatusCode": 200, "referenceId": f"part{i}"} for i in range(6)]
    told = {"alt-svc": f'h2="{url[7:]}"', "refresh": f"0;url={url}"}
    cases: dict[str, dict[str, Any]] = {
        "next page": {"body": rows},
        "next page, no scheme": {"body": {**rows, "nextRecordsUrl": f"//{url[7:]}/x"}},
        "next page, as a user": {"body": {**rows, "nextRecordsUrl": f"@{url[7:]}/x"}},
        "next page in parts": {"body": {"compositeResponse": composite}},
        "OData next": {"body": {"d": {"results": [], "__next": f"{url}/sap/opu/next"}}},
        "alternative service": {"body": {}, "headers": told},
        **{f"redirect {status}": {"status": status, "headers": location} for status in (302, 307)},
    }
    return {name: {"fault": "status", "status": 200, **case} for name, case in cases.items()}


async def test_no_answer_of_a_backend_leads_elsewhere(calm_suite, kit, catcher: Catcher, slug: str) -> None:
    backend = kit.backend_of[slug]
    for operation in kit.contracts[slug].operations.values():
        token = calm_suite.token(operation)
        for case, fault in elsewhere(catcher.url).items():
            await calm_suite.fault(backend, **fault, times=2)
            answer = await calm_suite.call(operation, token, kit.unreal(operation))
            assert b"circuit-open" not in answer.body, case
            assert not catcher.heard, (operation.name, case, catcher.heard)
            assert catcher.url.encode() not in answer.body, (operation.name, case)
            await calm_suite.heal()


SHAPES = (
    "null", "7", '"text"', "[]", "{}", "[null]", "[[]]", '"', '{"error": "text"}', '{"error": null}',
    '{"d": null}', '{"d": []}', '{"d": {}}', '{"d": {"results": [null]}}',
    '{"records": null}', '{"records": [null]}', '{"totalSize": 1, "done": true, "records": [{}]}',
    '{"compositeResponse": []}', '{"compositeResponse": [null]}',
    '{"compositeResponse": [{"body": null, "httpStatusCode": 200, "referenceId": "x"}]}',
    '{"id": 5, "rates": null}', '{"id": "shp_1", "rates": [{"rate": "free"}]}',
)  # fmt: skip
"""Answers of no shape that any backend has."""


async def test_no_answer_of_a_backend_breaks_an_operation(calm_suite, kit, slug: str) -> None:
    """With any status: a problem that blames the backend, or what a caller may hear of it, but no defect of ours."""
    backend = kit.backend_of[slug]
    for operation in kit.contracts[slug].operations.values():
        token = calm_suite.token(operation)
        for number, shape in enumerate(SHAPES):
            status = (200, 400, 404, 409, 500)[number % 5] if number % 2 else 200
            fault = {"fault": "nonsense", "status": status, "body": shape, "times": 1}
            await calm_suite.fault(backend, **fault)
            answer = await calm_suite.call(operation, token, kit.unreal(operation))
            if b"circuit-open" in answer.body:
                await calm_suite.heal()
                await calm_suite.fault(backend, **fault)
                answer = await calm_suite.call(operation, token, kit.unreal(operation))
            assert b"circuit-open" not in answer.body
            assert answer.status != 500, (operation.name, shape, status, answer.body)
            await calm_suite.calm()


async def test_a_token_answer_that_names_another_org_is_not_believed(calm_suite, kit, catcher: Catcher) -> None:
    operation = kit.operations["crm.list_customers"]
    await calm_suite.sandbox("salesforce", "POST", "expire-tokens")
    body = {
        "access_token": "00D!PLANTED",
        "instance_url": catcher.url,
        "token_type": "Bearer",
        "id": "x",
        "scope": "api",
    }
    await calm_suite.fault("salesforce", path="/services/oauth2/token", fault="status", status=200, body=body)
    answer = await calm_suite.call(operation, calm_suite.token(operation))
    assert answer.status in (502, 503)
    assert not catcher.heard
    assert b"PLANTED" not in answer.body
    await calm_suite.calm()
