"""IDocs into the stand-in, by both doors, and what becomes of them there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import requests
import zeep
from eventually import eventually
from zeep.transports import Transport

from sandboxes.kit import serve_sandbox
from sandboxes.sap.idoc.document import parse, read
from sandboxes.sap.idoc.structure import syntax_fault

AUTH = ("TRIPTYCH", "sandbox-only")
PLAIN, SOAP = "/sap/bc/idoc_xml?sap-client=100", "/sap/bc/srt/idoc?sap-client=100"
ONCE, SEVERAL = "urn:sap-com:document:sap:idoc:soap:messages", "urn:sap-com:document:sap:idoc:messages"


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    async with serve_sandbox("sap") as served:
        yield served


class System:
    """The stand-in as one who posts IDocs and looks at them (WE02) sees it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, auth=AUTH, headers={"content-type": "text/xml"})

    async def control(self, name: str, **body: Any) -> Any:
        answer = await self.http.post(f"/__sandbox__/{name}", json=body, headers={"content-type": "application/json"})
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def ledger(self, what: str) -> list[dict[str, Any]]:
        return (await self.http.get("/__sandbox__/ledger")).json()[what]

    async def histories(self) -> list[list[str]]:
        return [[one["status"] for one in idoc["history"]] for idoc in await self.ledger("idocs")]

    async def soap(self, message: str, namespace: str = ONCE) -> httpx.Response:
        inner = message.replace("<ORDERS05>", f'<ORDERS05 xmlns="{namespace}">')
        return await self.http.post(
            SOAP,
            content="<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>"
            f"{inner}</s:Body></s:Envelope>",
        )


@pytest.fixture
async def system(url: str) -> AsyncIterator[System]:
    made = System(url)
    await made.control("reset")
    await made.control("clock", offset_seconds=0)
    yield made
    await made.http.aclose()


def orders(
    *, key: str = "", customer: str = "0010100001", sender: str = "TRIPTYCH", item: str = "", po: str = "SF-1"
) -> str:
    control = (
        f"<TABNAM>EDI_DC40</TABNAM><DOCNUM>0000000000000042</DOCNUM><IDOCTYP>ORDERS05</IDOCTYP><MESTYP>ORDERS</MESTYP>"
        f"<SNDPRT>LS</SNDPRT><SNDPRN>{sender}</SNDPRN><ARCKEY>{key}</ARCKEY>"
    )
    areas = "".join(
        f'<E1EDK14 SEGMENT="1"><QUALF>{qualifier}</QUALF><ORGID>{value}</ORGID></E1EDK14>'
        for qualifier, value in (("008", "1010"), ("007", "10"), ("006", "00"), ("012", "TA"))
    )
    item = item or (
        '<E1EDP01 SEGMENT="1"><POSEX>000010</POSEX><MENGE>5</MENGE><MENEE>PCE</MENEE>'
        '<E1EDP19 SEGMENT="1"><QUALF>002</QUALF><IDTNR>TG-00001</IDTNR></E1EDP19></E1EDP01>'
    )
    return (
        f'<ORDERS05><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1">{control}</EDI_DC40>'
        f'<E1EDK01 SEGMENT="1"><CURCY>EUR</CURCY></E1EDK01>{areas}'
        f'<E1EDKA1 SEGMENT="1"><PARVW>AG</PARVW><PARTN>{customer}</PARTN></E1EDKA1>'
        f'<E1EDK02 SEGMENT="1"><QUALF>001</QUALF><BELNR>{po}</BELNR></E1EDK02>{item}</IDOC></ORDERS05>'
    )


def twice(message: str) -> str:
    """The same IDoc two times in one document."""
    return message.replace("</IDOC>", "</IDOC>" + message.removeprefix("<ORDERS05>").removesuffix("</ORDERS05>"), 1)


async def test_plain_xml_is_answered_with_a_page_and_becomes_an_order_that_odata_shows(system: System) -> None:
    answer = await system.http.post(PLAIN, content=orders())
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert "<title>IDoc-XML-inbound ok</title>" in answer.text
    found = await system.http.get(
        "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder?$filter=PurchaseOrderByCustomer eq 'SF-1'&$format=json"
    )
    (order,) = found.json()["d"]["results"]
    assert (order["SoldToParty"], order["SalesOrderType"]) == ("10100001", "OR")
    assert await system.histories() == [["50", "64", "62", "53"]]
    assert (await system.ledger("idocs"))[0]["objectKey"] == order["SalesOrder"]


async def test_accepted_is_not_posted_until_its_time_has_come(system: System) -> None:
    await system.control("idoc-customizing", postingSeconds=60)
    await system.http.post(PLAIN, content=orders())
    assert await system.ledger("orders") == []
    assert await system.histories() == [["50", "64"]]
    await system.control("clock", offset_seconds=61)
    assert len(await system.ledger("orders")) == 1


