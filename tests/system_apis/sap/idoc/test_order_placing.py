"""Orders by IDoc, at the stand-in: one document and one order for a reference, whatever is lost on the way."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import msgspec
import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import CustomerBlocked, ErpCustomerNotFound, OrderRejected
from shared.contracts.system.sap_idocs import IdocsPosted
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown
from shared.resilience.wire import ReplyHeaders, WireReply
from shared.security.secrets import Secret
from shared.sql.database import DatabaseSettings
from system_apis.sap.idoc.confirmations import IdocConfirmations
from system_apis.sap.idoc.control import ControlRecord
from system_apis.sap.idoc.document import Idoc, segment
from system_apis.sap.idoc.door import classify_soap, classify_xml
from system_apis.sap.idoc.order_document import order_identity
from system_apis.sap.idoc.service import SapDocuments
from system_apis.sap.idoc.settings import IdocSettings
from system_apis.sap.idoc.types.confirmations import E1ADHDR, E1STATE
from system_apis.sap.idoc.xml_format import read_xml, write_xml
from system_apis.sap.service import SapErp
from system_apis.sap.settings import SapSettings

DOORS = ("soap", "xml")


@pytest.fixture
async def by_idoc(
    connect: Callable[..., SapErp], control: Any, sandbox_url: str, tmp_path: Path
) -> AsyncIterator[Callable[..., SapErp]]:
    """A service that places orders by IDoc; those of one test share what is kept."""
    made: list[SapErp] = []
    await control.do("clock", offset_seconds=0)

    def connected(
        door: str = "soap", url: str = sandbox_url, reading: str = "odata", simulating: str = "odata", **chosen: Any
    ) -> SapErp:
        store = DatabaseSettings(url=f"sqlite:///{tmp_path / 'idocs.sqlite3'}")
        idoc = IdocSettings(**{"store": store, "wait_seconds": 0.1, "door": door, **chosen})
        interfaces = {"create_order": "idoc", "get_order": reading, "simulate_order": simulating}
        made.append(connect(url, idoc=idoc, interfaces=interfaces))
        return made[-1]

    yield connected
    for one in made:
        await one._sap.aclose()


async def idocs(url: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=url) as client:
        return [one for one in (await client.get("/__sandbox__/ledger")).json()["idocs"] if one["MESTYP"] == "ORDERS"]


async def refuse(service: SapErp, number: str, why: str) -> None:
    """SAP's confirmation that the application refused a document."""
    state = segment(E1ADHDR(MESTYP="ORDERS"), segment(E1STATE(DOCNUM=number, STATUS="51", STATXT=why)))
    control = ControlRecord(DOCNUM=number, IDOCTYP="ALEAUD01", MESTYP="ALEAUD", SNDPRN="S4HCLNT100")
    documents = SapDocuments(service._sap, IdocConfirmations(service._sap))
    await documents.receive_idocs(IdocsPosted(write_xml([Idoc(control, (state,))]).decode()))


@pytest.mark.parametrize("door", DOORS)
async def test_an_order_by_idoc_is_the_order_that_odata_would_place(
    by_idoc: Callable[..., SapErp], connect: Callable[..., SapErp], new_order: Callable[..., NewErpOrder],
    sandbox_url: str, control: Any, door: str,
) -> None:  # fmt: skip
    wanted = new_order("idoc-1", purchase_order="PO-77")
    placed = await by_idoc(door).create_order(wanted)
    assert (placed.reference, placed.erp_number) == ("idoc-1", wanted.erp_number)
    again = await by_idoc(door).create_order(wanted)
    assert again.erp_order_id == placed.erp_order_id
    assert len(await idocs(sandbox_url)) == 1
    await control.do("reset")
    other = await connect(sandbox_url).create_order(wanted)
    assert (other.net, other.state, other.lines) == (placed.net, placed.state, placed.lines)


@pytest.mark.parametrize("reading", ["bapi", "odata4"])
async def test_the_order_is_looked_for_by_the_interface_that_reads_orders(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], control: Any, sandbox_url: str, reading: str
) -> None:
    placed = await by_idoc(reading=reading, check_first=False).create_order(new_order("idoc-1"))
    again = await by_idoc(reading=reading).create_order(new_order("idoc-1"))
    assert (placed.reference, again.erp_order_id) == ("idoc-1", placed.erp_order_id)
    assert len(await idocs(sandbox_url)) == 1
    assert not [path for _, path, _ in await control.requests() if "A_SalesOrder" in path]


async def test_the_document_says_all_that_the_order_says(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], sandbox_url: str
) -> None:
    wanted = new_order("idoc-1")
    await by_idoc().create_order(wanted)
    (idoc,) = await idocs(sandbox_url)
    number, key = order_identity("idoc-1", SapSettings(url="http://x", username="u", password=Secret("env:PATH")))
    (read,) = read_xml(idoc["document"])
    assert (number, key, "TRIPTYCH") == (read.control.DOCNUM, read.control.ARCKEY, read.control.SNDPRN)
    names = [one.name for one in read.segments]
    assert names[0] == "E1EDK01"
    assert names[-len(wanted.lines) :] == ["E1EDP01"] * len(wanted.lines)
    item = read.segments[-len(wanted.lines)]
    assert item.fields["POSEX"] == "000010"
    assert [one.name for one in item.below] == ["E1EDP05", "E1EDP20", "E1EDP19"]
    body = ET.fromstring(idoc["document"])
    assert "".join(body.itertext()).count("idoc-1") == 2


