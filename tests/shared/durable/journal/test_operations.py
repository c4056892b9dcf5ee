"""What every journal promises those who act on flows from outside: priorities, wakes, signals, amendments, audit."""

import asyncio
import time
from typing import Any

import msgspec

from shared.durable.journal import Amendment, AuditEntry, Change, FlowRecord, Journal, Save, Signal, StepRecord

KINDS = ["sell@1"]


def flow(name: str, **changes: Any) -> FlowRecord:
    return msgspec.structs.replace(FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}"), **changes)


def step(seq: int, state: Any = "succeeded", **changes: Any) -> StepRecord:
    made = StepRecord(seq, "shop.get", b"[1]", state, b'"ok"', 5, 2, 1000.0 + abs(seq), 1001.0)
    return msgspec.structs.replace(made, **changes)


def entry(name: str, act: str = "resume") -> AuditEntry:
    return AuditEntry(name, "ann", act, "because")


async def claimed(journal: Journal, limit: int = 9) -> list[str]:
    return [claim.flow.flow_id for claim in (await journal.claim("w", KINDS, limit)).claimed]


async def test_what_is_urgent_is_claimed_first(journal: Journal) -> None:
    for name, priority in (("batch", 2), ("order", 1), ("later-order", 1), ("interactive", 0)):
        await journal.start(flow(name, priority=priority), None)
    assert [await claimed(journal, 1) for _ in range(4)] == [["interactive"], ["order"], ["later-order"], ["batch"]]


async def test_the_next_due_flow_is_found_over_all_priorities(journal: Journal) -> None:
    for name, priority, wait in (("a", 0, 90.0), ("b", 2, 30.0), ("c", 1, 60.0)):
        await journal.start(flow(name, priority=priority), "w")
        await journal.save(Save(name, 1, (), Change("waiting", next_in=wait)))
    claims = await journal.claim("w", KINDS, 9)
    assert claims.claimed == ()
    assert claims.next_in is not None
    assert 29 < claims.next_in <= 30


async def rest(journal: Journal, name: str, wait: float, **changes: Any) -> None:
    await journal.start(flow(name), "w")
    parked = step(1, **{"state": "waiting", "parks": 1, "attempts": 0, "retry_in": wait, **changes})
    await journal.save(Save(name, 1, (step(2), parked), Change("waiting", next_in=wait)))


async def test_parked_flows_are_let_go_soonest_first_and_no_others(journal: Journal) -> None:
    for name, wait in (("c", 50.0), ("a", 30.0), ("b", 40.0)):
        await rest(journal, name, wait)
    await rest(journal, "retrying", 20.0, parks=0, attempts=1)
    await rest(journal, "elsewhere", 20.0, operation="shopping.get")
    await rest(journal, "asked-to-wait", 600.0, parks=0)
    assert await journal.unpark(["other@1"], "shop", 9) == 0
    assert await journal.unpark(KINDS, "shop", 2) == 2
    assert await claimed(journal) == ["a", "b"]
    found = await journal.find("a")
    assert found is not None
    assert [s.retry_in is not None and s.retry_in <= 0.0 for s in found.steps if s.seq == 1] == [True]
    assert await journal.unpark(KINDS, "shop", 9) == 1
    assert await journal.unpark(KINDS, "shop", 9) == 0
    assert await claimed(journal) == ["c"]


async def test_a_flow_that_parks_again_goes_to_the_end(journal: Journal) -> None:
    for name, wait in (("a", 30.0), ("b", 40.0)):
        await rest(journal, name, wait)
    for expected in ("a", "b", "a"):
        assert await journal.unpark(KINDS, "shop", 1) == 1
        (taken,) = (await journal.claim("w", KINDS, 9)).claimed
        assert taken.flow.flow_id == expected
        again = step(1, "waiting", parks=2, attempts=0, retry_in=50.0)
        await journal.save(Save(expected, taken.flow.fence, (again,), Change("waiting", next_in=50.0)))


