"""Orders of an E-Business Suite are placed once and read, over Basic or a login's token."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from msgspec.structs import replace

from sandboxes.company import company
from sandboxes.kit import serve_sandbox
from shared.binding.problems import BackendFault, BackendUnavailable, NotFound, Problem
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import ErpOrderNotFound, OrderNotCancellable, OrderRejected
from shared.resilience.doubt import Doubts
from shared.resilience.outbound import Outbound
from shared.resilience.wire import ReplyHeaders, Wire, WireReply
from shared.security.secrets import Secret
from system_apis.oracle.ebs.gateway import IntegratedSoaGateway, problem_of
from system_apis.oracle.ebs.orders import EbsOrders
from system_apis.oracle.ebs.settings import EbsSettings

PROCESS = "*/process_order/"
Connect = Callable[..., EbsOrders]


@pytest.fixture(scope="module")
async def suite_url() -> AsyncIterator[str]:
    async with serve_sandbox("oracle_ebs") as url:
        yield url


@pytest.fixture
def ebs(wire: Wire, password: Path, suite_url: str) -> Connect:
    """Orders of the suite, or of another URL."""

    def connected(url: str = "", **changed: Any) -> EbsOrders:
        chosen: dict[str, Any] = {"username": "TRIPTYCH", "retry_delays": (0.001,), "order_source_id": 1001, **changed}
        settings = EbsSettings(url=url or suite_url, password=Secret(f"file:{password}"), **chosen)
        return EbsOrders(IntegratedSoaGateway(settings, Outbound(wire)), Doubts())

    return connected


@pytest.fixture
async def suite(suite_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The suite without orders, logged on."""
    async with httpx.AsyncClient(base_url=suite_url, auth=("TRIPTYCH", "sandbox-only")) as http:
        yield http
        await http.post("/__sandbox__/reset")


@pytest.fixture
def order() -> NewErpOrder:
    lines = [NewOrderLine("TG-00001", Decimal(3), Money(Decimal("12.50"), "EUR")), NewOrderLine("TG-00002", Decimal(1))]
    return NewErpOrder("ref-1", "10100001", "EUR", lines, purchase_order="PO-7")


async def kept(suite: httpx.AsyncClient) -> list[dict[str, Any]]:
    return (await suite.get("/__sandbox__/ledger")).json()["orders"]


@pytest.mark.parametrize("auth", ["basic", "token"])
async def test_an_order_is_placed_booked_and_read(
    ebs: Connect, suite: httpx.AsyncClient, order: NewErpOrder, auth: str
) -> None:
    orders = ebs(auth=auth)
    made = await orders.place(order)
    assert (made.reference, made.erp_number, made.state) == ("ref-1", "10100001", "open")
    assert made.lines[0].net == Money(Decimal("37.50"), "EUR")
    assert made.net.amount == sum(one.net.amount for one in made.lines)
    assert await orders.get(made.erp_order_id) == made
    if auth == "token":
        await suite.post("/__sandbox__/expire-tokens", json={})
        assert await orders.get(made.erp_order_id) == made


