"""What becomes of SAP's refusals, pages, nonsense and broken replies."""

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
from shared.contracts.system.erp import ErpCancellation, ErpOrderNotFound, OrderNotCancellable, OrderRejected
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.sap.faults import problem_of
from system_apis.sap.order_translator import remarks
from system_apis.sap.service import SapErp

Connect = Callable[..., SapErp]
StartPeer = Callable[..., Awaitable[Any]]
TOKEN = (200, b"{}", "x-csrf-token: t0ken", "set-cookie: s=1")
PAGE = b"<!DOCTYPE html><html><head><title>Logon</title></head><body>MUELLER logged on</body></html>"
XML = (
    b'<?xml version="1.0" encoding="utf-8"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
    b'<code>%b</code><message xml:lang="en">%b</message><innererror><errordetails><errordetail><code>V1/320</code>'
    b"<message>Sold-to missing</message><severity>error</severity><target>SoldToParty</target></errordetail>"
    b"</errordetails></innererror></error>"
)


def reply(status: int, body: bytes, **headers: str) -> WireReply:
    return WireReply(status, ReplyHeaders([(name.replace("_", "-"), value) for name, value in headers.items()]), body)


def error(code: str, message: Any = None, **more: Any) -> bytes:
    said = {"lang": "en", "value": "Something is wrong"} if message is None else message
    return json.dumps({"error": {"code": code, "message": said, **more}}).encode()


def caught(status: int, body: bytes, **headers: str) -> Problem:
    problem = problem_of(reply(status, body, **headers))
    assert problem is not None
    assert "MUELLER" not in problem.detail
    return problem


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error("V1/320"), OrderRejected),
        (400, error("V1/320", "plain text, as V4 has it"), OrderRejected),
        (400, error("V1/320", None, innererror="short"), OrderRejected),
        (400, error("V1/320", None, innererror={"errordetails": {"errordetail": []}}), OrderRejected),
        (422, error("ZSALES/001"), OrderRejected),
        (400, error("/IWBEP/CX_MGW_BUSI_EXCEPTION"), OrderRejected),
        (400, XML % (b"V1/320", b"Sold-to missing"), OrderRejected),
        (400, error("V1/042", "processed by MUELLER"), BackendUnavailable),
        (400, XML % (b"V1/042", b"processed by MUELLER"), BackendUnavailable),
        (409, error("MC/601"), BackendUnavailable),
        (423, b"", BackendUnavailable),
        (400, error("/IWFND/CM_MGW/530"), BackendFault),
        (400, error("005056A509B11EE1B9A8FEC11C21D78E"), BackendFault),
        (400, PAGE, BackendFault),
        (400, b"", BackendFault),
        (404, error("/IWBEP/CM_MGW_RT/020"), NotFound),
        (404, error("SLS_LO/501"), NotFound),
        (404, XML % (b"SLS_LO/501", b"not found"), NotFound),
        (404, PAGE, BackendFault),
        (404, error("/IWFND/MED/170"), BackendFault),
        (401, PAGE, BackendFault),
        (403, PAGE, BackendFault),
        (403, error("/IWFND/MED/170"), BackendFault),
        (405, error("/IWFND/CM_MGW/405"), BackendFault),
        (412, error("/IWBEP/CM_MGW_RT/412"), PreconditionFailed),
        (428, error("/IWBEP/CM_MGW_RT/428"), BackendFault),
        (429, b"", QuotaExceeded),
        (302, b"", BackendFault),
        (500, PAGE, BackendUnavailable),
        (500, error("CX_SY_ZERODIVIDE"), BackendUnavailable),
        (503, b"", BackendUnavailable),
        (504, b"\xff\xfe", BackendUnavailable),
    ],
)
def test_every_refusal_has_its_kind(status: int, body: bytes, kind: type[Problem]) -> None:
    assert type(caught(status, body)) is kind


def test_success_is_an_answer() -> None:
    assert problem_of(reply(200, PAGE)) is None
    assert problem_of(reply(204, b"")) is None


def test_detail_with_a_target_says_which_part_is_wrong_in_json_and_xml() -> None:
    details = [
        {"code": "V1/320", "message": "x", "severity": "error", "target": "/A_SalesOrder/SoldToParty"},
        {"code": "/IWBEP/CX_MGW_BUSI_EXCEPTION", "message": "y", "severity": "error"},
    ]
    by_json = caught(400, error("/IWBEP/CX_MGW_BUSI_EXCEPTION", None, innererror={"errordetails": details}))
    by_xml = caught(400, XML % (b"V1/320", b"Sold-to missing"))
    assert (
        by_json.detail == by_xml.detail == "SAP refused the order: the customer cannot be sold to in this sales area."
    )
    assert by_json.extensions == {"code": "V1/320", "remark": "x"}


