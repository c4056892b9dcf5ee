"""The store of IDocs promises the same on SQLite and PostgreSQL."""

import asyncio
import base64
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from postgres_server import PASSWORD, PostgresServer

from shared.binding.problems import BackendFault
from shared.security.key_ring import KeyRing, ensure_key_file, rotate_key_file
from shared.security.secrets import Secret
from shared.sql.database import DatabaseSettings
from system_apis.sap.idoc.kept import MADE, NOT_MADE, POSTED, READY, TAKEN, Arriving, KeptIdoc, Verdict
from system_apis.sap.idoc.store import IdocStore

Opened = Callable[..., IdocStore]


@pytest.fixture(scope="module")
def server():
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    if request.param == "sqlite":
        return DatabaseSettings(url=f"sqlite:///{tmp_path / 'idocs.sqlite3'}")
    server: PostgresServer = request.getfixturevalue("server")
    (tmp_path / "password").write_text(PASSWORD)
    return DatabaseSettings(url=server.new_database(), password=Secret(f"file:{tmp_path / 'password'}"))


@pytest.fixture
async def opened(where: DatabaseSettings, tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens the store, as another process would each time."""
    made: list[IdocStore] = []
    keys = ensure_key_file(tmp_path / "sealing" / "keys")

    def open_(keep_days: float = 90.0) -> IdocStore:
        made.append(IdocStore(where, keep_days, KeyRing(Secret(f"file:{keys}"))))
        return made[-1]

    yield open_
    for one in made:
        await one.aclose()


def came(number: str = "1", **fields: Any) -> Arriving:
    given = {
        "message_type": "DEBMAS",
        "partner": "SAP",
        "status": POSTED,
        "document": f"<NAME1>Alster {number}</NAME1>",
        **fields,
    }
    kept = KeptIdoc(direction="received", identity=f"SAP/{number}", docnum=number, basic_type="DEBMAS07", **given)
    return Arriving(kept)


def ours(number: str = "1") -> KeptIdoc:
    return KeptIdoc(
        direction="sent", identity=number, docnum=number, partner="SAP", basic_type="ORDERS05", message_type="ORDERS",
        status=READY, document="<BELNR>1</BELNR>", confirmed=True,
    )  # fmt: skip


async def test_what_came_twice_is_kept_once_whichever_processes_took_it_in(opened: Opened) -> None:
    stores = [opened() for _ in range(3)]
    arrivals = [
        one
        for batch in await asyncio.gather(*(store.receive([came(), came("2")]) for store in stores))
        for one in batch
    ]
    assert sorted(one.repeated for one in arrivals) == [False] * 2 + [True] * 4
    assert sorted({one.kept.position for one in arrivals}) == [1, 2]
    by_message_id = came("9", message_id="urn:sap.com:msgid=1")
    assert [one.repeated for one in await opened().receive([by_message_id, by_message_id])] == [False, True]


async def test_documents_are_told_in_the_order_of_their_positions_and_none_is_passed(opened: Opened) -> None:
    reader = opened()
    assert await reader.told(None, None, 10) == ([], 0)

    async def write(name: str) -> None:
        store = opened()
        for number in range(8):
            await store.receive([came(f"{name}-{number}")])

    writing = asyncio.gather(*(write(name) for name in "abc"))
    seen: list[int] = []
    position = 0
    while not writing.done() or len(seen) < 24:
        found, position = await reader.told("DEBMAS", position, 4)
        seen += [one.position for one in found]
    await writing
    assert seen == list(range(1, 25))
    assert await reader.told("INVOIC", None, 5) == ([], position)
    assert await reader.last_position() == position
    with pytest.raises(LookupError):
        await reader.told(None, position + 1, 5)


async def test_large_documents_are_told_a_few_at_a_time_and_one_at_least(opened: Opened) -> None:
    store, sizes = opened(), (1_500_000, 1_500_000, 5_000_000, 10, 1_500_000)
    for number, size in enumerate(sizes, 1):
        await store.receive([came(str(number), document="x" * size)])
    pages: list[list[int]] = []
    position = 0
    while position < len(sizes):
        found, position = await store.told("DEBMAS", position, 200)
        assert position == found[-1].position
        pages.append([len(one.document) for one in found])
    assert pages == [[1_500_000, 1_500_000], [5_000_000], [10, 1_500_000]]


async def test_a_refused_document_leaves_nothing_of_those_beside_it(opened: Opened) -> None:
    store = opened()
    broken = came("2", partner=None)
    with pytest.raises(BackendFault):
        await store.receive([came("1"), broken])
    assert await store.newest(None, None, None, 10) == []
    assert (await store.receive([came("1")]))[0].kept.position == 1


async def test_an_older_master_record_is_kept_and_passed_over(opened: Opened) -> None:
    store = opened()
    for number, serial in (("1", "1"), ("3", "3"), ("2", "2")):
        await store.receive([came(number, about="10100001", serial=serial)])
    assert [one.docnum for one in (await store.told(None, None, 10))[0]] == ["1", "3"]
    assert [(one.docnum, one.status) for one in await store.newest("received", "DEBMAS", None, 1)] == [("2", "68")]
    found = await store.get("received", 3)
    assert found is not None
    assert [entry.status for entry in found[1]] == ["50", "68"]
    assert "SERIAL 3" in found[0].status_text


async def test_what_we_sent_is_there_once_and_moves_by_what_the_receiver_says(opened: Opened) -> None:
    store = opened()
    kept = await store.send(ours())
    assert (await opened().send(ours())).position == kept.position
    await store.move(kept.position, TAKEN, object_key="0000000000000077")
    for place, status in enumerate((NOT_MADE, MADE, NOT_MADE)):  # one that is posted stays so
        said = Verdict("1", status, f"said {place}", "4711" if status == MADE else "")
        await store.receive([msgspec.structs.replace(came(f"a{place}", message_type="ALEAUD"), verdicts=[said])])
    sent = await store.sent("1")
    assert sent is not None
    assert (sent.status, sent.object_key, sent.status_text, sent.document) == (MADE, "4711", "said 1", "")
    found = await store.get("sent", kept.position)
    assert found is not None
    assert [(entry.status, entry.text) for entry in found[1]] == [
        (READY, ""), (TAKEN, ""), (NOT_MADE, "said 0"), (MADE, "said 1"),
    ]  # fmt: skip
    assert found[0].document == "<BELNR>1</BELNR>"
    assert await store.sent("nothing") is None
    assert await store.get("received", kept.position) is None


async def test_senders_are_told_by_message_type_until_they_have_been(opened: Opened) -> None:
    store = opened()
    await store.receive([came("1"), came("2", message_type="MATMAS"), came("3"), came("4", confirmed=True)])
    waiting = await store.unconfirmed(10)
    assert [one.docnum for one in waiting] == ["1", "3"]
    await store.note_confirmed([one.position for one in waiting])
    assert [one.docnum for one in await store.unconfirmed(10)] == ["2"]


async def test_documents_go_when_their_time_is_over_and_positions_say_so(opened: Opened) -> None:
    store = opened()
    await store.receive([came("1")])
    await store.send(ours("2"))
    await opened(keep_days=-1.0).receive([came("3")])
    assert [one.docnum for one in await store.newest(None, None, None, 10)] == ["3"]
    assert await store.get("received", 1) is None
    with pytest.raises(LookupError):
        await store.told(None, 1, 10)
    assert [one.docnum for one in (await store.told(None, None, 10))[0]] == ["3"]


async def test_documents_go_by_themselves_too_where_nothing_arrives_any_more(opened: Opened) -> None:
    await opened().receive([came("1")])
    await opened().drop_old()
    assert len(await opened().newest(None, None, None, 10)) == 1
    await opened(keep_days=-1.0).drop_old()
    assert await opened().newest(None, None, None, 10) == []
    assert await opened().last_position() == 1


async def everything(where: DatabaseSettings) -> str:
    """What the tables hold, as somebody reads it who has the database and no key."""
    tables = ("sap_idoc", "sap_idoc_status", "sap_idoc_feed")
    if where.url.startswith("sqlite"):
        with sqlite3.connect(where.url.removeprefix("sqlite://")) as file:
            return repr([file.execute(f"SELECT * FROM {table}").fetchall() for table in tables])
    connection = await asyncpg.connect(where.url, password=PASSWORD)
    try:
        return repr([await connection.fetch(f"SELECT * FROM {table}") for table in tables])
    finally:
        await connection.close()


async def test_what_documents_say_is_sealed_where_it_lies(opened: Opened, where: DatabaseSettings) -> None:
    store = opened()
    await store.receive([came("1")])
    await store.move(1, NOT_MADE, "Alster owes money")
    assert "Alster" not in await everything(where)
    found = await store.get("received", 1)
    assert found is not None
    assert (found[0].document, found[1][-1].text) == ("<NAME1>Alster 1</NAME1>", "Alster owes money")


async def test_a_rotated_key_opens_what_it_sealed_and_a_lost_one_is_missed_by_name(
    opened: Opened, tmp_path: Path
) -> None:
    keys = tmp_path / "sealing" / "keys"
    await opened().receive([came("1")])
    rotate_key_file(keys)
    await opened().receive([came("2")])
    assert [one.document for one in (await opened().told(None, None, 10))[0]] == [
        "<NAME1>Alster 1</NAME1>", "<NAME1>Alster 2</NAME1>",
    ]  # fmt: skip
    keys.write_text(base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(BackendFault, match="put it back"):
        await opened().told(None, None, 10)
