"""What every journal promises: order, fences, leases, and flows that come back as they were saved."""

import asyncio
from typing import Any, Protocol

import msgspec
import pytest

from shared.durable.journal import (
    Change,
    FenceLost,
    FlowRecord,
    Journal,
    JournalUnavailable,
    Save,
    StepRecord,
)  # fmt: skip


class Clock(Protocol):
    async def advance(self, seconds: float) -> None: ...


class Store(Protocol):
    def journal(self) -> Journal: ...


KINDS = ["sell@1"]


def flow(name: str, **changes: Any) -> FlowRecord:
    return msgspec.structs.replace(FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}"), **changes)


def step(seq: int, state: Any = "succeeded", **changes: Any) -> StepRecord:
    made = StepRecord(seq, "shop.get", b"[1]", state, b'"ok"', 5, 2, 1000.0 + abs(seq), 1001.0)
    return msgspec.structs.replace(made, **changes)


async def test_a_flow_comes_back_as_it_was_saved(journal: Journal) -> None:
    assert await journal.start(flow("f"), "w")
    await journal.save(Save("f", 1, (step(1), step(2, state="waiting", retry_in=9.0))))
    await journal.save(Save("f", 1, (step(2),), Change("completed", result=b"7")))
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.state, found.flow.result, found.flow.next_in) == ("completed", b"7", None)
    assert found.steps == (step(1), step(2))
    assert await journal.find("g") is None


async def test_an_id_is_taken_once(journal: Journal) -> None:
    answers = await asyncio.gather(
        *(journal.start(flow("f"), f"w{i}") for i in range(50)), journal.start(flow("g"), "w")
    )
    assert (sum(answers[:50]), answers[0], answers[50]) == (1, True, True)


async def test_a_stale_fence_writes_nothing(journal: Journal, clock: Clock) -> None:
    await journal.register("a", 5)
    await journal.register("b", 60)
    await journal.start(flow("f"), "a")
    await journal.start(flow("g"), "b")
    assert (await journal.claim("b", KINDS, 9)).claimed == ()
    await clock.advance(6)
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


async def test_a_worker_that_signs_off_is_replaced_at_once(journal: Journal) -> None:
    await journal.register("a", 60)
    await journal.start(flow("f"), "a")
    await journal.leave("a")
    assert [c.flow.flow_id for c in (await journal.claim("b", KINDS, 9)).claimed] == ["f"]


async def test_only_flows_of_known_kinds_are_claimed(journal: Journal) -> None:
    await journal.start(flow("old"), None)
    await journal.start(flow("new", kind="sell@2"), None)
    assert [c.flow.flow_id for c in (await journal.claim("a", ["sell@2"], 9)).claimed] == ["new"]


async def test_a_flow_is_not_claimed_before_it_is_due(journal: Journal, clock: Clock) -> None:
    await journal.start(flow("f"), "a")
    await journal.save(Save("f", 1, (), Change("waiting", next_in=60.0)))
    claims = await journal.claim("b", KINDS, 9)
    assert claims.claimed == ()
    assert claims.next_in == pytest.approx(60, abs=1)
    await clock.advance(61)
    assert len((await journal.claim("b", KINDS, 9)).claimed) == 1


async def test_progress_forgives_takeovers(journal: Journal) -> None:
    await journal.start(flow("f"), "gone")
    for count in (1, 2, 3):
        (taken,) = (await journal.claim(f"gone{count}", KINDS, 1)).claimed
        assert taken.flow.takeovers == count
    await journal.save(Save("f", taken.flow.fence, (step(1),)))
    (taken,) = (await journal.claim("gone4", KINDS, 1)).claimed
    assert taken.flow.takeovers == 1


async def test_a_released_flow_is_in_doubt(journal: Journal) -> None:
    await journal.start(flow("f"), "a")
    await journal.release("f", 2)
    assert (await journal.claim("a", KINDS, 1)).claimed == ()
    await journal.release("f", 1)
    (taken,) = (await journal.claim("a", KINDS, 1)).claimed
    assert (taken.flow.in_doubt, taken.flow.takeovers) == (True, 0)


async def test_renewing_tells_which_flows_shall_stop(journal: Journal) -> None:
    await journal.register("a", 5)
    await journal.start(flow("f"), "a")
    await journal.start(flow("g"), "a")
    await journal.request_cancel("g")
    assert await journal.renew("a", 5) == {"g"}


async def test_counts_leave_out_what_ended_well(journal: Journal) -> None:
    for name, change in {
        "a": Change("completed"), "b": Change("dead"), "c": Change("waiting", next_in=9.0), "d": Change("refused"),
    }.items():  # fmt: skip
        await journal.start(flow(name), "w")
        await journal.save(Save(name, 1, (), change))
    await journal.start(flow("e"), "w")
    await journal.start(flow("f"), None)
    assert await journal.counts() == {"dead": 1, "waiting": 1, "running": 1, "pending": 1}


async def test_saves_take_effect_in_the_order_of_their_calls(journal: Journal) -> None:
    await journal.start(flow("f"), "w")
    saves = [journal.save(Save("f", 1, (step(1, outcome=str(n).encode()), step(n)))) for n in range(2, 40)]
    ending = journal.save(Save("f", 1, (), Change("completed", result=b"7")))
    await asyncio.gather(*saves, ending)
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.state, found.steps[0].outcome, len(found.steps)) == ("completed", b"39", 39)


async def test_a_flow_may_be_saved_before_its_start_was_answered(journal: Journal) -> None:
    starting, saving = journal.start(flow("f"), "w"), journal.save(Save("f", 1, (step(1),)))
    assert await starting
    await saving
    found = await journal.find("f")
    assert found is not None
    assert len(found.steps) == 1