@pytest.mark.parametrize("message", ["Sold-to missing", {"lang": "en", "value": "Sold-to missing"}])
def test_message_may_be_a_text_or_an_object_and_remarks_of_v4_are_no_errors(message: Any) -> None:
    details = [
        {"code": "V1/555", "message": "for your notice", "target": "Material", "@Common.numericSeverity": 2},
        {"code": "V1/320", "message": message, "target": "SoldToParty", "@Common.numericSeverity": 4},
    ]
    refused = caught(400, error("/IWBEP/CX_MGW_BUSI_EXCEPTION", message, details=details))
    assert refused.detail == "SAP refused the order: the customer cannot be sold to in this sales area."
    assert refused.extensions == {"code": "V1/320", "remark": "Sold-to missing"}
    assert [one.detail for one in refused.errors] == ["Sold-to missing"]


def test_saps_words_are_a_bounded_single_line_and_only_for_business() -> None:
    assert caught(400, error("V1/001", "a\r\nb\x00" + "c" * 500)).extensions["remark"] == ("a b " + "c" * 500)[:220]
    assert "remark" not in caught(500, error("X/1", "secret of the dump")).extensions


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE error [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><error><code>&b;</code></error>',
        b"<error><code>V1/1</code>",
        b'<?xml version="1.0" encoding="no-such"?><error/>',
        b"<feed/>",
        b'{"error":',
        b'{"error":[]}',
        b"{}",
        b"\x00\xff",
    ],
)
def test_unreadable_error_bodies_are_faults_and_never_crash(body: bytes) -> None:
    assert type(caught(400, body)) is BackendFault


def test_remarks_are_read_with_details_and_without_the_notice_of_simulating() -> None:
    header = (
        '{"code":"SLS_LORD/098","message":"In simulation mode","severity":"warning","details":'
        '[{"code":"V4/217","message":"Check \\u6771","severity":"info"},{"code":"V4/2","message":null}]}'
    )
    assert remarks(reply(200, b"", sap_message=header)) == ["Check 東"]
    for broken in ("", "{", "[]", "<notification/>"):
        assert remarks(reply(200, b"", sap_message=broken)) == []
    assert remarks(reply(200, b"")) == []


@pytest.mark.parametrize(
    "body",
    [PAGE, b"", b"[]", b"null", b'{"d":{}}', b'{"d":{"results":{}}}', b'{"d":{"results":[{"SalesOrder":5}]}}', b"\xff"],
)
async def test_nonsense_in_a_success_is_a_fault(connect: Connect, peer: StartPeer, body: bytes) -> None:
    erp = connect((await peer((200, body))).url, retry_delays=())
    for call in (
        erp.list_orders("1"),
        erp.get_credit("1"),
        erp.get_customer("1"),
        erp.get_order("1"),
        erp.list_products(),
    ):
        with pytest.raises(BackendFault) as raised:
            await call
        assert "MUELLER" not in raised.value.detail


@pytest.mark.parametrize(
    "changed",
    [{"CreationDate": "/Date(99999999999999999)/"}, {"CreationDate": "today"}, {"TotalNetAmount": "NaN"}],
)
async def test_impossible_values_are_faults(connect: Connect, peer: StartPeer, changed: dict[str, str]) -> None:
    row = {"SalesOrder": "1", "SoldToParty": "2", "TotalNetAmount": "1.00", "TransactionCurrency": "EUR", **changed}
    erp = connect((await peer((200, json.dumps({"d": row}).encode()))).url)
    with pytest.raises(BackendFault):
        await erp.get_order("1")


@pytest.mark.parametrize("fault", ["truncate", "close"])
async def test_broken_reply_to_a_read_is_repeated(erp: SapErp, control: Any, fault: str) -> None:
    await control.do("faults", fault=fault, method="GET")
    assert (await erp.get_order("4000001")).erp_order_id == "4000001"


