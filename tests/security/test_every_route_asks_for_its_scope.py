"""The scope and route matrix: generated, so that a new operation is in it on the day it is declared."""

import json
from typing import Any

from shared.binding.operation import Operation
from shared.host import app
from shared.host.placement import Placement
from shared.host.process import Process
from shared.security.issuer_app import ISSUER_PATHS

OPEN_PATHS = {
    "/", "/docs", "/docs/assets/{name:str}", "/docs/token", "/health", "/livez", "/metrics", "/openapi/{name:str}",
    "/problems", "/problems/{slug:str}", "/readyz", "/startupz", "/traces/{trace_id:str}",
}  # fmt: skip
"""All that is served without a scope: probes, pages, and two doors for this machine only."""

EXPECTED_FIELDS = {"type", "title", "status", "detail", "instance", "traceId"}


def tokens_to_refuse(suite: Any, kit: Any, operation: Operation) -> dict[str, tuple[str | None, int]]:
    """Every kind of token that must not open an operation, with the status of the refusal."""
    own = operation.contract.audience
    foreign = {
        f"audience of {contract.slug}": (suite.token(operation, audience=contract.audience), 401)
        for contract in kit.contracts.values()
        if contract.audience != own
    }
    right = suite.token(operation)
    head, payload, signature = right.split(".")
    forged = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    return {
        "none": (None, 401),
        "empty": ("", 401),
        "malformed": ("not.a.token", 401),
        "unsigned": (f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{payload}.", 401),
        "forged": (f"{head}.{payload}.{forged}", 401),
        "expired": (suite.token(operation, age=7200), 401),
        "not yet valid": (suite.token(operation, age=-7200), 401),
        **foreign,
        "no scope": (suite.token(operation, scopes=[]), 403),
        "other scopes only": (suite.token(operation, scopes=kit.everything() - {operation.scope}), 403),
        "a scope that begins alike": (
            suite.token(operation, scopes=[operation.scope + "s", operation.scope[:-1]]),
            403,
        ),
    }


async def test_no_token_but_the_right_one_opens_an_operation(suite, kit, operation: Operation) -> None:
    before = await suite.books()
    for kind, (token, status) in tokens_to_refuse(suite, kit, operation).items():
        answer = await suite.call(operation, token)
        assert answer.status == status, (kind, answer.body)
        assert set(answer.problem) == EXPECTED_FIELDS | {"reason" if status == 401 else "scope"}, kind
        assert answer.problem["traceId"] == answer.headers["trace-id"]
        assert answer.headers["www-authenticate"].startswith(f'Bearer realm="{operation.contract.audience}"'), kind
        assert answer.headers["cache-control"] == "no-store"
        assert ("scope=" in answer.headers["www-authenticate"]) == (status == 403)
    assert await suite.books() == before


async def test_a_token_counts_in_the_authorization_header_only(suite, kit, operation: Operation) -> None:
    token = suite.token(operation)
    body = json.dumps(kit.example(operation)).encode() if operation.body else b""
    for headers, query in (
        ([], f"?access_token={token}"),
        ([("cookie", f"access_token={token}; authorization=Bearer {token}")], ""),
        ([("x-authorization", f"Bearer {token}"), ("proxy-authorization", f"Bearer {token}")], ""),
        ([("authorization", f"Basic {token}")], ""),
        ([("authorization", token)], ""),
        ([("x-forwarded-user", "admin"), ("x-triptych-principal", "ada"), ("x-original-url", "/health")], ""),
    ):
        answer = await suite.ask(operation.method, kit.target(operation) + query, [*kit.document, *headers], body)
        assert answer.status == 401, (headers, query)
        assert answer.problem["reason"] == "missing"


async def test_the_right_token_is_not_refused(suite, kit, operation: Operation) -> None:
    answer = await suite.call(operation, suite.token(operation, scopes=kit.everything()), kit.unreal(operation))
    assert answer.status not in (401, 403), answer.body
    assert answer.status < 500, answer.body


async def test_other_methods_open_nothing(suite, kit, operation: Operation) -> None:
    path = operation.path
    known = {o.method for o in kit.declared.values() if o.path == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - known:
        answer = await suite.ask(method, kit.target(operation), [("authorization", f"Bearer {suite.token(operation)}")])
        assert answer.status == 405, method
        assert known <= set(answer.headers["allow"].split(", "))
        assert answer.problem["type"] == "/problems/method-not-allowed"
    for method in ("TRACE", "CONNECT", "PROPFIND", "get"):
        answer = await suite.ask(method, kit.target(operation))
        assert answer.status in (400, 404, 405, 501), method
        assert b"Bearer" not in answer.body


async def test_what_is_served_is_what_the_contracts_declare_and_a_short_list(suite, kit, monkeypatch) -> None:
    served: list[str] = []

    class Spy(app.Litestar):
        def __init__(self, route_handlers: Any, **options: Any) -> None:
            served.extend(path for handler in route_handlers for path in handler.paths)
            super().__init__(route_handlers, **options)

    process = Process(suite.runtime, Placement.of(suite.runtime, "suite"), journal="routes.db")
    await process.start()
    try:
        monkeypatch.setattr(app, "Litestar", Spy)
        app.build_app(process)
    finally:
        await process.stop()
        for file in suite.state.glob("routes.db*"):
            file.unlink()
    declared = {operation.path.replace("}", ":str}") for operation in kit.declared.values()}
    assert sorted(served) == sorted(declared | OPEN_PATHS)
    assert {path for path in ISSUER_PATHS if not path.startswith(("/oauth2/", "/.well-known/"))} == set()


async def test_the_openapi_documents_say_the_same(suite, kit) -> None:
    found: set[tuple[str, ...]] = set()
    for slug, contract in kit.contracts.items():
        answer = await suite.ask("GET", f"/openapi/{slug}.json")
        described = json.loads(answer.body)
        for path, methods in described["paths"].items():
            full = path if path.startswith(contract.prefix) else contract.prefix + path
            for method, operation in methods.items():
                if method in ("get", "post", "put", "patch", "delete"):
                    ((scheme, scopes),) = operation["security"][0].items()
                    assert described["components"]["securitySchemes"][scheme]
                    found.add((method.upper(), full, *scopes))
    opened = {(o.method, o.path, o.scope) for o in kit.operations.values()}
    assert found == opened | {(o.method, o.path) for o in kit.declared.values() if o.signed}