async def test_the_same_reference_is_the_same_order_also_for_many_at_once(
    ebs: Connect, suite: httpx.AsyncClient, order: NewErpOrder
) -> None:
    orders = ebs()
    answers = await asyncio.gather(*(orders.place(order) for _ in range(3)))
    again = await ebs().place(order)
    assert {one.erp_order_id for one in (*answers, again)} == {answers[0].erp_order_id}
    assert len(await kept(suite)) == 1


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_an_answer_that_is_lost_makes_no_second_order(
    ebs: Connect, suite: httpx.AsyncClient, order: NewErpOrder, fault: str
) -> None:
    lost = {"fault": fault, "method": "POST", "path": PROCESS, "after": 1}  # the look before it passes
    await ebs().place(replace(order, reference="other"))
    await suite.post("/__sandbox__/faults", json=lost)
    await ebs().place(order)
    assert [one["ORIG_SYS_DOCUMENT_REF"] for one in await kept(suite)] == ["other", "ref-1"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"erp_number": "99999999"}, "OE_VTI_CUSTOMER"),
        ({"lines": [NewOrderLine("no-such-item", Decimal(1))]}, "OE_INVALID_ITEM"),
    ],
)
async def test_status_e_is_a_refusal_in_the_suites_words(
    ebs: Connect, suite: httpx.AsyncClient, order: NewErpOrder, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(OrderRejected) as rejected:
        await ebs().place(replace(order, **changed))
    assert words in rejected.value.errors[0].detail
    assert await kept(suite) == []


@pytest.mark.parametrize("fault", ["", "lost-reply", "truncate"])
async def test_an_order_is_cancelled_with_the_reason_and_stays_so(
    ebs: Connect, suite: httpx.AsyncClient, order: NewErpOrder, fault: str
) -> None:
    made = await ebs().place(order)
    if fault:
        await suite.post("/__sandbox__/faults", json={"fault": fault, "method": "POST", "path": PROCESS})
    for _ in range(2):
        cancelled = await ebs().cancel(made.erp_order_id, "Changed their mind.")
        assert (cancelled.state, cancelled.net.amount) == ("cancelled", 0)
        assert [one.quantity for one in cancelled.lines] == [one.quantity for one in order.lines]
    assert [(one["state"], one["CHANGE_COMMENTS"]) for one in await kept(suite)] == [
        ("cancelled", "Changed their mind.")
    ]


@pytest.mark.parametrize(
    ("until", "state"), [("delivery", "in-delivery"), ("goods-issue", "delivered"), ("invoice", "invoiced")]
)
async def test_an_order_is_followed_and_what_has_left_is_not_cancelled(
    ebs: Connect, suite: httpx.AsyncClient, order: NewErpOrder, until: str, state: str
) -> None:
    made = await ebs().place(order)
    await suite.post("/__sandbox__/fulfil", json={"order": made.erp_order_id, "until": until})
    assert (await ebs().get(made.erp_order_id)).state == state
    if state == "in-delivery":
        assert (await ebs().cancel(made.erp_order_id, "late")).state == "cancelled"
        return
    with pytest.raises(OrderNotCancellable):
        await ebs().cancel(made.erp_order_id, "late")


async def test_a_rule_that_forbids_cancelling_is_told_in_the_suites_words(
    ebs: Connect, peer: Callable[..., Awaitable[Any]]
) -> None:
    shown = b'{"OutputParameters":{"X_RETURN_STATUS":"S","X_HEADER_REC":{"HEADER_ID":1,"FLOW_STATUS_CODE":"BOOKED"}}}'
    refused = b'{"OutputParameters":{"X_RETURN_STATUS":"E","X_MSG_DATA":"A constraint forbids it."}}'
    server = await peer((200, shown), (200, refused), (200, shown))
    with pytest.raises(OrderNotCancellable) as told:
        await ebs(server.url).cancel("1", "late")
    assert told.value.extensions["remark"] == "A constraint forbids it."


async def test_goods_go_to_the_place_that_the_order_names(
    ebs: Connect, suite: httpx.AsyncClient, order: NewErpOrder
) -> None:
    place = company().customer_by_sap[order.erp_number].ship_to[0].sap_customer
    for reference, ship_to in (("usual", order.erp_number), ("named", place)):
        await ebs().place(replace(order, reference=reference, ship_to_erp_number=ship_to))
    assert [one["ship_to"] for one in await kept(suite)] == [None, place]


async def test_an_order_in_no_shape_is_not_sent(ebs: Connect, order: NewErpOrder) -> None:
    for wrong in ([], [NewOrderLine("TG-00001", Decimal(0))]):
        with pytest.raises(OrderRejected):
            await ebs("http://127.0.0.1:9").place(replace(order, lines=wrong))


async def test_there_is_no_order_of_an_unknown_id(ebs: Connect) -> None:
    for unknown in ("1", "x"):
        with pytest.raises(ErpOrderNotFound):
            await ebs().get(unknown)


async def test_status_u_and_a_success_without_an_order_are_faults(
    ebs: Connect, peer: Callable[..., Awaitable[Any]]
) -> None:
    for output in ('"X_RETURN_STATUS":"U","X_MSG_DATA":"ORA-06502"', '"X_RETURN_STATUS":"S"'):
        server = await peer((200, b'{"OutputParameters":{%b}}' % output.encode()))
        with pytest.raises(BackendFault):
            await ebs(server.url).get("1")


async def test_nothing_is_placed_while_it_is_uncertain_whether_it_stands(
    ebs: Connect, peer: Callable[..., Awaitable[Any]], order: NewErpOrder
) -> None:
    server = await peer((200, b'{"OutputParameters":{"X_RETURN_STATUS":"E","X_MSG_DATA":"The order is closed."}}'))
    with pytest.raises(BackendFault, match="no_such_order"):
        await ebs(server.url).place(order)
    assert len(server.requests) == 1


async def test_a_responsibility_that_is_not_ours_and_a_path_without_a_service_are_faults(ebs: Connect) -> None:
    for wrong in ({"responsibility": "SYSTEM_ADMINISTRATOR"}, {"order_alias": "elsewhere"}, {"username": "SCOTT"}):
        with pytest.raises(BackendFault):
            await ebs(**wrong).get("1")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b'{"ISGServiceFault":{"Code":"X"}}', NotFound),
        (404, b"<html/>", BackendFault),
        (400, b"{}", BackendFault),
        (500, b'{"ISGServiceFault":{"Code":"ORA"}}', BackendUnavailable),
        (503, b"", BackendUnavailable),
        (302, b"", BackendFault),
    ],
)
def test_each_refusal_of_the_gateway_is_one_kind_of_problem(status: int, body: bytes, kind: type[Problem]) -> None:
    assert type(problem_of(WireReply(status, ReplyHeaders(), body))) is kind


async def test_the_wadl_names_the_procedures_and_what_is_wrong_is_a_gateway_fault(suite: httpx.AsyncClient) -> None:
    described = ET.fromstring((await suite.get("/webservices/rest/order?WADL")).text)
    ids = [one.get("id") for one in described.iter("{http://wadl.dev.java.net/2009/02}method")]
    assert ids == ["GET_ORDER", "PROCESS_ORDER"]
    for path, body, status, code in (
        ("get_order", b"{", 400, "ISG_INVALID_PAYLOAD"),
        ("get_order", b"[]", 400, "ISG_INVALID_PAYLOAD"),
        ("drop_order", b"{}", 404, "ISG_SERVICE_NOT_FOUND"),
        ("get_order", b'{"GET_ORDER_Input":{}}', 403, "IRepAccessError"),
    ):
        answer = await suite.post(f"/webservices/rest/order/{path}/", content=body)
        assert (answer.status_code, answer.json()["ISGServiceFault"]["Code"]) == (status, code)
