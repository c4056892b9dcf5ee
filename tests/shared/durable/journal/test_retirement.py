"""What every journal promises about completed flows whose work was taken back."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.durable.journal import AuditEntry, Change, FlowRecord, Journal, Save


def flow(name: str, **changes: Any) -> FlowRecord:
    return msgspec.structs.replace(FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}"), **changes)


def entry(name: str) -> AuditEntry:
    return AuditEntry(name, "ann", "retire", "The customer called.")


async def ended(journal: Journal, name: str, state: Any = "completed") -> None:
    await journal.start(flow(name), "w")
    await journal.save(Save(name, 1, (), Change(state, result=b"7" if state == "completed" else None)))


async def test_a_completed_flow_is_retired_once_and_keeps_what_it_came_to(journal: Journal) -> None:
    await ended(journal, "f")
    answers = await asyncio.gather(*(journal.retire("f", entry("f")) for _ in range(10)))
    assert sorted(answer.state for answer in answers if answer) == ["completed"] + ["retired"] * 9
    found = await journal.find("f")
    assert found is not None
    assert (found.flow.state, found.flow.result) == ("retired", b"7")
    entries, _ = await journal.audit("f")
    assert [(e.who, e.act, e.detail) for e in entries] == [("ann", "retire", "The customer called.")]


@pytest.mark.parametrize("state", ["running", "refused", "cancelled", "dead"])
async def test_only_a_completed_flow_is_retired(journal: Journal, state: Any) -> None:
    await ended(journal, "f", state)
    before = await journal.find("f")
    assert before is not None
    answer = await journal.retire("f", entry("f"))
    assert answer is not None
    assert answer.state == state
    assert await journal.find("f") == before
    assert await journal.audit("f") == ([], None)
    assert await journal.retire("nobody", entry("nobody")) is None


async def test_a_retired_flow_is_left_alone(journal: Journal, clock: Any) -> None:
    await ended(journal, "f")
    await journal.retire("f", entry("f"))
    assert (await journal.request_cancel("f")) is not None
    await journal.start(flow("child", parent="f"), "w")
    await journal.save(Save("child", 1, (), Change("completed", wakes="f")))
    await clock.advance(1e6)
    assert (await journal.claim("w", ["sell@1"], 9)).claimed == ()
    assert (await journal.counts(), [f.flow_id for f in (await journal.page(states=["retired"]))[0]]) == ({}, ["f"])
