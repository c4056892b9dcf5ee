"""The record of one run: after a failed save it writes nothing more."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shared.durable.codec import PlainCodec
from shared.durable.flow_log import FlowLog
from shared.durable.interruptions import Unrecorded
from shared.durable.journal import Claim, FlowRecord, JournalUnavailable, Save, StepRecord
from shared.durable.sqlite.journal import SqliteJournal


def flow(name: str) -> FlowRecord:
    return FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}")


def step(seq: int) -> StepRecord:
    return StepRecord(seq, "shop.get", b"[1]", "succeeded", b'"ok"', 1, 0, 1000.0 + abs(seq), 1001.0)


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
