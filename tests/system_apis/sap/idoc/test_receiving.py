"""IDocs from SAP: kept once, told in order, and confirmations applied to what we sent."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from eventually import eventually

from shared.binding.call_context import CallContext, calling
from shared.binding.paging import encode_cursor
from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.event_feed import CursorExpired, EventRecord
from shared.contracts.system.sap_idocs import (
    CustomerRecordChanged,
    DeliveryConfirmed,
    IdocNotFound,
    IdocReceived,
    IdocsPosted,
    InvalidIdoc,
    InvoicePosted,
    OrderConfirmed,
    ProductRecordChanged,
    SapIdocs,
)
from shared.durable.feed_source import Feed, FeedSource
from shared.messaging.event_source import OLDEST
from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from shared.security.key_ring import KeyRing
from shared.security.secrets import Secret
from shared.sql.database import DatabaseSettings
from system_apis.sap.connector import SapConnector
from system_apis.sap.idoc import service as idoc_service
from system_apis.sap.idoc.confirmations import IdocConfirmations
from system_apis.sap.idoc.control import ControlRecord
from system_apis.sap.idoc.document import Idoc, Segment, segment
from system_apis.sap.idoc.events import event_record
from system_apis.sap.idoc.kept import TAKEN, KeptIdoc
from system_apis.sap.idoc.service import SapDocuments
from system_apis.sap.idoc.settings import IdocSettings
from system_apis.sap.idoc.types.confirmations import E1ADHDR, E1PRTOB, E1STATE
from system_apis.sap.idoc.types.customers import E1KNA1M
from system_apis.sap.idoc.types.deliveries import E1EDL20, E1EDL24
from system_apis.sap.idoc.xml_format import write_xml
from system_apis.sap.settings import SapSettings

Connect = Callable[..., SapDocuments]


@pytest.fixture
async def documents(
    wire: Wire, password: Path, keys: KeyRing, sandbox_url: str, tmp_path: Path
) -> AsyncIterator[Connect]:
    """A service; those of one test share what is kept, as processes of one machine do."""
    made: list[SapConnector] = []

    def connected(
        store: Path | None = tmp_path / "idocs.sqlite3", url: str = sandbox_url, **chosen: Any
    ) -> SapDocuments:
        where = None if store is None else DatabaseSettings(url=f"sqlite:///{store}")
        idoc = IdocSettings(store=where, **chosen)
        secret = Secret(f"file:{password}")
        settings = SapSettings(url=url, username="TRIPTYCH", password=secret, idoc=idoc, retry_delays=(0.001,))
        made.append(SapConnector(settings, Outbound(wire), keys))
        return SapDocuments(made[-1], IdocConfirmations(made[-1]))

    yield connected
    for one in made:
        await one.aclose()


def posted(*segments: Segment, number: str = "1", message: str = "DEBMAS", kind: str = "DEBMAS07", **control: str):
    fields = {"SNDPRN": "S4HCLNT100", "SNDPOR": "SAPS4H", "CREDAT": "20260115", "CRETIM": "090036", **control}
    record = ControlRecord(DOCNUM=number.zfill(16), IDOCTYP=kind, MESTYP=message, **fields)
    return IdocsPosted(write_xml([Idoc(record, segments)]).decode())


def customer(name: str = "Alster AG", **fields: str) -> Segment:
    return segment(E1KNA1M(KUNNR="0010100001", NAME1=name, **fields))


async def told(service: SapDocuments, channel: str = "all") -> list[tuple[str, Any]]:
    feed = await service.list_events(channel)
    return [(one.type, msgspec.json.decode(one.payload)) for one in feed.items]


async def test_a_document_that_came_twice_is_kept_once_also_after_a_restart(documents: Connect) -> None:
    first = await documents().receive_idocs(posted(customer()))
    again = await documents().receive_idocs(posted(customer()))
    assert [one.outcome for one in (*first.idocs, *again.idocs)] == ["kept", "repeated"]
    assert first.idocs[0].idoc_id == again.idocs[0].idoc_id
    assert len(await told(documents())) == 1


@pytest.mark.parametrize(
    "other", [{"number": "2"}, {"CREDAT": "20270115"}, {"CRETIM": "090037"}, {"SNDPRN": "OTHER"}, {"SNDPOR": "OTHER"}]
)
async def test_another_number_moment_or_sender_is_another_document(documents: Connect, other: dict[str, str]) -> None:
    service = documents()
    outcomes = [(await service.receive_idocs(posted(customer(), **chosen))).idocs[0].outcome for chosen in ({}, other)]
    assert outcomes == ["kept", "kept"]


async def test_the_same_message_id_is_the_same_document_whatever_its_number(documents: Connect) -> None:
    service, key = documents(), "urn:sap.com:msgid=0001"
    for number, outcome in (("1", "kept"), ("2", "repeated")):
        answer = await service.receive_idocs(posted(customer(), number=number, ARCKEY=key))
        assert answer.idocs[0].outcome == outcome
    other = await service.receive_idocs(posted(customer(), number="3", ARCKEY="a file's name"))
    assert other.idocs[0].outcome == "kept"


async def test_documents_of_one_post_are_kept_all_or_none(documents: Connect) -> None:
    service = documents()
    two = [Idoc(ControlRecord(DOCNUM=number, IDOCTYP="DEBMAS07"), (customer(),)) for number in ("1", "")]
    with pytest.raises(InvalidIdoc, match="DOCNUM"):
        await service.receive_idocs(IdocsPosted(write_xml(two).decode()))
    assert (await service.list_idocs()).items == []


@pytest.mark.parametrize("content", ["hello", "<DEBMAS07/>", "<!DOCTYPE a><DEBMAS07/>", "{}", "\x00"])
async def test_what_is_no_idoc_is_refused_and_not_kept(documents: Connect, content: str) -> None:
    service = documents()
    with pytest.raises(InvalidIdoc):
        await service.receive_idocs(IdocsPosted(content))
    assert (await service.list_idocs()).items == []


async def test_an_older_master_record_that_comes_late_is_passed_over_and_says_so(documents: Connect) -> None:
    service = documents()
    serials = (("1", "20260115090000"), ("3", "20260115090200"), ("2", "20260115090100"), ("4", "20260115090200"))
    outcomes = [
        (await service.receive_idocs(posted(customer(f"Name {n}"), number=n, SERIAL=serial))).idocs[0]
        for n, serial in serials
    ]
    assert [one.outcome for one in outcomes] == ["kept", "kept", "passed-over", "kept"]
    assert [event["name"] for _, event in await told(service)] == ["Name 1", "Name 3", "Name 4"]
    late = await service.get_idoc(outcomes[2].idoc_id)
    assert [one.status for one in late.history] == ["50", "68"]
    assert "this one is older" in late.summary.status_text


async def test_deliveries_are_told_whatever_their_serial(documents: Connect) -> None:
    service = documents()
    for number, serial in (("1", "2"), ("2", "1")):
        delivery = segment(E1EDL20(VBELN="0080000001"), segment(E1EDL24(VGBEL="0004000001", LFIMG="1.000")))
        await service.receive_idocs(posted(delivery, number=number, message="SHPCON", kind="DELVRY07", SERIAL=serial))
    assert len(await told(service, "SHPCON")) == 2


async def test_events_of_a_channel_follow_each_other_from_a_cursor(documents: Connect, tmp_path: Path) -> None:
    service = documents()
    for number in ("1", "2", "3"):
        await service.receive_idocs(posted(customer(number), number=number))
    await service.receive_idocs(posted(Segment("E1MARAM", {"MATNR": "TG-1"}), number="4", message="MATMAS"))
    first = await service.list_events("DEBMAS", limit=2)
    rest = await service.list_events("DEBMAS", first.cursor)
    assert [one.type for one in (*first.items, *rest.items)] == ["customer-record-changed"] * 3
    assert (await service.list_events("DEBMAS", rest.cursor)).items == []
    quiet = await service.list_events("INVOIC")
    assert (quiet.items, quiet.cursor) == ([], rest.cursor)  # what was passed over need not be looked at again
    assert (await service.list_events(begin="latest")).items == []
    newest = (await service.list_events(begin="latest")).cursor
    assert (await service.list_events("all", newest)) == type(first)([], newest)
    with pytest.raises(CursorExpired):
        await documents(store=tmp_path / "lost.sqlite3").list_events("all", newest)


async def test_who_waits_for_an_event_gets_it_when_it_comes(documents: Connect) -> None:
    service = documents()
    loop = asyncio.get_running_loop()
    with calling(CallContext(deadline=loop.time() + 40, wait=20.0)):
        waiting = asyncio.create_task(service.list_events("DEBMAS"))
    await asyncio.sleep(0)
    await documents().receive_idocs(posted(customer()))  # another process took it in
    assert len((await waiting).items) == 1


async def test_nobody_who_waits_holds_up_a_process_that_ends(documents: Connect) -> None:
    service = documents()
    with calling(CallContext(deadline=asyncio.get_running_loop().time() + 3600, wait=1800.0)):
        waiting = asyncio.create_task(service.list_events("DEBMAS"))
        await asyncio.sleep(0)
        service.stop_waiting()
        assert (await waiting).items == (await service.list_events("DEBMAS")).items == []


@pytest.mark.parametrize("cursor", [-(2**63), -1, 2**64 - 1])
async def test_a_cursor_beyond_every_position_is_refused_or_lists_what_it_says(documents: Connect, cursor: int) -> None:
    service = documents()
    await service.receive_idocs(posted(customer()))
    with pytest.raises(CursorExpired):
        await service.list_events("all", encode_cursor(cursor))
    listed = await service.list_idocs(None, None, encode_cursor(cursor))
    assert len(listed.items) == (1 if cursor > 0 else 0)


async def test_flows_subscribe_to_a_channel_as_to_any_feed(documents: Connect) -> None:
    service = documents()
    source = FeedSource(Feed(SapIdocs, "DEBMAS"), lambda: service, CallContext)
    await service.receive_idocs(posted(customer(AUFSD="01")))
    (event,) = await source.read(OLDEST, 10, 0.0)
    assert (event.type, source.name) == ("customer-record-changed", "sap_idocs:DEBMAS")
    changed = msgspec.json.decode(event.payload, type=CustomerRecordChanged)
    assert (changed.erp_number, changed.name, changed.blocked) == ("10100001", "Alster AG", True)


async def test_a_document_that_has_no_event_of_its_own_is_told_whole(documents: Connect) -> None:
    service = documents()
    extension = Segment("Z1OWN", {"FIELD": "1"}, (Segment("Z1BELOW"),))
    await service.receive_idocs(posted(extension, message="ZOWN", kind="ZOWN01"))
    (event,) = (await service.list_events()).items
    assert event.type == "idoc-received"
    assert msgspec.json.decode(event.payload, type=IdocReceived).segments[0].below[0].name == "Z1BELOW"


async def test_large_documents_are_told_in_pages_that_fit_and_parsed_beside_the_event_loop(
    documents: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, large, threads = documents(), "Alster " * 140_000, list[int]()

    def observed(kept: KeptIdoc) -> EventRecord:
        threads.append(threading.get_ident())
        return event_record(kept)

    monkeypatch.setattr(idoc_service, "event_record", observed)
    for number in range(1, 6):
        own = posted(Segment("Z1OWN", {"F": large}), number=str(number), message="ZOWN", kind="ZOWN01")
        await service.receive_idocs(own)
    first = await service.list_events("ZOWN", limit=200)
    rest = await service.list_events("ZOWN", first.cursor, limit=200)
    assert (len(first.items), len(rest.items)) == (4, 1)
    assert len(threads) == 5
    assert threading.get_ident() not in threads


async def test_a_document_that_cannot_be_its_event_is_no_silence_but_unreadable(documents: Connect) -> None:
    service = documents()
    await service.receive_idocs(posted(customer(), customer(), number="1"))
    wrong = segment(E1EDL20(VBELN="1"), segment(E1EDL24(LFIMG="many")))
    await service.receive_idocs(posted(wrong, number="2", message="SHPCON"))
    events = [*(await service.list_events("DEBMAS")).items, *(await service.list_events("SHPCON")).items]
    assert [(one.type, one.payload) for one in events] == [
        ("customer-record-changed", "null"), ("delivery-confirmed", "null"),
    ]  # fmt: skip


async def test_documents_are_listed_with_their_history(documents: Connect) -> None:
    service = documents()
    for number in ("1", "2", "3"):
        await service.receive_idocs(posted(customer(number), number=number))
    first = await service.list_idocs("received", "DEBMAS", None, 2)
    rest = await service.list_idocs("received", "DEBMAS", first.next_cursor, 2)
    assert [one.docnum[-1] for one in (*first.items, *rest.items)] == ["3", "2", "1"]
    assert rest.next_cursor is None
    assert (await service.list_idocs("sent")).items == []
    kept = await service.get_idoc(first.items[0].idoc_id)
    assert (kept.summary.about, kept.summary.partner) == ("10100001", "S4HCLNT100")
    assert "<NAME1>3</NAME1>" in kept.document
    for unknown in ("received-99", "nothing-9999", "sent-x", f"received-{'9' * 30}"):
        with pytest.raises(IdocNotFound):
            await service.get_idoc(unknown)


def verdict(docnum: str, status: str, text: str = "", made: str = "") -> Segment:
    result = segment(E1PRTOB(DOCNUM="77", OBJTYPE="BUS2032", OBJKEY=made))
    return segment(
        E1ADHDR(MESTYP="ORDERS"), segment(E1STATE(DOCNUM=docnum, STATUS=status, STATXT=text, STAMID="V1"), result)
    )


async def test_confirmations_move_what_we_sent_and_what_is_posted_stays_so(documents: Connect) -> None:
    service = documents()
    number = "1".zfill(16)
    sent = KeptIdoc(
        direction="sent", identity=number, docnum=number, partner="S4HCLNT100", basic_type="ORDERS05",
        message_type="ORDERS", status=TAKEN, confirmed=True,
    )  # fmt: skip
    kept = await service._store.send(sent)
    for place, (status, text, made) in enumerate(
        (("64", "", ""), ("51", "Enter a plant", ""), ("53", "saved", "0004000001"), ("51", "late", ""))
    ):
        answer = await service.receive_idocs(
            posted(verdict(number, status, text, made), number=str(place), message="ALEAUD", kind="ALEAUD01")
        )
        assert answer.idocs[0].outcome == "kept"
    found = await service.get_idoc(f"sent-{kept.position}")
    assert [one.status for one in found.history] == ["03", "39", "40", "41"]
    assert (found.summary.status, found.summary.object_key) == ("41", "4000001")
    assert found.history[2].text == "Enter a plant"
    assert await told(service) == []
    stranger = posted(verdict("9" * 16, "53"), number="9", message="ALEAUD", kind="ALEAUD01")
    assert (await service.receive_idocs(stranger)).idocs[0].outcome == "kept"


async def test_documents_go_when_their_time_is_over_and_old_cursors_say_so(documents: Connect) -> None:
    service = documents()
    await service.receive_idocs(posted(customer(), number="1"))
    first = await service.list_events()
    await service.receive_idocs(posted(customer(), number="2"))
    await documents(keep_days=-1.0).receive_idocs(posted(customer(), number="3"))
    assert [one["idocId"] for _, one in await told(service)] == ["received-3"]
    with pytest.raises(CursorExpired):
        await service.list_events("all", first.cursor)


async def test_a_process_drops_what_is_too_old_as_soon_as_it_runs(documents: Connect) -> None:
    await documents().receive_idocs(posted(customer(), number="1"))
    keeping = documents(keep_days=-1.0)
    await keeping.start()

    async def dropped() -> bool:
        return not (await documents().list_idocs()).items

    await eventually(dropped)
    await keeping.aclose()


async def test_without_a_store_nothing_is_taken_and_the_refusal_says_what_to_name(documents: Connect) -> None:
    with pytest.raises(BackendFault, match=r"`url` of \[backends\.sap\.idoc\.store\]"):
        await documents(store=None).receive_idocs(posted(customer()))
    nothing = await documents(store=None).list_events()
    assert (nothing.items, (await documents(store=None).list_events("all", nothing.cursor)).items) == ([], [])


async def test_a_store_that_cannot_be_written_answers_no_success(documents: Connect, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendUnavailable):
        await documents(store=tmp_path / "file" / "idocs").receive_idocs(posted(customer()))


async def test_only_its_owner_may_read_what_is_kept(documents: Connect, tmp_path: Path) -> None:
    await documents().receive_idocs(posted(customer()))
    assert (tmp_path / "idocs.sqlite3").stat().st_mode & 0o077 == 0


async def ledger(url: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=url) as client:
        return (await client.get("/__sandbox__/ledger")).json()["idocs"]


@pytest.mark.parametrize("door", ["soap", "xml"])
async def test_sap_is_told_what_became_of_its_documents(
    documents: Connect, control: Any, sandbox_url: str, door: str
) -> None:
    await control.do("idoc-emit", message="DEBMAS", key="10100001")
    await control.do("idoc-emit", message="MATMAS", key="TG-00001")
    service = documents(confirm=True, door=door)
    for one in await ledger(sandbox_url):
        await service.receive_idocs(IdocsPosted(one["document"]))
    assert await service._confirmations.tell() == 2
    assert await service._confirmations.tell() == 0
    out = [one for one in await ledger(sandbox_url) if one["DIRECT"] == "1"]
    assert [[step["status"] for step in one["history"]] for one in out] == [["01", "30", "41"], ["01", "30", "41"]]


async def test_what_sap_would_not_hear_is_told_after_the_next_start(
    documents: Connect, control: Any, sandbox_url: str
) -> None:
    await control.do("idoc-emit", message="DEBMAS", key="10100001")
    (idoc,) = await ledger(sandbox_url)
    deaf = documents(confirm=True, url="http://127.0.0.1:9")
    await deaf._confirmations.start()
    await deaf.receive_idocs(IdocsPosted(idoc["document"]))
    await deaf._confirmations.aclose()
    hearing = documents(confirm=True)
    await hearing._confirmations.start()

    async def is_told() -> bool:
        return (await ledger(sandbox_url))[0]["STATUS"] == "41"

    await eventually(is_told)
    await hearing._confirmations.aclose()


async def test_what_sap_tells_of_real_business_is_understood(
    documents: Connect, control: Any, sandbox_url: str, connect: Any, new_order: Any
) -> None:
    order = await connect(sandbox_url).create_order(new_order("idoc-1"))
    await control.do("idoc-emit", message="ORDRSP", key=order.erp_order_id)
    made = await control.do("fulfil", order=order.erp_order_id)
    for message, key in (
        ("SHPCON", made["delivery"]), ("INVOIC", made["invoice"]), ("MATMAS", "TG-00001"), ("DESADV", made["delivery"]),
    ):  # fmt: skip
        await control.do("idoc-emit", message=message, key=key)
    service = documents()
    for one in await ledger(sandbox_url):
        await service.receive_idocs(IdocsPosted(one["document"]))
    confirmed_event, *events = (await service.list_events()).items
    assert confirmed_event.type == "order-confirmed"
    confirmed = msgspec.json.decode(confirmed_event.payload, type=OrderConfirmed)
    assert (confirmed.erp_order_id, confirmed.purchase_order, confirmed.net) == (
        order.erp_order_id,
        "idoc-1",
        order.net,
    )
    assert [(one.item, one.sku, one.quantity, one.confirmed, one.day, one.rejected) for one in confirmed.lines] == [
        (one.item, one.sku, one.quantity, one.quantity, one.confirmed_date, False) for one in order.lines
    ]
    delivered = msgspec.json.decode(events[0].payload, type=DeliveryConfirmed)
    assert (delivered.delivery_id, delivered.goods_issued is not None) == (made["delivery"], True)
    assert [(one.erp_order_id, one.item, one.sku) for one in delivered.lines] == [
        (order.erp_order_id, one.item, one.sku) for one in order.lines
    ]
    billed = msgspec.json.decode(events[1].payload, type=InvoicePosted)
    assert (billed.erp_order_ids, billed.purchase_order) == ([order.erp_order_id], "idoc-1")
    assert billed.net == order.net
    assert msgspec.json.decode(events[2].payload, type=ProductRecordChanged).descriptions["EN"]
    assert events[3].type == "idoc-received"
