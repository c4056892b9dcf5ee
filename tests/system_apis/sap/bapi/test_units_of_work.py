"""Orders by BAPIs: what is committed, what is rolled back, what a lost answer means; never a second order."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded, Problem
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import ErpCancellation, OrderRejected
from shared.security.secrets import Secret
from system_apis.sap.bapi.order_call import creation, simulation
from system_apis.sap.bapi.settings import BapiSettings
from system_apis.sap.service import SapErp
from system_apis.sap.settings import SapSettings

New = Callable[..., NewErpOrder]
Connect = Callable[..., SapErp]
PATH = "/sap/bc/soap/rfc"
REASON = ErpCancellation("changed their mind")
ALL = dict.fromkeys(("create_order", "get_order", "cancel_order", "simulate_order"), "bapi")
COOKIE = ("Content-Type: text/xml", "Set-Cookie: sap-contextid=SID%3aANON%3a1; path=/sap/bc")
PAGE = b"<!DOCTYPE html><html><body>400 Session timed out</body></html>"


def said(function: str, inside: str = "") -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<r:{function}.Response xmlns:r="urn:sap-com:document:sap:rfc:functions">{inside}</r:{function}.Response>'
        "</s:Body></s:Envelope>"
    ).encode()


def row(kind: str, message_class: str, number: str, message: str = "") -> str:
    inside = f"<TYPE>{kind}</TYPE><ID>{message_class}</ID><NUMBER>{number}</NUMBER><MESSAGE>{message}</MESSAGE>"
    return f"<RETURN><item>{inside}</item></RETURN>"


NONE = (200, said("BAPI_SALESORDER_GETLIST", "<SALES_ORDERS/>"))
LISTED = (200, said("BAPI_SALESORDER_GETLIST", "<SALES_ORDERS><item><SD_DOC>77</SD_DOC></item></SALES_ORDERS>"))
MADE = (200, said("BAPI_SALESORDER_CREATEFROMDAT2", "<SALESDOCUMENT>0000000077</SALESDOCUMENT>"), *COOKIE)
DONE = (200, said("BAPI_TRANSACTION_COMMIT", "<RETURN/>"))
ROLLED_BACK = (200, said("BAPI_TRANSACTION_ROLLBACK"), *COOKIE)
READ = (
    200,
    said(
        "BAPISDORDER_GETDETAILEDLIST",
        "<ORDER_HEADERS_OUT><item><DOC_NUMBER>77</DOC_NUMBER><SOLD_TO>0000000002</SOLD_TO><NET_VAL_HD>5.0</NET_VAL_HD>"
        "<CURRENCY>EUR</CURRENCY></item></ORDER_HEADERS_OUT><ORDER_ITEMS_OUT><item><DOC_NUMBER>77</DOC_NUMBER>"
        "<ITM_NUMBER>000010</ITM_NUMBER><MATERIAL>A</MATERIAL><REQ_QTY>1</REQ_QTY><NET_VALUE>5</NET_VALUE></item>"
        "</ORDER_ITEMS_OUT><ORDER_BUSINESS_OUT><item><SD_DOC>77</SD_DOC><ITM_NUMBER>000000</ITM_NUMBER>"
        "<PURCH_NO_S>flow-1</PURCH_NO_S></item></ORDER_BUSINESS_OUT>",
    ),
)


def functions(server: Any) -> list[str]:
    """The functions a peer was asked for, in order."""
    return [request.partition(b"<r:")[2].split(b">")[0].split(b" ")[0].decode() for request in server.requests]


def order(**changed: Any) -> NewErpOrder:
    values: dict[str, Any] = {"reference": "flow-1", "erp_number": "2", "currency": "EUR"}
    return NewErpOrder(**{**values, "lines": [NewOrderLine("A", Decimal(1))], **changed})


@pytest.fixture
def settings(password: Path) -> SapSettings:
    return SapSettings(url="http://127.0.0.1:9", username="TRIPTYCH", password=Secret(f"file:{password}"))


async def test_order_is_the_same_by_either_interface(
    bapi: SapErp, connect: Connect, sandbox_url: str, new_order: New
) -> None:
    odata = connect(sandbox_url)
    for scenario in ("plain", "credit-refused", "short-stock", "no-minor-units", "many-lines"):
        made = await bapi.create_order(new_order(f"both-{scenario}", scenario=scenario, purchase_order="PO-5"))
        assert made.reference == f"both-{scenario}"
        assert await odata.get_order(made.erp_order_id) == made
        assert await odata.create_order(new_order(f"both-{scenario}", scenario=scenario)) == made
    other = await odata.create_order(new_order("other"))
    assert await bapi.create_order(new_order("other", purchase_order="PO-6")) == other


async def test_unit_of_work_is_one_session_that_ends_with_the_commit(peer: Any, connect: Connect) -> None:
    server = await peer(NONE, NONE, MADE, DONE, READ)
    made = await connect(server.url, interfaces=ALL).create_order(order())
    assert (made.erp_order_id, made.net) == ("77", Money(Decimal("5.00"), "EUR"))
    assert functions(server)[2:4] == ["BAPI_SALESORDER_CREATEFROMDAT2", "BAPI_TRANSACTION_COMMIT"]
    create, commit = server.requests[2:4]
    assert b"<enableSession>true<" in create
    assert b"<enableSession>false<" in commit
    assert b"cookie: sap-contextid=SID%3aANON%3a1" in commit
    assert b"<WAIT>X</WAIT>" in commit


async def test_refused_order_is_rolled_back_and_never_committed(peer: Any, connect: Connect) -> None:
    refusal = row("E", "V1", "404", "no quantity")
    refused = (200, said("BAPI_SALESORDER_CREATEFROMDAT2", f"<SALESDOCUMENT>77</SALESDOCUMENT>{refusal}"), *COOKIE)
    server = await peer(NONE, NONE, refused, ROLLED_BACK, (404, b""))
    with pytest.raises(OrderRejected) as caught:
        await connect(server.url, interfaces=ALL).create_order(order())
    assert caught.value.extensions["code"] == "V1/404"
    assert functions(server)[3] == "BAPI_TRANSACTION_ROLLBACK"
    assert b"<enableSession>false<" in server.requests[3]
    assert "BAPI_TRANSACTION_COMMIT" not in functions(server)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, PAGE), BackendUnavailable),
        (
            (200, said("BAPI_TRANSACTION_COMMIT", f"<RETURN>{'<TYPE>A</TYPE><ID>00</ID><NUMBER>1</NUMBER>'}</RETURN>")),
            BackendFault,
        ),
        ((200, PAGE), BackendFault),
    ],
    ids=["session gone", "update broken off", "page"],
)
async def test_commit_that_failed_is_looked_after_before_it_is_reported(
    peer: Any, connect: Connect, answer: tuple[Any, ...], kind: type[Problem]
) -> None:
    server = await peer(NONE, NONE, MADE, answer, ROLLED_BACK, NONE)
    with pytest.raises(kind):
        await connect(server.url, interfaces=ALL).create_order(order())
    assert functions(server).count("BAPI_SALESORDER_CREATEFROMDAT2") == 1
    assert functions(server).count("BAPI_SALESORDER_GETLIST") == 6  # two looks more, of two lists each


async def test_commit_in_doubt_that_took_effect_answers_with_the_order(peer: Any, connect: Connect) -> None:
    server = await peer(NONE, NONE, MADE, (503, b"busy"), ROLLED_BACK, LISTED, READ)
    assert (await connect(server.url, interfaces=ALL).create_order(order())).erp_order_id == "77"
    assert functions(server).count("BAPI_SALESORDER_CREATEFROMDAT2") == 1


async def test_error_of_the_list_stops_an_order_unless_it_is_said_to_mean_none(peer: Any, connect: Connect) -> None:
    none = (200, said("BAPI_SALESORDER_GETLIST", "<RETURN><TYPE>E</TYPE><CODE>V1503</CODE></RETURN>"))
    server = await peer(none, none, none, MADE, DONE, READ)
    with pytest.raises(BackendFault, match="none_found") as caught:
        await connect(server.url, interfaces=ALL).create_order(order())
    assert caught.value.extensions == {"code": "V1/503"}
    named = connect(server.url, interfaces=ALL, bapi=BapiSettings(none_found=("V1/503",)))
    assert (await named.create_order(order())).erp_order_id == "77"


async def abandoned(server: Any, asking: Coroutine[Any, Any, Any], after: int) -> None:
    """Ask, and go away when so many requests have been sent."""
    task = asyncio.create_task(asking)
    await sent(server, after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def sent(server: Any, requests: int) -> None:
    async with asyncio.timeout(30):
        while len(server.requests) < requests:  # noqa: ASYNC110 - the peer tells nobody
            await asyncio.sleep(0.01)


async def test_order_whose_commit_nobody_waited_for_is_not_made_twice(peer: Any, connect: Connect) -> None:
    server = await peer(NONE, NONE, MADE, (0,), *[NONE] * 5, LISTED, READ)  # lists and the ROLLBACK, in any order
    erp = connect(server.url, interfaces=ALL)
    await abandoned(server, erp.create_order(order()), 4)
    assert (await erp.create_order(order())).erp_order_id == "77"
    assert functions(server).count("BAPI_SALESORDER_CREATEFROMDAT2") == 1


async def test_function_nobody_waited_for_made_nothing_and_may_be_called_again(peer: Any, connect: Connect) -> None:
    server = await peer(NONE, NONE, (0,), *[NONE] * 6, MADE, DONE, READ)
    erp = connect(server.url, interfaces=ALL, timeout=2.0)
    with pytest.raises(DeadlineExceeded) as caught:
        await erp.create_order(order())
    assert "outcome" not in caught.value.extensions
    assert (await erp.create_order(order())).erp_order_id == "77"
    assert functions(server).count("BAPI_TRANSACTION_COMMIT") == 1


async def test_cancelling_opens_its_session_first_so_that_a_lost_lock_is_let_go(peer: Any, connect: Connect) -> None:
    cancelled = (
        200,
        READ[1].replace(b"</ITM_NUMBER><MATERIAL>", b"</ITM_NUMBER><REA_FOR_RE>50</REA_FOR_RE><MATERIAL>"),
    )
    server = await peer(READ, ROLLED_BACK, (503, b""), ROLLED_BACK, cancelled)
    with pytest.raises(BackendUnavailable):
        await connect(server.url, interfaces=ALL).cancel_order("77", REASON)
    rollback, change = "BAPI_TRANSACTION_ROLLBACK", "BAPI_SALESORDER_CHANGE"
    assert functions(server)[1:] == [rollback, change, rollback]
    assert b"sap-contextid" in server.requests[2]
    assert b"<enableSession>false<" in server.requests[3]


async def test_lock_of_a_caller_who_went_away_is_let_go_behind_him(peer: Any, connect: Connect) -> None:
    server = await peer(READ, ROLLED_BACK, (0,), ROLLED_BACK)
    await abandoned(server, connect(server.url, interfaces=ALL).cancel_order("77", REASON), 3)
    await sent(server, 4)
    assert functions(server)[3] == "BAPI_TRANSACTION_ROLLBACK"


@pytest.mark.parametrize("fault_status", [500, 200])
async def test_newer_runtime_does_the_same_whatever_status_its_faults_have(
    connect: Connect, sandbox_url: str, new_order: New, control: Any, fault_status: int
) -> None:
    await control.do("rfc-faults", status=fault_status)
    binding = "/sap/bc/srt/rfc/sap/zsales/100/zsales/zsales"
    action = "urn:sap-com:document:sap:rfc:functions:zsales:{function}Request"
    erp = connect(sandbox_url, interfaces=ALL, bapi=BapiSettings(path=binding, soap_action=action))
    made = await erp.create_order(new_order("newer"))
    assert (await erp.cancel_order(made.erp_order_id, REASON)).state == "cancelled"
    assert {one[1] for one in await control.requests() if one[0] == "POST"} >= {binding}
    with pytest.raises(BackendFault, match="call the function as asked"):
        await erp.get_order("4\x00")


@pytest.mark.parametrize("lost", ["function", "commit"])
async def test_lost_reply_leaves_one_order_and_answers_with_it(
    bapi: SapErp, new_order: New, control: Any, lost: str
) -> None:
    await bapi.create_order(new_order("probe"))
    calls = len([one for one in await control.requests() if one[1] == PATH])  # looks, create, commit, read
    await control.do("reset")
    await control.do(
        "faults", fault="lost-reply", method="POST", path=PATH, after=calls - (3 if lost == "function" else 2)
    )
    made = await bapi.create_order(new_order("lost"))
    assert [(one["SalesOrder"], made.reference) for one in await control.orders()] == [(made.erp_order_id, "lost")]


async def asked_until_it_goes(ask: Callable[[], Any]) -> Any:
    """The answer, after one repeat where trouble was reported."""
    try:
        return await ask()
    except (BackendFault, BackendUnavailable):
        return await ask()


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "nonsense", "html", "close", "status"])
@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
async def test_trouble_at_any_call_leaves_one_order_and_no_lock(
    bapi: SapErp, new_order: New, control: Any, fault: str, place: int
) -> None:
    """Placing: two looks, function, COMMIT, reading. Cancelling: reading, opening, function, COMMIT, reading."""
    await control.do("faults", fault=fault, status=500, method="POST", path=PATH, after=place)
    made = await asked_until_it_goes(lambda: bapi.create_order(new_order("trouble")))
    assert [one["SalesOrder"] for one in await control.orders()] == [made.erp_order_id]
    await control.do("faults", fault=fault, status=500, method="POST", path=PATH, after=place)
    cancelled = await asked_until_it_goes(lambda: bapi.cancel_order(made.erp_order_id, REASON))
    assert cancelled.state == "cancelled"
    assert await bapi.create_order(new_order("trouble")) == cancelled


async def test_lost_reply_to_cancelling_is_harmless(bapi: SapErp, new_order: New, control: Any) -> None:
    made = await bapi.create_order(new_order())
    for place in (2, 3):  # the change, and the commit
        await control.do("faults", fault="lost-reply", method="POST", path=PATH, after=place)
        assert (await bapi.cancel_order(made.erp_order_id, REASON)).state == "cancelled"
        made = await bapi.create_order(new_order(f"next-{place}"))


async def test_what_broke_off_holds_no_document_for_long(bapi: SapErp, new_order: New, control: Any) -> None:
    made = await bapi.create_order(new_order())
    await control.do("faults", fault="close", method="POST", path=PATH, after=2, times=1)
    assert (await bapi.cancel_order(made.erp_order_id, REASON)).state == "cancelled"


async def test_five_at_once_place_one_order(control: Any, connect: Connect, sandbox_url: str, new_order: New) -> None:
    erp = connect(sandbox_url, interfaces=ALL)
    asked = new_order("twice", purchase_order="PO-1")
    orders = await asyncio.gather(*(erp.create_order(asked) for _ in range(5)))
    assert {each.erp_order_id for each in orders} == {(await control.orders())[0]["SalesOrder"]}
    assert len(await control.orders()) == 1


async def test_credit_in_another_currency_is_not_judged(bapi: SapErp, new_order: New) -> None:
    lines = [NewOrderLine("TG-00001", Decimal(1))]
    assert (await bapi.simulate_order(new_order(currency="USD", lines=lines))).credit == "not-checked"


def test_material_and_quantity_are_written_as_the_fields_hold_them(settings: SapSettings) -> None:
    asked = order(
        lines=[
            NewOrderLine("M" * 18, Decimal("1.5"), Money(Decimal("2.25"), "EUR")),
            NewOrderLine("M" * 19, Decimal(2)),
        ],
        ship_to_erp_number="3",
    )
    made: Any = creation(asked, settings)
    assert [sorted(one) for one in made["ORDER_ITEMS_IN"]] == [
        ["ITM_NUMBER", "MATERIAL", "TARGET_QU"],
        ["ITM_NUMBER", "MATERIAL_LONG", "TARGET_QU"],
    ]
    assert made["ORDER_HEADER_INX"]["PURCH_NO_S"] == "X"
    assert [one["PARTN_ROLE"] for one in made["ORDER_PARTNERS"]] == ["AG", "WE"]
    assert made["ORDER_PARTNERS"][0]["PARTN_NUMB"] == "0000000002"
    simulated: Any = simulation(asked, settings)
    assert simulated["ORDER_ITEMS_IN"][0]["REQ_QTY"] == "0000000001500"
    with pytest.raises(OrderRejected, match="price of line 1"):
        simulation(order(lines=[NewOrderLine("A", Decimal(1), Money(Decimal("0.00001"), "EUR"))]), settings)
