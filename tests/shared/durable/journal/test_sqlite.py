"""What only the SQLite journal has: a file, which may be full, shared, old, or from the future."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.durable.journal import FlowRecord, JournalUnavailable
from shared.durable.sqlite.journal import SqliteJournal

KINDS = ["sell@1"]


def flow(name: str, **changes: Any) -> FlowRecord:
    return msgspec.structs.replace(FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}"), **changes)


async def test_a_schema_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    journal = SqliteJournal(path)
    with pytest.raises(RuntimeError, match="schema 99"):
        await journal.open()
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


async def test_a_journal_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    from shared.durable.sqlite import schema as sqlite_schema

    connection = sqlite3.connect(tmp_path / "j.db")
    for statement in sqlite_schema._MIGRATIONS[0].split(";"):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.execute(
        "INSERT INTO flow (flow_id, key, attempt, kind, request, context, state, fence, next_at, created_at,"
        " updated_at) VALUES ('f', 'f', 1, 'sell@1', x'7b7d', x'7b7d', 'pending', 0, 0.0, 0.0, 0.0)"
    )
    connection.commit()
    connection.close()
    journal = SqliteJournal(tmp_path / "j.db")
    await journal.open()
    (taken,) = (await journal.claim("w", KINDS, 1)).claimed
    assert (taken.flow.flow_id, taken.flow.priority, taken.flow.parent) == ("f", 1, None)
    await journal.close()
