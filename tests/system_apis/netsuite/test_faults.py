"""What NetSuite answers when it does not answer: every reply is one problem, by its code."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    Conflict,
    NotFound,
    PreconditionFailed,
    Problem,
    QuotaExceeded,
)
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import OrderRejected
from shared.resilience.outbound_faults import OutcomeUnknown
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.netsuite.connector import made_id
from system_apis.netsuite.faults import pointer, problem_of
from system_apis.netsuite.service import NetSuiteErp

ORDERS = "/services/rest/record/v1/salesOrder"
QUERY = "/services/rest/query/v1/suiteql"
HTML = b"<!DOCTYPE html><html><body>NetSuite is undergoing maintenance</body></html>"


def refusal(code: str, path: str = "") -> bytes:
    detail = {"detail": "Words of NetSuite.", "o:errorCode": code, "o:errorPath": path}
    return msgspec.json.encode({"title": "Bad Request", "status": 400, "o:errorDetails": [detail]})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, refusal("USER_ERROR"), OrderRejected),
        (400, refusal("INVALID_CONTENT", "item.items[2].quantity"), OrderRejected),
        (400, refusal("NONEXISTENT_FIELD"), BackendFault),
        (400, refusal("INVALID_PARAMETER"), BackendFault),
        (400, refusal("DUP_RCRD"), Conflict),
        (400, refusal("RCRD_HAS_BEEN_CHANGED"), PreconditionFailed),
        (400, refusal("SSS_REQUEST_LIMIT_EXCEEDED"), QuotaExceeded),
        (400, b'{"error":{"code":"SSS_REQUEST_LIMIT_EXCEEDED","message":"busy"}}', QuotaExceeded),
        (400, b'{"error":{"code":"SSS_MISSING_REQD_ARGUMENT","message":"script"}}', BackendFault),
        (200, b'{"error":{"code":"UNEXPECTED_ERROR","message":"oops"}}', BackendUnavailable),
        (200, refusal("USER_ERROR"), OrderRejected),
        (401, refusal("INVALID_LOGIN"), BackendFault),
        (403, refusal("INSUFFICIENT_PERMISSION"), BackendFault),
        (404, refusal("NONEXISTENT_ID"), NotFound),
        (404, HTML, BackendFault),
        (400, HTML, None),
        (429, b"", QuotaExceeded),
        (429, HTML, QuotaExceeded),
        (302, b"", BackendFault),
        (500, refusal("UNEXPECTED_ERROR"), BackendUnavailable),
        (503, HTML, BackendUnavailable),
        (409, b"", PreconditionFailed),
    ],
)
def test_reply_is_judged_by_its_code_before_its_status(status: int, body: bytes, kind: type[Problem] | None) -> None:
    problem = problem_of(WireReply(status, ReplyHeaders(), body))
    assert problem is not None
    assert kind is None or type(problem) is kind
    assert "maintenance" not in problem.detail


@pytest.mark.parametrize("body", [b"", b'{"items":[]}', b'{"error":null}', b'{"errors":1}', HTML])
def test_answer_is_no_problem(body: bytes) -> None:
    assert problem_of(WireReply(200, ReplyHeaders(), body)) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("item.items[2].quantity", "/lines/2/quantity"),
        ("item.items[0].location", "/lines/0"),
        ("entity", "/erpNumber"),
        ("addressBook.items[0].addressBookAddress.zip", "/address/postalCode"),
        ("shipAddressList", "/shipToErpNumber"),
        ("custbody_unknown", None),
        ("", None),
    ],
)
def test_fields_are_told_where_our_callers_have_them(path: str, expected: str | None) -> None:
    assert pointer(path) == expected


def test_reply_that_does_not_say_what_it_made_is_a_fault() -> None:
    for location in ("", "https://x/customer/", "https://x/customer/eid:7"):
        with pytest.raises(BackendFault):
            made_id(WireReply(204, ReplyHeaders([("Location", location)]), b""))
    assert made_id(WireReply(204, ReplyHeaders([("Location", "https://x/customer/647")]), b"")) == "647"


async def test_account_that_is_busy_is_asked_again(
    erp: NetSuiteErp, control: Any, new_order: Callable[..., NewErpOrder]
) -> None:
    await control.do("faults", fault="status", method="*", path=QUERY, status=429, times=2)
    await control.do("faults", fault="status", method="POST", path=ORDERS, status=429, times=2)
    assert (await erp.create_order(new_order("busy"))).state == "open"
    assert len(await control.orders()) == 1


@pytest.mark.parametrize("fault", ["html", "nonsense", "truncate", "close"])
async def test_query_without_a_usable_answer_is_a_fault_that_leaks_nothing(
    erp: NetSuiteErp, control: Any, fault: str
) -> None:
    await control.do("faults", fault=fault, method="POST", path=QUERY, times=9)
    with pytest.raises((BackendFault, BackendUnavailable)) as refused:
        await erp.get_credit("10100001")
    assert "<" not in refused.value.detail
    assert "oauth" not in str(refused.value).lower()


async def test_page_of_html_in_place_of_an_answer_leads_to_no_second_order(
    erp: NetSuiteErp, control: Any, new_order: Callable[..., NewErpOrder]
) -> None:
    await control.do("faults", fault="html", method="POST", path=ORDERS)
    with pytest.raises(BackendFault):
        await erp.create_order(new_order("paged"))
    placed = await erp.create_order(new_order("paged"))
    assert [row["id"] for row in await control.orders()] == [placed.erp_order_id]


async def test_place_of_unknown_fate_is_not_added_again_at_once(erp: NetSuiteErp, control: Any, firm: Any) -> None:
    from shared.contracts.canonical.party import NewDeliveryPlace
    from shared.contracts.canonical.values import Address

    number = firm.customers[0].sap_customer
    place = NewDeliveryPlace("001-9", "Depot", Address("Street 1", country="DE"))
    await control.do("faults", fault="close", method="PATCH", path="/services/rest/record/v1/customer/*")
    with pytest.raises(OutcomeUnknown):
        await erp.add_delivery_place(number, place)