async def test_the_same_file_twice_makes_two_idocs_and_two_orders(system: System) -> None:
    for _ in range(2):
        await system.http.post(PLAIN, content=orders())
    assert len(await system.ledger("idocs")) == len(await system.ledger("orders")) == 2


async def test_the_same_message_id_by_soap_makes_one_and_answers_alike(system: System) -> None:
    answers = [await system.soap(orders(key="urn:sap.com:msgid=0001")) for _ in range(2)]
    assert {one.status_code for one in answers} == {200}
    assert answers[0].text == answers[1].text
    assert "<TransferId>0000000000000042</TransferId><DbId>0000000001000001</DbId>" in answers[0].text
    assert len(await system.ledger("orders")) == 1


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (orders(), "SOAP_MSGID_INITIAL"),
        (orders(key="0001"), "SOAP_MSGID_PREFIX_INVALID"),
        (twice(orders()), "MULTIPLE_IDOCS_NOT_ALLOWED"),
        (orders(key="urn:sap.com:msgid=busy"), "MSGID_LOCKED"),
    ],
)
async def test_soap_refuses_saying_why(system: System, message: str, reason: str) -> None:
    await system.control("idoc-customizing", lockedKeys=["urn:sap.com:msgid=busy"])
    answer = await system.soap(message)
    assert answer.status_code == 500
    assert "EA728" in answer.text
    assert reason in answer.text
    assert await system.ledger("idocs") == []


async def test_the_namespace_without_soap_takes_several_and_is_not_exactly_once(system: System) -> None:
    answer = await system.soap(twice(orders(key="urn:sap.com:msgid=0001")), SEVERAL)
    assert answer.text.count("<DbId>") == 2
    assert len(await system.ledger("orders")) == 2


@pytest.mark.parametrize(
    ("document", "history"),
    [
        (orders(sender="STRANGER"), ["56"]),
        (orders(item='<E1WRONG SEGMENT="1"><A>1</A></E1WRONG>'), ["50", "60"]),
        (orders().replace("E1EDK01", "E1EDK03"), ["50", "60"]),
        (orders(customer="0099999999"), ["50", "64", "62", "51"]),
        (orders(item='<E1EDP01 SEGMENT="1"><MENGE>many</MENGE></E1EDP01>'), ["50", "64", "62", "51"]),
    ],
)
async def test_what_cannot_be_posted_is_kept_with_the_reason(system: System, document: str, history: list[str]) -> None:
    assert (await system.http.post(PLAIN, content=document)).status_code == 200
    assert await system.histories() == [history]
    assert (await system.ledger("idocs"))[0]["history"][-1]["text"]
    assert await system.ledger("orders") == []


@pytest.mark.parametrize("body", ["", "<ORDERS05>", "<ORDERS05/>", "<!DOCTYPE a><ORDERS05/>"])
async def test_what_is_no_idoc_is_a_page_by_plain_xml_and_a_fault_by_soap(system: System, body: str) -> None:
    plain = await system.http.post(PLAIN, content=body)
    assert (plain.status_code, "IDoc-XML-inbound error" in plain.text) == (500, True)
    assert "Fault>" in (await system.http.post(SOAP, content=body)).text


