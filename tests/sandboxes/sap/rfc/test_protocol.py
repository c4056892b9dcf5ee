"""SOAP-RFC as SAP speaks it: sessions, locks, which tables come back, names, dates, faults, the newer runtime."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

Post = Callable[..., httpx.Response]
Answered = Callable[[httpx.Response], ET.Element]
RFC = "urn:sap-com:document:sap:rfc:functions"
MC = "urn:sap-com:document:sap:soap:functions:mc-style"
AUTH = ("TRIPTYCH", "sandbox-only")
STATUS = f'<r:BAPI_SALESORDER_GETSTATUS xmlns:r="{RFC}"><SALESDOCUMENT>4000001</SALESDOCUMENT>'
END = "</r:BAPI_SALESORDER_GETSTATUS>"
COMMIT = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    f'<r:BAPI_TRANSACTION_COMMIT xmlns:r="{RFC}"/></e:Body></e:Envelope>'
)
SOON = "<DOCUMENT_DATE>soon</DOCUMENT_DATE>"
NEWER = "/sap/bc/srt/rfc/sap/zsales/100/zsales/zsales"


def ledger(url: str) -> list[Any]:
    return httpx.get(f"{url}/__sandbox__/ledger").json()["orders"]


def test_table_that_was_not_sent_is_not_returned(post: Post, answered: Answered) -> None:
    assert [one.tag for one in answered(post(f"{STATUS}{END}"))] == ["RETURN"]
    answer = answered(post(f"{STATUS}<STATUSINFO/>{END}"))
    assert answer.tag == f"{{{RFC}}}BAPI_SALESORDER_GETSTATUS.Response"
    row = answer.find("STATUSINFO/item")
    assert row is not None
    assert (row.findtext("DOC_NUMBER"), row.findtext("DELIV_DATE")) == ("0004000001", "0000-00-00")


def test_newer_runtime_answers_without_the_dot_or_in_camel_case(post: Post, answered: Answered) -> None:
    assert answered(post(f"{STATUS}{END}", NEWER)).tag == f"{{{RFC}}}BAPI_SALESORDER_GETSTATUSResponse"
    inside = "<Salesdocument>4000001</Salesdocument><Statusinfo/>"
    asked = f'<m:BapiSalesorderGetstatus xmlns:m="{MC}">{inside}</m:BapiSalesorderGetstatus>'
    answer = answered(post(asked, NEWER))
    assert answer.tag == f"{{{MC}}}BapiSalesorderGetstatusResponse"
    assert answer.findtext("Statusinfo/item/DocNumber") == "0004000001"


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        (f'<r:Z_NONE xmlns:r="{RFC}"/>', "Function module Z_NONE not found"),
        (f'<r:_-BAPI_-Z_NONE xmlns:r="{RFC}"/>', "not found"),
        ('<r:BAPI_SALESORDER_GETSTATUS xmlns:r="urn:other"/>', "not found"),
        ("", "without a function"),
        (
            f'<r:BAPI_TRANSACTION_COMMIT xmlns:r="{RFC}"><WAIT>X</WAIT></r:BAPI_TRANSACTION_COMMI>',
            "XML Deserialisation Error",
        ),
        (f'<r:BAPI_SALESORDER_GETLIST xmlns:r="{RFC}">{SOON}</r:BAPI_SALESORDER_GETLIST>', "is not convertible"),
    ],
)
def test_what_is_no_call_is_a_fault(post: Post, answered: Answered, inside: str, says: str) -> None:
    reply = post(inside)
    assert reply.status_code == 500
    assert says in (answered(reply).findtext("faultstring") or "")


def test_exception_names_itself_in_the_detail(post: Post, answered: Answered) -> None:
    detail = answered(post(f'<r:Z_NONE xmlns:r="{RFC}"/>')).find(f"detail/{{{RFC}}}Z_NONE.Exception")
    assert detail is not None
    assert detail.findtext("Name") == "FU_NOT_FOUND"


def test_some_stacks_send_faults_with_200(post: Post, answered: Answered, fresh: str) -> None:
    httpx.post(f"{fresh}/__sandbox__/rfc-faults", json={"status": 200}).raise_for_status()
    reply = post(f'<r:Z_NONE xmlns:r="{RFC}"/>')
    assert (reply.status_code, answered(reply).tag.rpartition("}")[2]) == (200, "Fault")


def test_document_type_is_not_read(fresh: str) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    reply = httpx.post(f"{fresh}/sap/bc/soap/rfc", content=bomb, auth=AUTH)
    assert (reply.status_code, b"DOCTYPE is not allowed" in reply.content) == (500, True)


def test_nobody_calls_without_logging_on(fresh: str) -> None:
    assert httpx.post(f"{fresh}/sap/bc/soap/rfc", content=b"").status_code == 401
    assert httpx.get(f"{fresh}/sap/bc/soap/wsdl11?services=Z_NONE", auth=AUTH).status_code == 404


def test_uncommitted_order_is_seen_by_nobody_and_gone_with_its_session(
    caller: Callable[[], Any], order: dict[str, Any], fresh: str
) -> None:
    sap = caller()
    made = sap.call("BAPI_SALESORDER_CREATEFROMDAT2", session=True, **order)
    assert made.SALESDOCUMENT
    assert ledger(fresh) == []
    caller().call("BAPI_TRANSACTION_COMMIT", WAIT="X")
    assert ledger(fresh) == []
    sap.call("BAPI_TRANSACTION_ROLLBACK", session=False)
    caller().call("BAPI_SALESORDER_CREATEFROMDAT2", **order)
    assert ledger(fresh) == []


def test_commit_after_half_an_hour_finds_no_session(
    caller: Callable[[], Any], order: dict[str, Any], fresh: str
) -> None:
    sap = caller()
    sap.call("BAPI_SALESORDER_CREATEFROMDAT2", session=True, **order)
    httpx.post(f"{fresh}/__sandbox__/clock", json={"offset_seconds": 3600}).raise_for_status()
    gone = httpx.post(f"{fresh}/sap/bc/soap/rfc", content=COMMIT, auth=AUTH, cookies=sap.session.cookies.get_dict())
    httpx.post(f"{fresh}/__sandbox__/clock", json={"offset_seconds": 0}).raise_for_status()
    assert (gone.status_code, "timed out" in gone.text) == (400, True)
    assert ledger(fresh) == []


def test_changed_document_is_held_until_the_session_lets_go(
    caller: Callable[[], Any], order: dict[str, Any], fresh: str
) -> None:
    one, other = caller(), caller()
    number = one.call("BAPI_SALESORDER_CREATEFROMDAT2", session=True, **order).SALESDOCUMENT
    one.call("BAPI_TRANSACTION_COMMIT", WAIT="X")
    change = {
        "SALESDOCUMENT": number,
        "ORDER_HEADER_INX": {"UPDATEFLAG": "U"},
        "ORDER_ITEM_IN": {"item": [{"ITM_NUMBER": "000010", "REASON_REJ": "50"}]},
        "ORDER_ITEM_INX": {"item": [{"ITM_NUMBER": "000010", "UPDATEFLAG": "U", "REASON_REJ": "X"}]},
        "RETURN": {},
    }
    one.call("BAPI_SALESORDER_CHANGE", session=True, **change)
    assert one.call("BAPI_SALESORDER_CHANGE", session=True, **change).RETURN.item[0].TYPE == "S"
    held = other.call("BAPI_SALESORDER_CHANGE", session=True, **change).RETURN.item[0]
    assert (held.TYPE, f"{held.ID}/{held.NUMBER}") == ("E", "V1/042")
    one.call("BAPI_TRANSACTION_ROLLBACK", session=False)
    assert other.call("BAPI_SALESORDER_CHANGE", session=True, **change).RETURN.item[0].TYPE == "S"
    other.call("BAPI_TRANSACTION_COMMIT", session=False, WAIT="X")
    assert [entry["state"] for entry in ledger(fresh)] == ["open"]


def test_commit_that_cannot_be_done_does_nothing_at_all(
    caller: Callable[[], Any], order: dict[str, Any], fresh: str
) -> None:
    sap = caller()
    number = sap.call("BAPI_SALESORDER_CREATEFROMDAT2", session=True, **order).SALESDOCUMENT
    sap.call("BAPI_TRANSACTION_COMMIT", WAIT="X")
    change = {
        "SALESDOCUMENT": number,
        "ORDER_HEADER_INX": {"UPDATEFLAG": "U"},
        "ORDER_ITEM_IN": {"item": [{"ITM_NUMBER": "000010", "REASON_REJ": "50"}]},
        "ORDER_ITEM_INX": {"item": [{"ITM_NUMBER": "000010", "UPDATEFLAG": "U", "REASON_REJ": "X"}]},
    }
    sap.call("BAPI_SALESORDER_CREATEFROMDAT2", session=True, **order)
    sap.call("BAPI_SALESORDER_CHANGE", **change)
    httpx.post(f"{fresh}/__sandbox__/lock", json={"document": number.lstrip("0"), "user": "MUELLER"})
    assert sap.call("BAPI_TRANSACTION_COMMIT", session=False, WAIT="X").TYPE == "A"  # zeep unwraps
    assert [entry["state"] for entry in ledger(fresh)] == ["open"]