async def test_any_payload_comes_back_byte_for_byte(journal: Journal) -> None:
    payload = bytes(range(256)) * 3000
    await journal.start(flow("f", request=payload, context=b""), "w")
    await journal.save(Save("f", 1, (step(1, arguments=payload, outcome=b""),), Change("dead", problem=payload)))
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.request, found.flow.context, found.flow.problem) == (payload, b"", payload)
    assert (found.steps[0].arguments, found.steps[0].outcome) == (payload, b"")


async def test_the_newest_attempt_under_a_key_is_found(journal: Journal) -> None:
    for attempt in range(1, 12):
        name = "k" if attempt == 1 else f"k.{attempt}"
        await journal.start(flow(name, key="k", attempt=attempt), None)
        latest = await journal.latest("k")
        assert latest is not None
        assert (latest.flow_id, latest.attempt) == (name, attempt)
    assert await journal.latest("k.2") is not None
    assert await journal.latest("j") is None


async def test_pages_lead_through_all_flows_newest_first(journal: Journal) -> None:
    for number in range(7):
        await journal.start(flow(f"f{number}", kind=f"sell@{number % 2}"), "w")
        await journal.save(Save(f"f{number}", 1, (), Change("dead" if number < 3 else "completed")))
    seen: list[str] = []
    before = None
    while True:
        records, before = await journal.page(limit=3, before=before)
        seen += [record.flow_id for record in records]
        if before is None:
            break
    assert seen == [f"f{number}" for number in range(6, -1, -1)]
    assert [r.flow_id for r in (await journal.page(states=["dead"], kind="sell@0"))[0]] == ["f2", "f0"]
    assert await journal.page(states=["waiting", "running"]) == ([], None)


async def test_cancelling_makes_a_resting_flow_due_and_leaves_ended_ones_alone(journal: Journal) -> None:
    for name, change in {"waits": Change("waiting", next_in=3600.0), "done": Change("completed")}.items():
        await journal.start(flow(name), "w")
        await journal.save(Save(name, 1, (), change))
    for name, state in {"waits": "waiting", "done": "completed"}.items():
        before = await journal.request_cancel(name)
        assert before is not None
        assert (before.state, before.cancel_requested) == (state, False)
    assert await journal.request_cancel("nobody") is None
    (taken,) = (await journal.claim("v", KINDS, 9)).claimed
    assert (taken.flow.flow_id, taken.flow.cancel_requested) == ("waits", True)


async def test_several_journals_share_the_work_and_take_nothing_twice(journals: Any) -> None:
    several: list[Journal] = await asyncio.gather(*(journals() for _ in range(3)))
    for number in range(20):
        await asyncio.gather(*(journal.start(flow(f"{i}-{number}"), None) for i, journal in enumerate(several)))
    await asyncio.gather(*(journal.register(f"w{i}", 60) for i, journal in enumerate(several)))
    claims = [
        await asyncio.gather(*(journal.claim(f"w{i}", KINDS, 7) for i, journal in enumerate(several))) for _ in range(6)
    ]
    ids = [taken.flow.flow_id for round_ in claims for claim in round_ for taken in claim.claimed]
    assert (len(ids), len(set(ids))) == (60, 60)


async def test_of_two_who_start_the_same_flow_one_does(journals: Any) -> None:
    a, b = await journals(), await journals()
    names = [f"f{number}" for number in range(40)]
    answers = await asyncio.gather(
        *(a.start(flow(name), "a") for name in names), *(b.start(flow(name), "b") for name in reversed(names))
    )
    assert sum(answers) == 40


async def test_a_save_and_the_claim_of_its_successor_never_both_count(journals: Any, clock: Clock) -> None:
    a, b = await journals(), await journals()
    await a.register("a", 5)
    await b.register("b", 1e6)
    names = [f"f{number}" for number in range(50)]
    await asyncio.gather(*(a.start(flow(name), "a") for name in names))
    await clock.advance(6)
    saves = [a.save(Save(name, 1, (step(1),))) for name in names]
    taken = (await b.claim("b", KINDS, 99)).claimed
    answers = await asyncio.gather(*saves, return_exceptions=True)
    seen = {claim.flow.flow_id: len(claim.steps) for claim in taken}  # a claim may skip what is just being saved
    for name, answer in zip(names, answers, strict=True):
        found = await b.find(name)
        assert found is not None
        assert len(found.steps) == seen.get(name, 1) == (0 if isinstance(answer, FenceLost) else 1)


async def test_a_renewed_lease_holds_and_a_forgotten_one_ends(journal: Journal, clock: Clock) -> None:
    await journal.register("alive", 5)
    await journal.register("silent", 5)
    await journal.start(flow("a"), "alive")
    await journal.start(flow("s"), "silent")
    await clock.advance(4)
    await journal.renew("alive", 5)
    await clock.advance(2)
    assert [c.flow.flow_id for c in (await journal.claim("w", KINDS, 9)).claimed] == ["s"]


async def test_what_was_acknowledged_survives_reopening(store: Store) -> None:
    for number in range(3):
        journal = store.journal()
        await journal.open()
        await journal.start(flow(f"f{number}"), None)
        await journal.close()
    journal = store.journal()
    await journal.open()
    assert len((await journal.claim("w", KINDS, 9)).claimed) == 3
    await journal.close()


async def test_closing_writes_what_was_submitted(store: Store) -> None:
    journal = store.journal()
    await journal.open()
    starting = [journal.start(flow(f"f{number}"), None) for number in range(200)]
    await journal.close()
    assert all(await asyncio.gather(*starting))


async def test_a_closed_journal_says_so(store: Store) -> None:
    journal = store.journal()
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.register("a", 1)
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.find("f")
