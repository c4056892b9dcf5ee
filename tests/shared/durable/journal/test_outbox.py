"""What every journal promises of events: nothing skipped, nothing twice, and positions that move with what was made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg
import msgspec
import pytest
from postgres_server import PASSWORD

from shared.durable.journal import Amendment, AuditEntry, Change, Consumption, FenceLost, FlowRecord, Journal, Save
from shared.durable.outbox import OutboxRecord
from shared.messaging.event_source import PositionExpired

DAY = 86_400.0


class Clock(Protocol):
    async def advance(self, seconds: float) -> None: ...


def flow(name: str, **changes: Any) -> FlowRecord:
    return msgspec.structs.replace(FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}"), **changes)


def event(name: str) -> OutboxRecord:
    return OutboxRecord(name, "thing-sold", 1, b'{"name":1}', 1000.5, "sell@1", "00-aa-bb-01", "c-1")


async def publish(journal: Journal, *names: str) -> None:
    """Each event by a flow of its own, which ends with it."""
    for name in names:
        await journal.start(flow(name), "w")
        await journal.save(Save(name, 1, (), Change("completed", result=b"1"), (event(f"{name}/1"),)))


async def ids(journal: Journal, after: str = "", limit: int = 99) -> list[str]:
    return [record.event_id for record in await journal.outbox(after, limit)]


async def test_an_event_comes_back_as_it_was_published(journal: Journal) -> None:
    assert await journal.newest_event() == ""
    await publish(journal, "a")
    (found,) = await journal.outbox("", 9)
    assert found == msgspec.structs.replace(event("a/1"), position=found.position)
    assert await journal.newest_event() == found.position
    assert await journal.outbox(found.position, 9) == []


async def test_events_are_read_page_by_page_in_the_order_of_their_commits(journal: Journal) -> None:
    await publish(journal, "a", "b", "c", "d", "e")
    first = await journal.outbox("", 2)
    assert [record.event_id for record in first] == ["a/1", "b/1"]
    assert await ids(journal, first[-1].position) == ["c/1", "d/1", "e/1"]


async def test_a_save_under_a_stale_fence_publishes_nothing(journal: Journal) -> None:
    await journal.start(flow("a"), "w")
    await journal.start(flow("b"), "w")
    stale, _ = await asyncio.gather(
        journal.save(Save("a", 7, (), Change("completed"), (event("a/1"),))),
        journal.save(Save("b", 1, (), Change("completed"), (event("b/1"),))),
        return_exceptions=True,
    )
    assert isinstance(stale, FenceLost)
    assert await ids(journal) == ["b/1"]


async def test_an_event_that_was_published_is_not_published_again(journal: Journal) -> None:
    await publish(journal, "a")
    await journal.start(flow("other"), "w")
    await journal.save(Save("other", 1, (), Change("completed"), (event("a/1"), event("b/1"))))
    assert await ids(journal) == ["a/1", "b/1"]


async def test_consuming_starts_flows_and_moves_the_position_together(journal: Journal) -> None:
    await publish(journal, "a")
    at = await journal.newest_event()
    assert await journal.consume(Consumption("c", "outbox", None, "")) == frozenset()
    assert await journal.consume(Consumption("c", "outbox", None, at)) is None, "registered already"
    await journal.start(flow("taken"), "w")
    started = await journal.consume(Consumption("c", "outbox", "", at, (flow("new"), flow("taken"), flow("new"))))
    assert started == {"new"}
    (state,) = await journal.consumers()
    assert (state.consumer, state.source, state.position, state.behind, state.lag) == ("c", "outbox", at, 0, 0.0)
    assert "new" in [claim.flow.flow_id for claim in (await journal.claim("v", ["sell@1"], 9)).claimed]


async def test_who_expects_another_position_writes_nothing(journal: Journal) -> None:
    await journal.consume(Consumption("c", "outbox", None, "1"))
    for stale in (
        Consumption("c", "outbox", "0", "2", (flow("x"),)),
        Consumption("c", "bus", "1", "2", (flow("x"),)),
        Consumption("unknown", "outbox", "1", "2", (flow("x"),)),
    ):
        assert await journal.consume(stale) is None
    assert await journal.find("x") is None


async def test_of_many_who_consume_the_same_events_one_does(journals: Any) -> None:
    several: list[Journal] = await asyncio.gather(*(journals() for _ in range(3)))
    await several[0].consume(Consumption("c", "outbox", None, ""))
    for step in range(10):
        expected = str(step) if step else ""
        answers = await asyncio.gather(
            *(
                each.consume(Consumption("c", "outbox", expected, str(step + 1), (flow(f"f{step}-{number}"),)))
                for number, each in enumerate(several)
            )
        )
        assert sum(answer is not None for answer in answers) == 1
    assert len((await several[0].page(limit=99))[0]) == 10


async def test_what_could_not_be_understood_becomes_a_dead_letter_that_can_be_repaired(journal: Journal) -> None:
    letter = flow("bad", state="dead", problem=b'{"why":1}')
    assert await journal.consume(Consumption("c", "outbox", None, "1", ())) == frozenset()
    assert await journal.consume(Consumption("c", "outbox", "1", "2", (letter, flow("good")))) == {"bad", "good"}
    found = await journal.find("bad")
    assert found is not None
    assert (found.flow.state, found.flow.problem, found.flow.next_in) == ("dead", b'{"why":1}', None)
    assert [claim.flow.flow_id for claim in (await journal.claim("v", ["sell@1"], 9)).claimed] == ["good"]
    assert await journal.amend(Amendment(AuditEntry("bad", "me", "resume"), "pending", b'{"a":2}'))
    (revived,) = (await journal.claim("v", ["sell@1"], 9)).claimed
    assert (revived.flow.flow_id, revived.flow.request) == ("bad", b'{"a":2}')


async def test_a_consumer_tells_how_far_it_is_behind(journal: Journal, clock: Clock) -> None:
    await journal.consume(Consumption("c", "outbox", None, ""))
    await journal.consume(Consumption("elsewhere", "bus", None, "opaque"))
    await publish(journal, "a", "b")
    await clock.advance(100)
    states = {state.consumer: state for state in await journal.consumers()}
    assert (states["c"].behind, states["elsewhere"].behind) == (2, 0)
    assert states["c"].lag == pytest.approx(100, abs=5)
    assert states["c"].moved == pytest.approx(100, abs=5)


async def test_old_events_are_dropped_once_every_consumer_has_passed_them(journal: Journal, clock: Clock) -> None:
    await publish(journal, "a", "b", "c")
    first, second, _ = await journal.outbox("", 9)
    assert await journal.trim_outbox(DAY) == 0, "too young"
    await clock.advance(2 * DAY)
    await publish(journal, "young")
    await journal.consume(Consumption("slow", "outbox", None, ""))
    await journal.consume(Consumption("elsewhere", "bus", None, ""))
    assert await journal.trim_outbox(DAY) == 0, "needed"
    await journal.consume(Consumption("slow", "outbox", "", second.position))
    assert await journal.trim_outbox(DAY) == 2
    assert await ids(journal) == ["c/1", "young/1"]
    assert await journal.forget_consumer("slow")
    assert not await journal.forget_consumer("slow")
    assert await journal.trim_outbox(DAY) == 1
    assert await ids(journal) == ["young/1"]
    with pytest.raises(PositionExpired, match="dropped for their age"):
        await journal.outbox(first.position, 9)


async def test_a_position_at_the_edge_of_what_was_dropped_can_still_be_read(journal: Journal, clock: Clock) -> None:
    await publish(journal, "a")
    last = await journal.newest_event()
    await clock.advance(2 * DAY)
    assert await journal.trim_outbox(DAY) == 1
    assert await journal.outbox(last, 9) == []
    assert await journal.newest_event() == last
    await publish(journal, "b")
    assert await ids(journal, last) == ["b/1"]


@pytest.mark.parametrize("nonsense", ["nonsense", "999999999999", "999999999999-1", "-1", "1-", "9" * 40, "٣"])
async def test_a_position_that_was_never_given_is_refused(journal: Journal, nonsense: str) -> None:
    await publish(journal, "a")
    with pytest.raises(PositionExpired, match="never gave"):
        await journal.outbox(nonsense, 9)


@asynccontextmanager
async def open_transaction(url: str, name: str) -> AsyncIterator[Any]:
    """Another writer that has published, and has not committed."""
    connection = await asyncpg.connect(url, password=PASSWORD, server_settings={"search_path": "triptych"})
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "INSERT INTO outbox (event_id, type, version, payload, occurred_at, producer, traceparent,"
            " correlation_id, published_at) VALUES ($1, 'thing-sold', 1, ''::bytea, 0, '', '', '', 0)",
            name,
        )
        yield transaction
    finally:
        await connection.close()


async def test_in_postgresql_an_event_that_commits_late_is_not_skipped(postgres_store: Any) -> None:
    journal: Journal = postgres_store.journal()
    await journal.open()
    try:
        async with open_transaction(postgres_store.url, "late") as late:
            async with open_transaction(postgres_store.url, "lost") as lost:
                await publish(journal, "early")  # commits first, with a later number
                assert await ids(journal) == [], "nothing may be read past a transaction that is under way"
                assert await journal.newest_event() == ""
                assert await journal.trim_outbox(-DAY) == 0, "nor dropped"
                await late.commit()
                assert await ids(journal) == ["late"]
                await lost.rollback()
            assert await ids(journal) == ["late", "early/1"]
    finally:
        await journal.close()


async def test_in_postgresql_a_reader_of_many_writers_that_commit_out_of_order_sees_each_event_once(
    postgres_store: Any,
) -> None:
    journal: Journal = postgres_store.journal()
    await journal.open()
    seen: list[str] = []
    writing = True

    async def write(writer: int) -> None:
        for number in range(15):
            async with open_transaction(postgres_store.url, f"{writer}-{number}") as transaction:
                await asyncio.sleep(0.001 * ((writer * 7 + number * 3) % 11))
                await transaction.commit()

    async def read() -> None:
        at = ""
        while True:
            last_round = not writing
            for record in await journal.outbox(at, 7):
                seen.append(record.event_id)
                at = record.position
            if last_round and at == await journal.newest_event():
                return

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(writer) for writer in range(6)))
    writing = False
    await reading
    await journal.close()
    assert sorted(seen) == sorted(f"{writer}-{number}" for writer in range(6) for number in range(15))