@pytest.mark.parametrize("door", DOORS)
async def test_taken_is_not_posted_and_looking_again_sends_nothing(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], control: Any, sandbox_url: str, door: str
) -> None:
    await control.do("idoc-customizing", postingSeconds=60)
    with pytest.raises(OutcomeUnknown) as unknown:
        await by_idoc(door).create_order(new_order("idoc-1"))
    assert unknown.value.transient
    assert unknown.value.extensions["outcome"] == "unknown"
    assert unknown.value.retry_after
    with pytest.raises(OutcomeUnknown):  # another process that shares what is kept
        await by_idoc(door).create_order(new_order("idoc-1"))
    await control.do("clock", offset_seconds=61)
    placed = await by_idoc(door).create_order(new_order("idoc-1"))
    assert len(await idocs(sandbox_url)) == len(await control.orders()) == 1
    assert placed.erp_order_id == (await control.orders())[0]["SalesOrder"]


@pytest.mark.parametrize("door", DOORS)
async def test_a_lost_answer_makes_no_second_document(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], control: Any, sandbox_url: str, door: str
) -> None:
    await control.do("idoc-customizing", postingSeconds=60)
    await control.do("faults", method="POST", path="/sap/bc/*", fault="lost-reply", times=9)
    with pytest.raises(BackendUnavailable) as unknown:
        await by_idoc(door).create_order(new_order("idoc-1"))
    assert unknown.value.transient
    async with httpx.AsyncClient(base_url=sandbox_url) as client:
        await client.delete("/__sandbox__/faults")
    with pytest.raises(OutcomeUnknown):
        await by_idoc(door).create_order(new_order("idoc-1"))
    assert len(await idocs(sandbox_url)) == 1
    await control.do("clock", offset_seconds=61)
    await by_idoc(door).create_order(new_order("idoc-1"))
    assert len(await control.orders()) == 1


async def test_plain_xml_is_sent_again_only_when_the_doubt_has_lasted(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], control: Any, sandbox_url: str
) -> None:
    await control.do("faults", method="POST", path="/sap/bc/*", fault="close", times=1)
    for doubt_seconds in (3600.0, 3600.0):
        with pytest.raises(OutcomeUnknown):
            await by_idoc("xml", doubt_seconds=doubt_seconds).create_order(new_order("idoc-1"))
    assert await idocs(sandbox_url) == []
    await by_idoc("xml", doubt_seconds=0.0).create_order(new_order("idoc-1"))
    assert len(await idocs(sandbox_url)) == 1


async def test_what_never_left_is_sent_when_sap_is_back(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], sandbox_url: str, connect: Any
) -> None:
    service = by_idoc("xml")
    gone = by_idoc("xml", url="http://127.0.0.1:9", check_first=False)
    gone._ports.placing._placed = service._ports.placing._placed  # SAP goes between the look and the document
    with pytest.raises(NotReached):
        await gone.create_order(new_order("idoc-1"))
    assert (await service.create_order(new_order("idoc-1"))).reference == "idoc-1"
    assert len(await idocs(sandbox_url)) == 1


async def test_what_sap_refuses_is_refused_once_it_has_said_so_and_found_once_it_is_mended(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], control: Any, sandbox_url: str
) -> None:
    service = by_idoc(check_first=False)
    wanted = new_order("idoc-1", scenario="blocked-customer")
    with pytest.raises(OutcomeUnknown):
        await service.create_order(wanted)
    (idoc,) = await idocs(sandbox_url)
    assert idoc["STATUS"] == "51"
    number, _ = order_identity("idoc-1", service._settings)
    await refuse(service, number, "Customer is blocked (order block 01)")
    with pytest.raises(CustomerBlocked):  # judged by the customer's record, as with every interface
        await service.create_order(wanted)
    other = new_order("idoc-2")
    await control.do("idoc-customizing", postingSeconds=60)
    with pytest.raises(OutcomeUnknown):
        await service.create_order(other)
    number, _ = order_identity("idoc-2", service._settings)
    await refuse(service, number, "Enter a plant")
    with pytest.raises(OrderRejected) as rejected:
        await service.create_order(other)
    assert rejected.value.extensions["remark"] == "Enter a plant"
    await control.do("clock", offset_seconds=61)
    assert (await service.create_order(other)).reference == "idoc-2"
    assert len(await idocs(sandbox_url)) == 2