async def test_an_ending_flow_wakes_its_parent(journal: Journal) -> None:
    await journal.start(flow("parent"), "w")
    await journal.save(Save("parent", 1, (), Change("waiting", next_in=3600.0)))
    await journal.start(flow("child", parent="parent"), "w")
    assert await claimed(journal) == []
    await journal.save(Save("child", 1, (), Change("completed", result=b"1", wakes="parent")))
    assert await claimed(journal) == ["parent"]
    found = await journal.find("child")
    assert found is not None
    assert found.flow.parent == "parent"


async def test_a_flow_woken_while_a_worker_has_it_is_due_when_let_go(journal: Journal) -> None:
    await journal.start(flow("f"), "w")
    assert await journal.signal("f", Signal("go", "1", b"1"))
    await journal.save(Save("f", 1, (), Change("waiting", next_in=3600.0)))
    assert await claimed(journal) == ["f"]
    await journal.save(Save("f", 2, (), Change("waiting", next_in=3600.0)))
    assert await claimed(journal) == []


async def test_waking_leaves_ended_flows_alone(journal: Journal) -> None:
    await journal.start(flow("f"), "w")
    await journal.save(Save("f", 1, (), Change("dead")))
    assert await journal.signal("f", Signal("go", "1", b"1"))
    assert await claimed(journal) == []


async def test_signals_keep_their_order_and_their_first_payload(journal: Journal) -> None:
    await journal.start(flow("f"), "w")
    sent = [Signal("go", "b", b"1"), Signal("stop", "a", b"2"), Signal("go", "a", b"3")]
    assert [await journal.signal("f", signal) for signal in sent] == [True, True, True]
    assert await journal.signal("f", Signal("go", "b", b"9")) is False
    assert await journal.signal("nobody", sent[0]) is None
    assert await journal.signals("f", "go") == [sent[0], sent[2]]
    assert await journal.signals("nobody", "go") == []


async def dead(journal: Journal, name: str, **change: Any) -> None:
    await journal.start(flow(name), "gone")
    steps = (step(1), step(2, "dead"), step(3, "refused"), step(-1, "refused"))
    await journal.save(Save(name, 1, steps, Change("dead", problem=b"{}", **change)))


async def test_a_revived_flow_tries_its_failed_steps_afresh(journal: Journal) -> None:
    await dead(journal, "f")
    assert await journal.amend(Amendment(entry("f"), "pending", request=b'{"a":2}'))
    (taken,) = (await journal.claim("w", KINDS, 9)).claimed
    record = taken.flow
    assert (record.state, record.request, record.problem, record.in_doubt) == ("running", b'{"a":2}', None, True)
    tried = {s.seq: (s.state, s.attempts, s.parks, s.retry_in is not None) for s in taken.steps}
    assert tried == {
        1: ("succeeded", 5, 2, False), 2: ("waiting", 0, 0, True),
        3: ("refused", 5, 2, False), -1: ("waiting", 0, 0, True),
    }  # fmt: skip
    assert await journal.amend(Amendment(entry("f"), "pending")) is False


async def test_a_flow_revived_while_undoing_goes_on_undoing(journal: Journal) -> None:
    await dead(journal, "f", compensating=True)
    assert await journal.amend(Amendment(entry("f"), "pending"))
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.state, found.flow.problem, found.flow.compensating) == ("compensating", b"{}", True)


async def test_a_dead_flow_that_is_to_stop_is_revived_to_undo(journal: Journal) -> None:
    await dead(journal, "f")
    before = await journal.request_cancel("f", entry("f", "cancel"))
    assert before is not None
    assert before.state == "dead"
    (taken,) = (await journal.claim("w", KINDS, 9)).claimed
    assert (taken.flow.state, taken.flow.cancel_requested, taken.flow.in_doubt) == ("running", True, True)
    assert [(s.state, s.attempts) for s in taken.steps if s.seq == 2] == [("waiting", 0)]