def order_row(**changed: Any) -> dict[str, Any]:
    item = {
        "__metadata": {"etag": "W/\"'1'\""}, "SalesOrderItem": "10", "Material": "M", "RequestedQuantity": "1",
        "NetAmount": "1.00",
    }  # fmt: skip
    return {
        "SalesOrder": "0000000077", "SoldToParty": "0000000002", "TotalNetAmount": "1.00", "TransactionCurrency": "EUR",
        "to_Item": {"results": [item]}, **changed,
    }  # fmt: skip


def batch(*answers: str) -> tuple[int, bytes, str]:
    parts = "".join(
        f"--X\r\nContent-Type: application/http\r\ncontent-transfer-encoding: binary\r\n\r\n{one}\r\n"
        for one in answers
    )
    return 202, f"{parts}--X--\r\n".encode(), "Content-Type: multipart/mixed; boundary=X"


def inner(status: int, body: str = "") -> str:
    return f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"


def read(**changed: Any) -> tuple[int, bytes]:
    return 200, json.dumps({"d": order_row(**changed)}).encode()


async def test_stale_entity_tag_is_read_again_and_sent_again(connect: Connect, peer: StartPeer) -> None:
    stale = batch(inner(412, error("/IWBEP/CM_MGW_RT/412").decode()))
    done = read(OverallSDDocumentRejectionSts="C")
    server = await peer(read(), TOKEN, stale, read(), batch(inner(204)), done)
    order = await connect(server.url).cancel_order("77", ErpCancellation("x"))
    assert order.state == "cancelled"
    sent = [request for request in server.requests if request.startswith(b"POST")]
    assert len(sent) == 2
    assert all(b"If-Match: W/\"'1'\"\r\n" in request for request in sent)
    assert b"MERGE A_SalesOrderItem(SalesOrder='0000000077',SalesOrderItem='10') HTTP/1.1\r\n" in sent[0]


async def test_order_that_keeps_changing_is_given_up(connect: Connect, peer: StartPeer) -> None:
    stale = batch(inner(412))
    server = await peer(read(), TOKEN, stale, *[read(), stale] * 3)
    with pytest.raises(BackendUnavailable, match="changed by somebody else"):
        await connect(server.url).cancel_order("77", ErpCancellation("x"))


async def test_refusal_inside_a_batch_means_not_cancellable(connect: Connect, peer: StartPeer) -> None:
    server = await peer(read(), TOKEN, batch(inner(400, error("V1/781", "Item 10 was delivered").decode())))
    with pytest.raises(OrderNotCancellable) as raised:
        await connect(server.url).cancel_order("77", ErpCancellation("x"))
    assert raised.value.extensions == {"code": "V1/781", "remark": "Item 10 was delivered"}


@pytest.mark.parametrize(
    "answer", [batch(), batch(inner(204), inner(204)), (202, b"", "Content-Type: text/html"), (200, PAGE)]
)
async def test_batch_that_does_not_answer_every_change_is_a_fault(
    connect: Connect, peer: StartPeer, answer: tuple[Any, ...]
) -> None:
    server = await peer(read(), TOKEN, answer)
    with pytest.raises(BackendFault):
        await connect(server.url).cancel_order("77", ErpCancellation("x"))


async def test_entity_tag_cannot_smuggle_a_header(connect: Connect, peer: StartPeer) -> None:
    evil = order_row()
    evil["to_Item"]["results"][0]["__metadata"]["etag"] = "x\r\nX-Evil: 1"
    server = await peer((200, json.dumps({"d": evil}).encode()), TOKEN)
    with pytest.raises(BackendFault, match="entity tag"):
        await connect(server.url).cancel_order("77", ErpCancellation("x"))
    assert not any(request.startswith(b"POST") for request in server.requests)


async def test_inactive_service_is_a_fault_not_a_missing_record(connect: Connect, peer: StartPeer) -> None:
    erp = connect((await peer((404, PAGE, "content-type: text/html"))).url)
    with pytest.raises(BackendFault, match="paths"):
        await erp.get_order("1")


async def test_missing_record_is_named(connect: Connect, peer: StartPeer) -> None:
    erp = connect((await peer((404, error("SLS_LO/501", "Sales order 7 not found")))).url)
    with pytest.raises(ErpOrderNotFound, match="sales order 7"):
        await erp.get_order("7")


async def test_business_refusal_of_a_read_is_no_refused_order(connect: Connect, peer: StartPeer) -> None:
    erp = connect((await peer((400, error("V1/999", "No authorisation")))).url)
    with pytest.raises(BackendFault) as raised:
        await erp.list_orders("1")
    assert raised.value.extensions["code"] == "V1/999"