async def test_doors_ask_for_a_user(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as stranger:
        assert (await stranger.post(PLAIN, content=orders())).status_code == 401


async def test_a_refused_document_is_posted_once_its_reason_is_gone(system: System) -> None:
    await system.http.post(PLAIN, content=orders(customer="0099999999"))
    (idoc,) = await system.ledger("idocs")
    await system.control("idoc-reprocess", docnum=idoc["DOCNUM"], document=orders())
    assert await system.histories() == [["50", "64", "62", "51", "62", "53"]]
    assert len(await system.ledger("orders")) == 1
    assert await system.control("idoc-reprocess", docnum=idoc["DOCNUM"]) == {"reprocessed": None}


async def test_the_sender_is_told_later_what_became_of_its_document(system: System) -> None:
    await system.control("idoc-customizing", confirm=True, confirmSeconds=30)
    await system.http.post(PLAIN, content=orders())
    await system.http.post(PLAIN, content=orders(customer="0099999999"))
    await system.ledger("orders")
    await system.control("clock", offset_seconds=31)
    told = [one for one in await system.ledger("idocs") if one["MESTYP"] == "ALEAUD"]
    assert [one["STATUS"] for one in told] == ["30", "30"]
    assert "<STATUS>53</STATUS>" in told[0]["document"]
    (order,) = await system.ledger("orders")
    assert f"<OBJTYPE>BUS2032</OBJTYPE><OBJKEY>{order['SalesOrder'].zfill(10)}</OBJKEY>" in told[0]["document"]
    assert "<STATUS>51</STATUS>" in told[1]["document"]
    assert "not maintained for sales area" in told[1]["document"]


@pytest.mark.parametrize(("message", "key", "says"), [
    ("DEBMAS", "10100001", "<KUNNR>0010100001</KUNNR>"),
    ("MATMAS", "TG-00001", "<MATNR_LONG>TG-00001</MATNR_LONG>"),
])  # fmt: skip
async def test_master_data_is_told_from_what_odata_shows(system: System, message: str, key: str, says: str) -> None:
    await system.control("idoc-emit", message=message, key=key)
    (idoc,) = await system.ledger("idocs")
    assert (idoc["MESTYP"], idoc["STATUS"]) == (message, "30")
    assert says in idoc["document"]


async def test_order_is_confirmed_item_by_item(system: System) -> None:
    await system.http.post(PLAIN, content=orders())
    (order,) = await system.ledger("orders")
    for message in ("ORDRSP", "DEBMAS", "MATMAS"):
        key = {"ORDRSP": order["SalesOrder"], "DEBMAS": order["SoldToParty"], "MATMAS": "TG-00001"}[message]
        await system.control("idoc-emit", message=message, key=key)
    _, confirmed, customer, material = await system.ledger("idocs")
    reference = order["SalesOrder"].zfill(10)
    assert f"<QUALF>002</QUALF><BELNR>{reference}</BELNR><ZEILE>000010</ZEILE>" in confirmed["document"]
    assert "<E1EDP20" in confirmed["document"]
    assert "<E1KNKKM" in customer["document"]
    assert "<E1MARCM" in material["document"]
    for one in (confirmed, customer, material):
        document = parse(one["document"].encode())
        assert syntax_fault(read(document)[0]) is None


async def test_deliveries_and_invoices_are_told_with_the_order_they_came_of(system: System) -> None:
    await system.http.post(PLAIN, content=orders())
    (order,) = await system.ledger("orders")
    made = await system.control("fulfil", order=order["SalesOrder"])
    await system.control("idoc-emit", message="SHPCON", key=made["delivery"])
    await system.control("idoc-emit", message="INVOIC", key=made["invoice"])
    _, shipped, billed = await system.ledger("idocs")
    reference = order["SalesOrder"].zfill(10)
    assert f"<VGBEL>{reference}</VGBEL>" in shipped["document"]
    assert f"<QUALF>002</QUALF><BELNR>{reference}</BELNR>" in billed["document"]
    assert "<SUMID>011</SUMID>" in billed["document"]


def test_an_independent_soap_client_posts_by_the_description(url: str) -> None:
    requests.post(f"{url}/__sandbox__/reset", timeout=60).raise_for_status()
    session = requests.Session()
    session.auth = AUTH
    client = zeep.Client(f"{url}{SOAP}&wsdl", transport=Transport(session=session))
    control = {
        "SEGMENT": "1", "DOCNUM": "7", "IDOCTYP": "ORDERS05", "MESTYP": "ORDERS", "SNDPRN": "TRIPTYCH",
        "ARCKEY": "urn:sap.com:msgid=zeep",
    }  # fmt: skip
    idoc = {
        "BEGIN": "1", "EDI_DC40": control, "E1EDK01": {"SEGMENT": "1", "CURCY": "EUR"},
        "E1EDK14": [{"SEGMENT": "1", "QUALF": q, "ORGID": v} for q, v in
                    (("008", "1010"), ("007", "10"), ("006", "00"), ("012", "OR"))],
        "E1EDKA1": [{"SEGMENT": "1", "PARVW": "AG", "PARTN": "10100001"}],
        "E1EDP01": [{"SEGMENT": "1", "MENGE": "1", "MATNR": "TG-00001"}],
    }  # fmt: skip
    answer: Any = client.service.ORDERS05(IDOC=idoc)
    (assigned,) = answer
    assert (assigned.TransferId, len(assigned.DbId)) == ("7", 16)
    ledger = requests.get(f"{url}/__sandbox__/ledger", timeout=60).json()
    assert [one["SoldToParty"] for one in ledger["orders"]] == ["10100001"]


async def test_what_a_receiver_does_not_take_stays_with_a_port_error_until_it_is_sent_again(system: System) -> None:
    taken: list[bytes] = []
    open_for_business = asyncio.Event()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(next(one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length")).split()[1])
        taken.append(head + await reader.readexactly(length))
        status = b"200 OK" if open_for_business.is_set() else b"503 No"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await system.control("idoc-port", url=f"http://127.0.0.1:{port}/idocs", authorization="Bearer secret")
    await system.control("idoc-emit", message="DEBMAS", key="10100001")
    await until(system, "02")
    open_for_business.set()
    await system.control("idoc-settle", failed=True)
    await until(system, "03")
    assert await system.histories() == [["01", "30", "02", "03"]]
    assert b"uthorization: Bearer secret" in taken[1]
    assert taken[1].endswith(b"</DEBMAS07>")
    server.close()


async def until(system: System, status: str) -> None:
    async def reached() -> bool:
        return (await system.ledger("idocs"))[0]["STATUS"] == status

    await eventually(reached)