async def test_an_edited_flow_stays_dead_and_may_forget(journal: Journal) -> None:
    await dead(journal, "f")
    assert await journal.amend(Amendment(entry("f", "edit"), "dead", request=b"[]", forget=True))
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.state, found.flow.request, found.steps) == ("dead", b"[]", ())
    assert await claimed(journal) == []


async def test_only_a_dead_flow_at_rest_can_be_amended(journal: Journal) -> None:
    await journal.start(flow("running"), "w")
    await dead(journal, "stopping")
    await journal.request_cancel("stopping", entry("stopping", "cancel"))
    for name in ("running", "stopping", "nobody"):
        assert await journal.amend(Amendment(entry(name), "discarded")) is False
    assert [e.act for e in (await journal.audit())[0]] == ["cancel"]


async def test_of_many_who_resume_one_succeeds(journal: Journal) -> None:
    await dead(journal, "f")
    answers = await asyncio.gather(*(journal.amend(Amendment(entry("f"), "pending")) for _ in range(20)))
    assert sorted(answers) == [False] * 19 + [True]
    assert len((await journal.audit("f"))[0]) == 1


async def test_a_discarded_flow_is_never_claimed(journal: Journal, clock: Any) -> None:
    await dead(journal, "f")
    assert await journal.amend(Amendment(entry("f", "discard"), "discarded"))
    await clock.advance(1e6)
    assert await claimed(journal) == []
    assert await journal.counts() == {}


async def test_the_audit_trail_tells_who_when_and_what(journal: Journal) -> None:
    for name in "abc":
        await dead(journal, name)
        await journal.amend(Amendment(entry(name, "discard"), "discarded"))
    page, following = await journal.audit(limit=2)
    assert [(e.flow_id, e.who, e.act, e.detail) for e in page] == [
        ("c", "ann", "discard", "because"), ("b", "ann", "discard", "because"),
    ]  # fmt: skip
    assert abs(page[0].at - time.time()) < 60
    rest, end = await journal.audit(limit=2, before=following)
    assert ([e.flow_id for e in rest], end) == (["a"], None)
    assert [e.flow_id for e in (await journal.audit("b"))[0]] == ["b"]


async def test_settling_a_child_by_hand_wakes_its_parent(journal: Journal) -> None:
    await journal.start(flow("parent"), "w")
    await journal.save(Save("parent", 1, (), Change("waiting", next_in=3600.0)))
    await journal.start(flow("child", parent="parent"), "w")
    await journal.save(Save("child", 1, (), Change("dead")))
    assert await journal.amend(Amendment(entry("child", "discard"), "discarded"))
    assert await claimed(journal) == ["parent"]


async def test_a_flow_that_ends_although_it_was_woken_is_over(journal: Journal) -> None:
    for name, state in (("f", "completed"), ("g", "dead")):
        await journal.start(flow(name), "w")
        await journal.signal(name, Signal("go", "1", b"1"))
        await journal.save(Save(name, 1, (), Change(state)))
    assert await claimed(journal) == []


async def test_a_signal_between_a_look_and_the_rest_is_not_missed(journals: Any) -> None:
    worker, sender = await journals(), await journals()
    await worker.start(flow("f"), "w")
    assert await worker.signals("f", "go") == []
    assert await sender.signal("f", Signal("go", "1", b"1"))
    await worker.save(Save("f", 1, (), Change("waiting", next_in=3600.0)))
    assert await claimed(worker) == ["f"]


async def test_children_that_end_side_by_side_wake_parents_that_end_beside_them(journals: Any) -> None:
    a, b = await journals(), await journals()
    for name in "abcdefgh":
        await a.start(flow(name), "w")
    await asyncio.gather(
        *(a.save(Save(x, 1, (), Change("completed", wakes=y))) for x, y in ("ab", "cd", "ef", "gh")),
        *(b.save(Save(x, 1, (), Change("waiting", next_in=3600.0, wakes=y))) for x, y in ("ba", "dc", "fe", "hg")),
    )
    assert sorted(await claimed(a)) == ["b", "d", "f", "h"]
