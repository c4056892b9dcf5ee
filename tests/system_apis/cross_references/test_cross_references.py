"""Keys of things in several systems, kept on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from eventually import eventually
from postgres_server import PASSWORD, PostgresServer

from shared.binding.call_context import CallContext, Principal, calling
from shared.binding.problems import BackendFault, BackendUnavailable, Transient
from shared.contracts.canonical.identity import (
    Identity,
    KeyClaim,
    KeyCorrection,
    KeyInSystem,
    KeysOfThing,
    KeysToNote,
    ResolvedIdentity,
)
from shared.contracts.system.cross_references import IdentityNotFound, KeyChanged, KeysDisagree, KeyTaken
from shared.security.secrets import Secret
from shared.sql.transaction import Transaction
from system_apis.cross_references import SqlCrossReferences, transactions
from system_apis.cross_references.connector import CrossReferenceDatabase, CrossReferenceSettings
from system_apis.cross_references.remembered import RememberedKeys
from system_apis.cross_references.transactions import Author, KeyRow


@pytest.fixture(params=["sqlite", "postgresql"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], SqlCrossReferences]]:
    """Opens the database, as another process would each time."""
    url, password = f"sqlite:///{tmp_path / 'keys.sqlite3'}", None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("server")
        (tmp_path / "password").write_text(PASSWORD)
        url, password = server.new_database(), Secret(f"file:{tmp_path / 'password'}")
    async with AsyncExitStack() as stack:

        async def open_() -> SqlCrossReferences:
            settings = CrossReferenceSettings(url=url, password=password)
            database = CrossReferenceDatabase(settings)
            stack.push_async_callback(database.aclose)
            await database.start()
            return SqlCrossReferences(database, RememberedKeys(settings))

        yield open_


@pytest.fixture(scope="module")
def server():
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


async def test_a_thing_is_found_by_its_id_and_by_each_of_its_keys(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("10100001"))
    noted = await keys.note_key("customer", "001A", "erp.business-partner", KeyInSystem("77"))
    assert noted == Identity("customer", "001A", {"erp": "10100001", "erp.business-partner": "77"})
    assert noted.keys == (await keys.get_identity("customer", "001A")).keys
    assert noted == await keys.find_identity("erp", "customer", "10100001")
    assert noted == await (await opened()).find_identity("erp.business-partner", "customer", "77")


async def test_the_same_key_may_be_noted_again_and_is_another_one_elsewhere(opened) -> None:
    keys = await opened()
    for _ in range(2):
        assert (await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))).keys == {"erp": "1"}
    assert (await keys.note_key("product", "001A", "erp", KeyInSystem("1"))).keys == {"erp": "1"}
    assert (await keys.note_key("customer", "001B", "netsuite", KeyInSystem("1"))).keys == {"netsuite": "1"}


async def test_a_key_that_is_taken_is_refused_with_what_stands(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    with pytest.raises(KeyTaken, match="is 1 in erp already, not 2") as caught:
        await keys.note_key("customer", "001A", "erp", KeyInSystem("2"))
    assert caught.value.extensions == {"canonicalId": "001A", "key": "1"}
    with pytest.raises(KeyTaken, match="1 is the customer 001A in erp already") as caught:
        await keys.note_key("customer", "001B", "erp", KeyInSystem("1"))
    assert caught.value.extensions == {"canonicalId": "001A", "key": "1"}
    with pytest.raises(IdentityNotFound):
        await keys.get_identity("customer", "001B")


async def test_a_key_that_was_removed_can_be_noted_of_another(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    for _ in range(2):
        await keys.remove_key("customer", "001A", "erp")
    with pytest.raises(IdentityNotFound):
        await keys.find_identity("erp", "customer", "1")
    assert (await keys.note_key("customer", "001B", "erp", KeyInSystem("1"))).canonical_id == "001B"


async def test_of_processes_that_note_one_key_at_once_one_wins_and_all_agree(opened) -> None:
    processes = await asyncio.gather(*(opened() for _ in range(4)))
    noting = (each.note_key("customer", f"001{n}", "erp", KeyInSystem("1")) for n, each in enumerate(processes))
    outcomes = await asyncio.gather(*noting, return_exceptions=True)
    (won,) = [each for each in outcomes if isinstance(each, Identity)]
    lost = [each for each in outcomes if isinstance(each, KeyTaken)]
    assert len(lost) == 3
    assert {each.extensions["canonicalId"] for each in lost} == {won.canonical_id}


def claimed(canonical_id: str, **keys: str) -> KeyClaim:
    return KeyClaim("customer", canonical_id, "crm", keys)


async def test_what_is_noted_and_what_is_said_are_told_together_and_what_nobody_noted_is_named(opened) -> None:
    keys = await opened()
    assert await keys.resolve(claimed("001A")) == ResolvedIdentity("customer", "001A", {}, [])
    assert await keys.resolve(claimed("001A", erp="1")) == ResolvedIdentity("customer", "001A", {"erp": "1"}, ["erp"])
    await keys.note_key("customer", "001A", "erp.business-partner", KeyInSystem("77"))
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    for said in ({}, {"erp": "1"}):
        found = await keys.resolve(claimed("001A", **said))
        assert (found.keys, found.unnoted) == ({"erp": "1", "erp.business-partner": "77"}, [])


async def test_who_says_otherwise_than_what_is_noted_is_told_who_says_what_until_it_is_corrected(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    with pytest.raises(
        KeysDisagree, match=r"The crm says that the customer 001A is 2 in erp; noted is .* 001A is 1"
    ) as no:
        await keys.resolve(claimed("001A", erp="2"))
    with pytest.raises(KeysDisagree, match=r"crm says .* 001B is 1 in erp; noted is .* 001A is 1"):
        await keys.resolve(claimed("001B", erp="1"))
    assert no.value.extensions == {
        "system": "erp", "saidBy": "crm", "said": {"canonicalId": "001A", "key": "2"},
        "noted": {"canonicalId": "001A", "key": "1"},
    }  # fmt: skip
    await keys.correct_key("customer", "001A", "erp", KeyCorrection("merged", "1", "2"))
    assert (await keys.resolve(claimed("001A", erp="2"))).unnoted == []
    assert (await keys.resolve(claimed("001B", erp="1"))).unnoted == ["erp"]


async def test_keys_of_several_things_are_noted_all_or_none(opened) -> None:
    keys = await opened()
    things = KeysToNote(
        [KeysOfThing("order", "order-1", {"erp": "47", "crm": "801"}), KeysOfThing("customer", "001A", {"erp": "1"})]
    )
    for _ in range(2):
        assert await keys.note_keys(things) == [
            Identity("order", "order-1", {"crm": "801", "erp": "47"}), Identity("customer", "001A", {"erp": "1"}),
        ]  # fmt: skip
    with pytest.raises(KeyTaken, match="1 is the customer 001A"):
        await keys.note_keys(
            KeysToNote([KeysOfThing("order", "order-2", {"erp": "48"}), KeysOfThing("customer", "001B", {"erp": "1"})])
        )
    with pytest.raises(IdentityNotFound):
        await keys.find_identity("erp", "order", "48")
    assert len((await keys.get_identity("order", "order-1")).changes) == 2


async def test_everything_called_so_is_listed_whatever_it_is_page_by_page(opened) -> None:
    keys = await opened()
    await keys.note_keys(
        KeysToNote(
            [
                KeysOfThing("customer", "4711", {"erp": "1"}),
                KeysOfThing("order", "order-1", {"erp": "4711", "crm": "801"}),
                KeysOfThing("order", "order-2", {"erp": "4712", "crm": "4711"}),
                KeysOfThing("order", "order-3", {"erp": "4713"}),
            ]
        )
    )
    found = (await keys.list_identities("4711")).items
    assert [each.canonical_id for each in found] == ["4711", "order-1", "order-2"]
    assert found[1].keys == {"crm": "801", "erp": "4711"}
    assert [each.canonical_id for each in (await keys.list_identities("4711", "customer")).items] == ["4711"]
    page, listed = await keys.list_identities(kind="order", limit=2), list[str]()
    listed += [each.canonical_id for each in page.items]
    page = await keys.list_identities(kind="order", limit=2, cursor=page.next_cursor)
    listed += [each.canonical_id for each in page.items]
    assert (listed, page.next_cursor) == (["order-1", "order-2", "order-3"], None)


async def test_every_change_of_a_key_says_who_made_it_why_and_on_whose_behalf(opened) -> None:
    keys = await opened()
    ada = Principal("ada", "cli", "urn:x", frozenset(), 2e9, "https://issuer")
    with calling(CallContext(principal=ada, correlation_id="order-1")):
        await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
        with pytest.raises(KeyChanged, match="is 1 in erp, not nothing"):
            await keys.correct_key("customer", "001A", "erp", KeyCorrection("seen by nobody", None, "2"))
        for _ in range(2):
            await keys.correct_key("customer", "001A", "erp", KeyCorrection("typing error", "1", "2"))
        await keys.correct_key("customer", "001A", "erp", KeyCorrection("sold", "2"))
    with pytest.raises(IdentityNotFound):
        await keys.find_identity("erp", "customer", "2")
    record = await keys.get_identity("customer", "001A")
    assert record.keys == {}
    assert [(one.act, one.was, one.key, one.reason) for one in record.changes] == [
        ("noted", "", "1", ""), ("corrected", "1", "2", "typing error"), ("removed", "2", "", "sold"),
    ]  # fmt: skip
    assert {(one.by, one.correlation_id) for one in record.changes} == {("ada", "order-1")}


async def test_a_correction_takes_no_key_from_another_thing(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    await keys.note_key("customer", "001B", "erp", KeyInSystem("2"))
    with pytest.raises(KeyTaken, match="1 is the customer 001A in erp already"):
        await keys.correct_key("customer", "001B", "erp", KeyCorrection("merged", "2", "1"))
    assert (await keys.find_identity("erp", "customer", "2")).canonical_id == "001B"


RACES = [  # what stands, what we put there, what others put there since we read, and what is then refused
    ("1", "2", "3", "is 3 in erp, not 1"),
    ("1", None, "3", "is 3 in erp, not 1"),
    ("1", "2", None, "is nothing in erp, not 1"),
    (None, "2", "3", "is 3 in erp, not nothing"),
    ("1", "2", "2", None),
    ("1", None, None, None),
]


@pytest.mark.parametrize("commits", ["before we write", "while we wait"])
@pytest.mark.parametrize(("stands", "ours", "theirs", "refused"), RACES)
async def test_of_two_corrections_side_by_side_the_second_undoes_nothing_that_it_did_not_see(
    server: PostgresServer, stands: str | None, ours: str | None, theirs: str | None, refused: str | None, commits: str
) -> None:
    async with AsyncExitStack() as stack:
        settings = CrossReferenceSettings(url=server.new_database(), password=Secret(f"file:{server.password_file}"))
        database = CrossReferenceDatabase(settings)
        stack.push_async_callback(database.aclose)
        await database.start()
        if stands is not None:
            rows = [KeyRow("customer", "001A", "erp", stands)]
            await database.write("note", lambda: transactions.note(rows, Author("carl", "")))
        we, they = [await connected(stack, settings.url) for _ in range(2)]
        correct = partial(transactions.correct, "customer", "001A", "erp")

        async def others() -> None:
            own = they.transaction()
            await own.start()
            await played(they, correct(KeyCorrection("theirs", stands, theirs), Author("bob", "")))
            await (own.commit() if commits == "before we write" else once_somebody_waits(they, own, stack))

        with pytest.raises(KeyChanged, match=refused) if refused else nullcontext():
            async with we.transaction():
                await played(we, correct(KeyCorrection("ours", stands, ours), Author("ada", "")), others)
        record = await database.read("look", lambda: transactions.record("customer", "001A"))
    assert record is not None
    assert record.keys == ({"erp": theirs} if theirs else {})
    assert [one.by for one in record.changes] == ["carl", "bob"][stands is None :]


async def connected(stack: AsyncExitStack, url: str) -> Any:
    connection = await asyncpg.connect(url, password=PASSWORD)
    stack.push_async_callback(connection.close)
    return connection


async def played(
    connection: Any, transaction: Transaction[None], after_reading: Callable[[], Any] | None = None
) -> None:
    """Play it, with something in between after its first statement."""
    with suppress(StopIteration):
        statement = next(transaction)
        while True:
            rows = [tuple(row) for row in await connection.fetch(statement.sql, *statement.values)]
            if after_reading is not None:
                await after_reading()
                after_reading = None
            statement = transaction.send(rows)


async def once_somebody_waits(connection: Any, own: Any, stack: AsyncExitStack) -> None:
    """Commit in the background, once another transaction waits for this one."""

    async def is_waited_for() -> bool:
        return bool(await connection.fetchval("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"))

    async def commit() -> None:
        await eventually(is_waited_for)
        await own.commit()

    committing = asyncio.create_task(commit())
    stack.push_async_callback(asyncio.wait_for, committing, 60.0)


async def test_whoever_removes_a_key_and_notes_another_leaves_both_in_the_trail(opened) -> None:
    keys = await opened()
    for subject, key in (("onboarding", "1"), ("somebody", "2")):
        caller = Principal(subject, "client", "urn:x", frozenset(), 2e9, "https://issuer")
        with calling(CallContext(principal=caller, correlation_id=f"for {subject}")):
            await keys.remove_key("customer", "001A", "erp")
            await keys.note_key("customer", "001A", "erp", KeyInSystem(key))
    changes = (await keys.get_identity("customer", "001A")).changes
    assert [(one.act, one.was, one.key, one.by, one.correlation_id) for one in changes] == [
        ("noted", "", "1", "onboarding", "for onboarding"),
        ("removed", "1", "", "somebody", "for somebody"),
        ("noted", "", "2", "somebody", "for somebody"),
    ]


async def test_what_another_process_changed_is_seen_after_a_while_and_what_we_changed_at_once(tmp_path: Path) -> None:
    settings = CrossReferenceSettings(url=f"sqlite:///{tmp_path / 'keys.sqlite3'}")
    now, database = [100.0], CrossReferenceDatabase(settings)
    remembered = RememberedKeys(settings)
    remembered.clock = lambda: now[0]
    ours = SqlCrossReferences(database, remembered)
    others = SqlCrossReferences(database, RememberedKeys(settings))
    await ours.note_key("customer", "001A", "erp", KeyInSystem("1"))
    assert (await ours.resolve(claimed("001A", erp="1"))).unnoted == []
    await others.remove_key("customer", "001A", "erp")
    assert (await ours.resolve(claimed("001A", erp="1"))).unnoted == []
    now[0] += settings.remember_seconds + 0.1
    assert (await ours.resolve(claimed("001A", erp="1"))).unnoted == ["erp"]
    await ours.note_key("customer", "001A", "erp", KeyInSystem("1"))
    assert (await ours.resolve(claimed("001A", erp="1"))).unnoted == []
    await database.aclose()


async def test_that_nobody_has_a_key_is_never_remembered(opened) -> None:
    keys = await opened()
    assert (await keys.resolve(claimed("001B", erp="1"))).unnoted == ["erp"]
    assert (await keys.resolve(claimed("001B"))).keys == {}
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    with pytest.raises(KeysDisagree):
        await keys.resolve(claimed("001B", erp="1"))
    await keys.note_key("customer", "001B", "erp", KeyInSystem("2"))
    assert (await keys.resolve(claimed("001B"))).keys == {"erp": "2"}


def test_an_answer_that_was_read_before_a_change_is_not_remembered_and_neither_are_too_many() -> None:
    kept = RememberedKeys(CrossReferenceSettings(url="sqlite:////x", remember_most=2))
    before = kept.changes
    kept.forget([("customer", "0")])
    kept.keep(claimed("0", erp="0"), ResolvedIdentity("customer", "0", {}, []), before)
    assert kept.of(claimed("0", erp="0")) is None
    for name in ("1", "2", "3"):
        kept.keep(claimed(name, erp=name), ResolvedIdentity("customer", name, {}, []), kept.changes)
    assert [name for name in ("1", "2", "3") if kept.of(claimed(name, erp=name))] == ["2", "3"]
    assert kept.of(claimed("3", erp="9")) is None


async def test_a_process_starts_before_its_folder_is_there_and_makes_its_tables_once_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "mounted-later"
    settings = CrossReferenceSettings(url=f"sqlite:///{folder}/keys.sqlite3")
    database = CrossReferenceDatabase(settings)
    await database.start()
    keys = SqlCrossReferences(database, RememberedKeys(settings))
    with pytest.raises(BackendUnavailable):
        await keys.find_identity("erp", "customer", "1")
    folder.mkdir()
    with pytest.raises(IdentityNotFound):
        await keys.find_identity("erp", "customer", "1")
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    await database.aclose()


async def test_a_process_starts_while_its_postgresql_is_away_and_serves_when_that_comes(server: PostgresServer) -> None:
    url, password = server.new_database(), Secret(f"file:{server.password_file}")
    server.stop()
    settings = CrossReferenceSettings(url=url, password=password)
    database = CrossReferenceDatabase(settings)
    keys = SqlCrossReferences(database, RememberedKeys(settings))
    try:
        await database.start()
        with pytest.raises(BackendUnavailable):
            await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    finally:
        server.start()
    await eventually(lambda: noted(keys))
    await database.aclose()


async def noted(keys: SqlCrossReferences) -> bool:
    with suppress(Transient):
        await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
        return True
    return False


async def test_a_database_that_answers_and_cannot_be_used_keeps_the_process_from_starting(
    server: PostgresServer, tmp_path: Path
) -> None:
    (tmp_path / "wrong").write_text("wrong-one")
    for url, secret in (
        (server.url(), tmp_path / "wrong"),
        (server.url("no_such_database"), server.password_file),
    ):
        database = CrossReferenceDatabase(CrossReferenceSettings(url=url, password=Secret(f"file:{secret}")))
        with pytest.raises(BackendFault):
            await database.start()
        await database.aclose()
    with pytest.raises(ValueError, match="a password is given by reference"):
        CrossReferenceDatabase(CrossReferenceSettings(url="postgresql://keeper:secret@localhost/keys"))
