"""What only the PostgreSQL journal has: a server, whose password, clock and faults it must handle with care."""

import time
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PASSWORD

from shared.durable.journal import Amendment, AuditEntry, Change, FlowRecord, JournalUnavailable, Save
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.postgres.rows import write_saves


def flow(name: str) -> FlowRecord:
    return FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}")


async def test_a_schema_from_the_future_is_refused(postgres_store: Any) -> None:
    first = postgres_store.journal()
    await first.open()
    await first.close()
    await postgres_store.run("UPDATE triptych.version SET number = 99")
    journal = postgres_store.journal()
    with pytest.raises(RuntimeError, match="schema 99"):
        await journal.open()
    await journal.close()


async def test_the_tables_keep_to_their_own_schema(postgres_store: Any) -> None:
    await postgres_store.run("CREATE TABLE public.flow AS SELECT 'somebody else''s' AS note")
    journal = postgres_store.journal()
    await journal.open()
    await journal.start(flow("f"), None)
    await journal.close()
    assert [tuple(row) for row in await postgres_store.run("SELECT note FROM public.flow")] == [("somebody else's",)]


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/d", "postgresql://u@h/d?password=hunter2"])
def test_a_password_in_the_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="take it out") as refused:
        PostgresJournal(url)
    assert "hunter2" not in str(refused.value)


async def test_a_wrong_password_is_a_journal_that_is_not_there(postgres_store: Any) -> None:
    journal = PostgresJournal(postgres_store.url, lambda: "hunter2", patience=0.1)
    with pytest.raises(JournalUnavailable, match="28P01") as refused:
        await journal.open()
    assert "hunter2" not in str(refused.value)
    await journal.close()


async def test_a_server_that_is_not_there_is_waited_for_with_patience(tmp_path: Path) -> None:
    journal = PostgresJournal(f"postgresql://u@/d?host={tmp_path}", patience=0.2)
    began = time.monotonic()
    with pytest.raises(JournalUnavailable, match="FileNotFoundError"):
        await journal.open()
    assert 0.1 < time.monotonic() - began < 20
    await journal.close()


async def test_a_password_that_changed_is_asked_for_again(postgres_store: Any) -> None:
    asked: list[str] = []

    def password() -> str:
        asked.append("again")
        return PASSWORD

    journal = PostgresJournal(postgres_store.url, password)
    await journal.open()
    await journal.start(flow("f"), None)
    before = len(asked)
    await postgres_store.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'trip%'"
    )
    assert await journal.start(flow("g"), None)
    assert await journal.find("f") is not None
    assert len(asked) > before
    await journal.close()


async def test_a_full_disk_refuses_and_what_comes_later_is_written(postgres_store: Any) -> None:
    """A trigger fails as the server does when it cannot extend a table (SQLSTATE 53100)."""
    journal = postgres_store.journal()
    await journal.open()
    await postgres_store.run(
        "CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100', DETAIL = NEW.request::text; END $$"
    )
    await postgres_store.run(
        "CREATE TRIGGER full_disk BEFORE INSERT ON triptych.flow FOR EACH ROW EXECUTE FUNCTION public.full()"
    )
    with pytest.raises(JournalUnavailable, match="DiskFullError 53100") as refused:
        await journal.start(flow("f"), "w")
    assert refused.value.retry_after == 5
    await postgres_store.run("DROP TRIGGER full_disk ON triptych.flow")
    assert await journal.start(flow("f"), "w")
    await journal.close()


async def test_what_postgresql_keeps_can_be_swept_by_age_without_a_scan(postgres_store: Any) -> None:
    journal = postgres_store.journal()
    await journal.open()
    await journal.close()
    plan = await postgres_store.run(
        "EXPLAIN SELECT number FROM triptych.flow WHERE owner IS NULL AND next_at IS NULL AND archive IS NULL"
        " AND updated_at < 5 LIMIT 9"
    )
    assert any("flow_at_rest" in row[0] for row in plan)


async def test_a_save_written_again_does_not_undo_what_came_after_it(postgres_store: Any) -> None:
    """Its answer was lost, an operator resumed the flow it had ended, and then the writer came back with it."""
    journal = postgres_store.journal()
    await journal.open()
    await journal.start(flow("f"), "w")
    save = Save("f", 1, (), Change("dead", problem=b"{}"))
    await journal.save(save)
    assert await journal.amend(Amendment(AuditEntry("f", "ann", "resume"), "pending"))
    connection = await journal._server.connect("again")
    async with connection.transaction():
        assert await write_saves(connection, journal._server, [save], again=True) == [None]
    await connection.close()
    assert [c.flow.flow_id for c in (await journal.claim("v", ["sell@1"], 9)).claimed] == ["f"]
    await journal.close()