@pytest.mark.parametrize("simulating", ["odata", "bapi"])
async def test_what_sap_would_refuse_is_refused_at_once_and_never_sent(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], sandbox_url: str, simulating: str
) -> None:
    service = by_idoc(simulating=simulating)
    with pytest.raises(CustomerBlocked):
        await service.create_order(new_order("idoc-1", scenario="blocked-customer"))
    with pytest.raises(ErpCustomerNotFound):
        await service.create_order(new_order("idoc-2", erp_number="99999991"))
    assert await idocs(sandbox_url) == []
    assert (await service.create_order(new_order("idoc-1"))).reference == "idoc-1"


async def test_what_was_sent_is_not_simulated_again(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], control: Any
) -> None:
    await control.do("idoc-customizing", postingSeconds=60)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await by_idoc().create_order(new_order("idoc-1"))
    asked = [path for _, path, _ in await control.requests() if "A_SalesOrderSimulation" in path]
    assert len(asked) == 1


@pytest.mark.parametrize("page", ["html", "nonsense"])
async def test_by_soap_a_page_that_is_not_saps_is_answered_by_the_same_document_again(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], control: Any, sandbox_url: str, page: str
) -> None:
    await control.do("faults", method="POST", path="/sap/bc/*", fault=page, times=9)
    with pytest.raises(OutcomeUnknown, match="no SOAP message"):
        await by_idoc().create_order(new_order("idoc-1"))
    async with httpx.AsyncClient(base_url=sandbox_url) as client:
        await client.delete("/__sandbox__/faults")
    assert (await by_idoc().create_order(new_order("idoc-1"))).reference == "idoc-1"
    assert len(await idocs(sandbox_url)) == len(await control.orders()) == 1


async def test_two_at_once_send_one_document(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], sandbox_url: str
) -> None:
    service = by_idoc("xml", wait_seconds=5.0)
    first, second = await asyncio.gather(*(service.create_order(new_order("idoc-1")) for _ in range(2)))
    assert first.erp_order_id == second.erp_order_id
    assert len(await idocs(sandbox_url)) == 1


async def test_a_near_deadline_bounds_the_wait_and_leaves_time_to_answer(by_idoc: Callable[..., SapErp]) -> None:
    placing = by_idoc(wait_seconds=60.0)._ports.placing
    assert placing._patience() == 60.0
    with calling(CallContext(deadline=time.monotonic() + 3)):
        assert placing._patience() <= 2.5


async def test_what_an_idoc_cannot_hold_is_refused_before_anything_is_sent(
    by_idoc: Callable[..., SapErp], new_order: Callable[..., NewErpOrder], sandbox_url: str
) -> None:
    wanted = new_order("idoc-1")
    wanted = msgspec.structs.replace(wanted, lines=[msgspec.structs.replace(wanted.lines[0], sku="X" * 40)])
    with pytest.raises(OrderRejected, match="IDTNR holds 35 characters"):
        await by_idoc().create_order(wanted)
    assert await idocs(sandbox_url) == []


def test_settings_that_cannot_place_orders_by_idoc_are_refused_at_the_start() -> None:
    given: dict[str, Any] = {"url": "http://x", "username": "u", "password": Secret("env:PATH")}
    with pytest.raises(ValueError, match=r"name it as idoc\.store"):
        SapSettings(**given, interfaces={"create_order": "idoc"})
    with pytest.raises(ValueError, match="ship-to party's order number"):
        SapSettings(
            **given,
            interfaces={"create_order": "idoc"},
            idoc=IdocSettings(store=DatabaseSettings(url="sqlite:////x")),
            reference_field="ExternalDocumentID",
        )


def reply(status: int, body: str) -> Any:
    return WireReply(status, ReplyHeaders(), body.encode())


ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
FAULT = "<s:Fault><faultstring>EA728 not taken: {}</faultstring></s:Fault>"


@pytest.mark.parametrize(
    ("classify", "status", "body", "kind"),
    [
        (classify_xml, 200, "<title>IDoc-XML-inbound ok</title>", type(None)),
        (classify_xml, 200, "<title>Logon</title>", BackendFault),
        (classify_xml, 500, "<title>IDoc-XML-inbound error</title>", BackendUnavailable),
        (classify_xml, 401, "", BackendFault),
        (classify_xml, 403, "", BackendFault),
        (classify_soap, 200, ENVELOPE.format("<n:ORDERS05.Response/>"), type(None)),
        (classify_soap, 200, "<title>Logon</title>", OutcomeUnknown),
        (classify_soap, 200, "", OutcomeUnknown),
        (classify_soap, 500, FAULT.format("SOAP_MSGID_INITIAL"), BackendFault),
        (classify_soap, 200, FAULT.format("MSGID_LOCKED"), BackendUnavailable),
        (classify_soap, 503, "", BackendUnavailable),
    ],
)
def test_an_answer_means_what_it_says_of_the_document(classify: Any, status: int, body: str, kind: type) -> None:
    problem = classify(reply(status, body))
    assert type(problem) is kind
    if "INITIAL" in body:
        assert problem.extensions["reason"] == "SOAP_MSGID_INITIAL"
