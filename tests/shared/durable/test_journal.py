"""What the journal promises: order, fences, leases, and honesty when the disk is full."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.durable.codec import PlainCodec
from shared.durable.flow_log import FlowLog
from shared.durable.interruptions import Unrecorded
from shared.durable.journal import Change, Claim, FenceLost, FlowRecord, JournalUnavailable, Save, StepRecord
from shared.durable.journal_sqlite import SqliteJournal

KINDS = ["sell@1"]


def flow(name: str, kind: str = "sell@1") -> FlowRecord:
    return FlowRecord(name, name, 1, kind, b'{"a":1}', b"{}")


def step(seq: int, **changes: Any) -> StepRecord:
    made = StepRecord(seq, "shop.get", b"[1]", "succeeded", b'"ok"', 1, 0, 1000.0 + abs(seq), 1001.0)
    return msgspec.structs.replace(made, **changes)


async def test_a_flow_comes_back_as_it_was_saved(journal: SqliteJournal) -> None:
    assert await journal.start(flow("f"), "w")
    await journal.save(Save("f", 1, (step(1), step(2, state="waiting", retry_in=9.0))))
    await journal.save(Save("f", 1, (step(2),), Change("completed", result=b"7")))
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.state, found.flow.result, found.flow.next_in) == ("completed", b"7", None)
    assert found.steps == (step(1), step(2))
    assert await journal.find("g") is None


async def test_an_id_is_taken_once(journal: SqliteJournal) -> None:
    answers = await asyncio.gather(
        *(journal.start(flow("f"), f"w{i}") for i in range(50)), journal.start(flow("g"), "w")
    )
    assert (sum(answers[:50]), answers[0], answers[50]) == (1, True, True)


async def test_a_stale_fence_writes_nothing(journal: SqliteJournal, clock: Any) -> None:
    await journal.register("a", 5)
    await journal.register("b", 60)
    await journal.start(flow("f"), "a")
    await journal.start(flow("g"), "b")
    assert (await journal.claim("b", KINDS, 9)).claimed == ()
    clock.advance(6)
    (taken,) = (await journal.claim("b", KINDS, 9)).claimed
    assert (taken.flow.flow_id, taken.flow.fence, taken.flow.in_doubt, taken.flow.takeovers) == ("f", 2, True, 1)
    zombie, *others = await asyncio.gather(
        journal.save(Save("f", 1, (step(1),), Change("completed", result=b"stale"))),
        journal.save(Save("g", 1, (step(1),))),
        journal.save(Save("f", 2, (step(1, outcome=b'"new"'),))),
        return_exceptions=True,
    )
    assert isinstance(zombie, FenceLost)
    assert others == [None, None]
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.state, found.steps[0].outcome) == ("running", b'"new"')


async def test_a_worker_that_signs_off_is_replaced_at_once(journal: SqliteJournal) -> None:
    await journal.register("a", 60)
    await journal.start(flow("f"), "a")
    await journal.leave("a")
    assert [c.flow.flow_id for c in (await journal.claim("b", KINDS, 9)).claimed] == ["f"]


async def test_only_flows_of_known_kinds_are_claimed(journal: SqliteJournal) -> None:
    await journal.start(flow("old", "sell@1"), None)
    await journal.start(flow("new", "sell@2"), None)
    assert [c.flow.flow_id for c in (await journal.claim("a", ["sell@2"], 9)).claimed] == ["new"]


async def test_a_flow_is_not_claimed_before_it_is_due(journal: SqliteJournal, clock: Any) -> None:
    await journal.start(flow("f"), "a")
    await journal.save(Save("f", 1, (), Change("waiting", next_in=60.0)))
    claims = await journal.claim("b", KINDS, 9)
    assert claims.claimed == ()
    assert claims.next_in == pytest.approx(60, abs=1)
    clock.advance(61)
    assert len((await journal.claim("b", KINDS, 9)).claimed) == 1


async def test_progress_forgives_takeovers(journal: SqliteJournal) -> None:
    await journal.start(flow("f"), "gone")
    for count in (1, 2, 3):
        (taken,) = (await journal.claim(f"gone{count}", KINDS, 1)).claimed
        assert taken.flow.takeovers == count
    await journal.save(Save("f", taken.flow.fence, (step(1),)))
    (taken,) = (await journal.claim("gone4", KINDS, 1)).claimed
    assert taken.flow.takeovers == 1


async def test_a_released_flow_is_in_doubt(journal: SqliteJournal) -> None:
    await journal.start(flow("f"), "a")
    await journal.release("f", 2)
    assert (await journal.claim("a", KINDS, 1)).claimed == ()
    await journal.release("f", 1)
    (taken,) = (await journal.claim("a", KINDS, 1)).claimed
    assert (taken.flow.in_doubt, taken.flow.takeovers) == (True, 0)


async def test_renewing_tells_which_flows_shall_stop(journal: SqliteJournal) -> None:
    await journal.register("a", 5)
    await journal.start(flow("f"), "a")
    await journal.start(flow("g"), "a")
    await journal.request_cancel("g")
    assert await journal.renew("a", 5) == {"g"}


async def test_counts_leave_out_what_ended_well(journal: SqliteJournal) -> None:
    for name, change in {
        "a": Change("completed"), "b": Change("dead"), "c": Change("waiting", next_in=9.0), "d": Change("refused"),
    }.items():  # fmt: skip
        await journal.start(flow(name), "w")
        await journal.save(Save(name, 1, (), change))
    await journal.start(flow("e"), "w")
    await journal.start(flow("f"), None)
    assert await journal.counts() == {"dead": 1, "waiting": 1, "running": 1, "pending": 1}


async def test_what_was_acknowledged_survives_reopening(tmp_path: Path) -> None:
    for number in range(3):
        journal = SqliteJournal(tmp_path / "j.db")
        await journal.open()
        await journal.start(flow(f"f{number}"), None)
        await journal.close()
    journal = SqliteJournal(tmp_path / "j.db")
    await journal.open()
    assert len((await journal.claim("w", KINDS, 9)).claimed) == 3
    await journal.close()


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "j.db")
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.register("a", 1)
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.find("f")


async def test_a_schema_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    journal = SqliteJournal(path)
    with pytest.raises(RuntimeError, match="schema 99"):
        await journal.open()
    await journal.close()


async def test_two_processes_may_share_the_file(tmp_path: Path) -> None:
    journals = [SqliteJournal(tmp_path / "j.db") for _ in range(2)]
    await asyncio.gather(*(journal.open() for journal in journals))
    for number in range(20):
        await asyncio.gather(*(journal.start(flow(f"{i}-{number}"), None) for i, journal in enumerate(journals)))
    await asyncio.gather(*(journal.register(f"w{i}", 60) for i, journal in enumerate(journals)))
    claims = await asyncio.gather(*(journal.claim(f"w{i}", KINDS, 25) for i, journal in enumerate(journals)))
    ids = [c.flow.flow_id for claim in claims for c in claim.claimed]
    assert (len(ids), len(set(ids))) == (40, 40)
    for journal in journals:
        await journal.close()


async def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    journal = SqliteJournal(path, max_pages=40)
    await journal.open()
    kept: list[str] = []

    async def fill() -> None:
        for number in range(1000):
            await journal.start(msgspec.structs.replace(flow(f"f{number}"), request=b"x" * 2000), None)
            kept.append(f"f{number}")

    with pytest.raises(JournalUnavailable, match="full") as refused:
        await fill()
    assert (refused.value.status, refused.value.transient, refused.value.retry_after) == (503, True, 5)
    assert 10 < len(kept) < 100
    await journal.close()
    journal = SqliteJournal(path)
    await journal.open()
    assert {c.flow.flow_id for c in (await journal.claim("w", KINDS, 999)).claimed} == set(kept)
    await journal.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_after_a_failed_save_nothing_later_is_written(journal: SqliteJournal, monkeypatch: Any) -> None:
    await journal.start(flow("f"), "w")
    log = FlowLog(journal, PlainCodec(), Claim(msgspec.structs.replace(flow("f"), fence=1)))
    save: Callable[..., Any] = journal.save

    def fail(_: Save) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_exception(JournalUnavailable("full"))
        return future

    monkeypatch.setattr(journal, "save", fail)
    log.record(step(1), safe=False)
    with pytest.raises(Unrecorded):
        await log.durable()
    monkeypatch.setattr(journal, "save", save)
    log.record(step(2), safe=False)
    with pytest.raises(Unrecorded):
        await log.durable()
    found = await journal.find("f")
    assert found is not None
    assert found.steps == ()
