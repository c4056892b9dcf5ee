"""What every journal promises about flows that have ended and go into an archive."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.durable.journal import Amendment, AuditEntry, Change, FlowRecord, Save, Signal, StepRecord
from shared.durable.journal_retention import FOREVER, Ages, ArchivedFlow, Burial, RetentionJournal, Tombstone

HOUR = 3600.0
OLD = Ages(HOUR)


def flow(name: str, **changes: Any) -> FlowRecord:
    return msgspec.structs.replace(FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}"), **changes)


def step(seq: int) -> StepRecord:
    return StepRecord(seq, "shop.get", b"[1]", "succeeded", b'"ok"', 5, 2, 1000.0 + seq, 1001.0)


async def ended(journal: RetentionJournal, name: str, state: Any = "completed", **changes: Any) -> None:
    await journal.start(flow(name, **changes), "w")
    await journal.save(Save(name, 1, (step(1),), Change(state, result=b"7" if state == "completed" else None)))


async def names(journal: RetentionJournal, ages: Ages = OLD, limit: int = 99, since: float = 0.0) -> list[str]:
    return sorted(found.flow.flow_id for found in await journal.archivable(ages, limit, since))


def burial(flows: list[ArchivedFlow], start: int = 0, end: int = 10, file: str = "file") -> Burial:
    stones = (Tombstone(f.flow.flow_id, f.flow.state, f.flow.updated_at, b"digest") for f in flows)
    return Burial(file, start, end, tuple(stones))


async def buried(journal: RetentionJournal, *flow_ids: str) -> None:
    await journal.add_archive_file("file")
    start = (await journal.archive_files())["file"]
    flows = [found for found in await journal.archivable(OLD, 99) if found.flow.flow_id in flow_ids]
    assert await journal.bury(burial(flows, start, start + 10))


async def test_only_what_ended_long_ago_may_go(journal: RetentionJournal, clock: Any) -> None:
    for state in ("completed", "refused", "cancelled", "dead", "waiting", "running", "compensating"):
        await ended(journal, state, state)
    await ended(journal, "retired")
    await journal.retire("retired", AuditEntry("retired", "ann", "retire"))
    await ended(journal, "discarded", "dead")
    await journal.amend(Amendment(AuditEntry("discarded", "ann", "discard"), "discarded"))
    assert await names(journal) == []
    await clock.advance(HOUR + 1)
    await ended(journal, "young")
    over = ["cancelled", "completed", "discarded", "refused", "retired"]
    assert await names(journal) == over
    assert await journal.count_archivable(OLD) == 5
    assert len(await names(journal, limit=2)) == 2


async def test_a_kind_may_have_an_age_of_its_own(journal: RetentionJournal, clock: Any) -> None:
    for kind in ("sell", "buy", "rent"):
        await ended(journal, kind, kind=f"{kind}@3")
    await clock.advance(HOUR + 1)
    assert await names(journal, Ages(HOUR, {"buy": 3 * HOUR, "rent": FOREVER})) == ["sell"]
    assert await names(journal, Ages(FOREVER, {"buy": HOUR})) == ["buy"]
    await clock.advance(3 * HOUR)
    assert await names(journal, Ages(HOUR, {"buy": 3 * HOUR, "rent": FOREVER})) == ["buy", "sell"]


@pytest.mark.parametrize("state", ["running", "waiting", "dead"])
async def test_a_family_goes_only_when_all_of_it_has_ended(journal: RetentionJournal, clock: Any, state: Any) -> None:
    await ended(journal, "parent", state)
    await ended(journal, "its-child", parent="parent")
    await ended(journal, "other")
    await ended(journal, "others-child", state, parent="other")
    await ended(journal, "whole")
    await ended(journal, "wholes-child", parent="whole")
    await clock.advance(HOUR + 1)
    assert await names(journal) == ["whole", "wholes-child"]


async def test_the_oldest_go_first_with_all_that_is_known_of_them(journal: RetentionJournal, clock: Any) -> None:
    await journal.start(flow("f"), "w")
    await journal.signal("f", Signal("go", "1", b"1"))
    await journal.request_cancel("f", AuditEntry("f", "ann", "cancel", "because"))
    await journal.save(Save("f", 1, (step(1), step(2)), Change("completed", result=b"7")))
    await clock.advance(10)
    await ended(journal, "g")
    await clock.advance(HOUR + 1)
    first, second = await journal.archivable(OLD, 2)
    assert (first.flow.flow_id, first.flow.result, first.flow.cancel_requested) == ("f", b"7", True)
    assert (first.steps, first.signals) == ((step(1), step(2)), (Signal("go", "1", b"1"),))
    assert [(e.who, e.act) for e in first.audit] == [("ann", "cancel")]
    assert await names(journal, since=second.flow.updated_at) == ["g"]


async def test_of_what_went_its_key_stays(journal: RetentionJournal, clock: Any) -> None:
    await ended(journal, "f", "refused")
    await ended(journal, "f.2", key="f", attempt=2)
    await ended(journal, "g")
    await journal.signal("g", Signal("go", "1", b"1"))
    await clock.advance(HOUR + 1)
    before = await journal.find("f.2")
    await buried(journal, "f", "f.2")
    found = await journal.find("f.2")
    assert before is not None
    assert found is not None
    assert found.steps == ()
    assert found.flow == msgspec.structs.replace(
        before.flow, archive="file:0", request=b"digest", context=b"", result=None
    )  # fmt: skip
    assert await journal.latest("f") == found.flow
    assert [await journal.start(flow(name), "w") for name in ("f", "f.2", "h")] == [False, False, True]
    assert [f.flow_id for f in (await journal.page())[0]] == ["h", "g"]
    assert await names(journal) == ["g"]
    assert await journal.archive_files() == {"file": 10}


async def test_what_went_takes_its_steps_signals_and_entries_along(journal: RetentionJournal, clock: Any) -> None:
    for name in "fg":
        await journal.start(flow(name), "w")
        await journal.signal(name, Signal("go", "1", b"1"))
        await journal.request_cancel(name, AuditEntry(name, "ann", "cancel"))
        await journal.save(Save(name, 1, (step(1),), Change("cancelled")))
    await clock.advance(HOUR + 1)
    await buried(journal, "f")
    assert await journal.signals("f", "go") == []
    assert [e.flow_id for e in (await journal.audit())[0]] == ["g"]
    kept = await journal.find("g")
    assert kept is not None
    assert (len(kept.steps), len(await journal.signals("g", "go"))) == (1, 1)


async def test_many_go_and_new_ones_come(journal: RetentionJournal, clock: Any) -> None:
    for number in range(4):
        for name in "abc":
            await ended(journal, f"{name}{number}")
        await clock.advance(HOUR + 1)
        await buried(journal, *await names(journal))
        assert await names(journal) == []
        assert (await journal.page())[0] == []
    assert await journal.archive_files() == {"file": 40}
    await ended(journal, "last")
    assert [f.flow_id for f in (await journal.page())[0]] == ["last"]
    assert all([(await journal.find(f"{name}{number}")) for name in "abc" for number in range(4)])


async def test_a_completed_flow_may_be_retired_later(journal: RetentionJournal, clock: Any) -> None:
    await ended(journal, "f")
    await clock.advance(HOUR + 1)
    await buried(journal, "f")
    await journal.retire("f", AuditEntry("f", "ann", "retire"))
    found = await journal.latest("f")
    assert found is not None
    assert (found.state, found.archive) == ("retired", "file:0")
    await clock.advance(HOUR + 1)
    assert await names(journal) == []


async def test_a_burial_is_all_or_nothing(journal: RetentionJournal, clock: Any) -> None:
    await ended(journal, "f")
    await ended(journal, "g")
    await clock.advance(HOUR + 1)
    flows = await journal.archivable(OLD, 9)
    await journal.add_archive_file("file")
    assert await journal.bury(burial(flows, file="unknown")) is False
    assert await journal.bury(burial(flows, start=5)) is False
    await journal.retire("g", AuditEntry("g", "ann", "retire"))  # it changed since it was read
    assert await journal.bury(burial(flows)) is False
    assert await journal.archive_files() == {"file": 0}
    assert await names(journal) == ["f"]
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.archive, len(found.steps)) == (None, 1)


async def test_of_two_burials_at_once_one_counts(journals: Any, clock: Any) -> None:
    a, b = await journals(), await journals()
    for name in "fgh":
        await ended(a, name)
    await clock.advance(HOUR + 1)
    flows = await a.archivable(OLD, 9)
    await a.add_archive_file("a")
    await b.add_archive_file("b")
    answers = await asyncio.gather(a.bury(burial(flows, file="a")), b.bury(burial(flows, file="b")))
    assert sorted(answers) == [False, True]
    assert sorted((await a.archive_files()).values()) == [0, 10]
