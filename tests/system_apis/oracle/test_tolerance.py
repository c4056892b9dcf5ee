"""What pods, and gateways in front of them, answer otherwise than promised: read where it can be, named where not."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.binding.problems import BackendFault, BackendUnavailable, PreconditionFailed
from shared.contracts.system.erp import OrderRejected
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.faults import problem_of
from system_apis.oracle.rest import Part
from system_apis.oracle.service import OracleErp

Connect = Callable[..., OracleConnector]
Serve = Callable[..., Awaitable[Any]]
ROOT = "/fscmRestApi/resources/11.13.18.05"
PARTS = [Part("p0", "/a/1", "update", {"A": 1}), Part("p1", "/b/1", "update", {"B": 1})]
WORDS = "The item isn't valid."
ORDER = {"HeaderId": 1, "OrderNumber": "1000001", "OrderKey": "T:1", "TransactionalCurrencyCode": "EUR"}


def listed(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"items": rows, "hasMore": False}).encode()


@pytest.mark.parametrize(
    "error",
    [
        WORDS,
        {"title": "Bad Request", "o:errorDetails": [{"detail": WORDS}]},
        {"title": "Bad Request", "o:errorDetails": {"detail": WORDS}},
        {"title": "Bad Request", "o:errorDetails": [WORDS]},
        {"title": "Bad Request", "o:errorDetails": [{"detail": {"value": WORDS, "lang": "en"}}]},
        {"title": "Bad Request", "status": 400, "detail": WORDS},
        {"code": "InvalidParameter", "message": WORDS},
        {"message": {"value": WORDS}},
        {"title": WORDS, "o:errorDetails": []},
    ],
)
def test_a_refusal_is_read_however_it_is_written(error: Any) -> None:
    problem = problem_of(WireReply(400, ReplyHeaders(), json.dumps(error).encode()), OrderRejected)
    assert type(problem) is OrderRejected
    assert [one.detail for one in problem.errors] == [WORDS]


@pytest.mark.parametrize("body", [b'{"o:errorDetails":7}', b"{}", b"[]", b"[" * 5000, b'{"parts":[7,{"error":[]}]}'])
def test_an_error_without_words_is_none_the_less_one(body: bytes) -> None:
    problem = problem_of(WireReply(400, ReplyHeaders(), body), OrderRejected)
    assert type(problem) in (OrderRejected, BackendFault)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("400", OrderRejected), ("412", PreconditionFailed), (None, OrderRejected), ("500", BackendUnavailable)],
)
async def test_a_part_that_failed_fails_the_batch_also_where_the_answer_is_200(
    connect: Connect, peer: Serve, status: str | None, kind: type[Exception]
) -> None:
    error = {"title": "Bad Request", "status": status, "o:errorDetails": [{"detail": WORDS, "o:errorPath": "/B"}]}
    body = {"parts": [{"id": "p0", "path": "/a/1", "operation": "update"}, {"id": "p1", "error": error}]}
    server = await peer((200, json.dumps(body).encode()))
    with pytest.raises(kind):
        await connect(server.url).batch(ROOT, PARTS, "save", refusal=OrderRejected)


async def test_a_batch_that_leaves_a_part_unanswered_is_in_doubt(connect: Connect, peer: Serve) -> None:
    one = {"parts": [{"id": "p0", "path": "/a/1", "operation": "update"}]}
    for body in (json.dumps(one).encode(), b"<html>signed out</html>"):
        server = await peer((200, body))
        with pytest.raises(BackendFault):
            await connect(server.url).batch(ROOT, PARTS, "save")


async def test_an_order_is_read_by_what_is_there(connect: Connect, peer: Serve) -> None:
    line = {"FulfillLineId": 1, "LineId": 1, "ProductNumber": "TG-1", "OrderedQuantity": 2, "ExtendedAmount": None}
    rich = {
        **ORDER,
        "lines": {"items": [line]},
        "totals": {},
        "holds": {"items": []},
        "StatusCode": None,
        "New": {"A": 1},
    }
    server = await peer((200, listed(ORDER)), (200, listed(rich)))
    erp = OracleErp(connect(server.url))
    bare = await erp.get_order("1000001")
    assert (bare.state, bare.net.amount, bare.lines, bare.created) == ("open", Decimal("0.00"), [], None)
    assert [(one.sku, one.quantity, one.net.amount) for one in (await erp.get_order("1000001")).lines] == [
        ("TG-1", 2, Decimal("0.00"))
    ]


@pytest.mark.parametrize("missing", ORDER)
async def test_an_order_without_what_names_it_is_a_fault(connect: Connect, peer: Serve, missing: str) -> None:
    server = await peer((200, listed({name: value for name, value in ORDER.items() if name != missing})))
    with pytest.raises(BackendFault):
        await OracleErp(connect(server.url)).get_order("1000001")


async def test_a_page_instead_of_an_answer_is_a_fault_and_shows_nothing_of_itself(
    connect: Connect, peer: Serve
) -> None:
    server = await peer((200, b"<html>SCHMIDT is signed out</html>"))
    with pytest.raises(BackendFault) as fault:
        await OracleErp(connect(server.url)).get_order("1000001")
    assert "SCHMIDT" not in str(fault.value.details())


async def test_retry_after_is_told(connect: Connect, peer: Serve) -> None:
    server = await peer((503, b"<html>Maintenance</html>", "Retry-After: 120"))
    with pytest.raises(BackendUnavailable) as later:
        await OracleErp(connect(server.url, retry_delays=())).get_order("1000001")
    assert later.value.retry_after == 120


async def test_another_framework_version_than_asked_for_is_named(connect: Connect, peer: Serve) -> None:
    arrays = listed({**ORDER, "lines": []})
    server = await peer(*[(200, arrays, "REST-Framework-Version: 2")] * 2)
    with pytest.raises(BackendFault, match="version 2, asked for 4; choose a framework_version"):
        await OracleErp(connect(server.url)).get_order("1000001")
    with pytest.raises(BackendFault, match="version 2"):
        await connect(server.url).change(f"{ROOT}/a/1", {"A": 1}, dict[str, Any], "change")


async def test_every_version_that_writes_errors_in_detail_is_spoken(
    connect: Connect, control: Any, sandbox_url: str, new_order: Any
) -> None:
    del control
    for version in (4, 9):
        erp = OracleErp(connect(sandbox_url, framework_version=version, metadata_context='sandbox="Trial"'))
        assert (await erp.create_order(new_order(f"v-{version}"))).reference == f"v-{version}"


async def test_with_a_relayed_token_the_password_goes_once(
    connect: Connect, control: Any, sandbox_url: str, new_order: Any, tmp_path: Path
) -> None:
    erp = OracleErp(connect(sandbox_url, auth="token-relay"))
    placed = await erp.create_order(new_order("relayed"))
    await control.do("expire-tokens")
    assert await erp.get_order(placed.erp_order_id) == placed
    relays = [path for _, path, _ in await control.requests() if path == "/fscmRestApi/tokenrelay"]
    assert len(relays) == 2
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    with pytest.raises(BackendFault, match="gives no token"):
        await OracleErp(connect(sandbox_url, wrong, auth="token-relay")).get_order("1")
