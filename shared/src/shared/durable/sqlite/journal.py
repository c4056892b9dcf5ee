"""The journal in one SQLite file: WAL, every commit synced to disk, one writer with group commit."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from shared.durable.journal import (
    FINAL_STATES,
    Amendment,
    AuditEntry,
    Claim,
    Claims,
    FenceLost,
    FlowRecord,
    FlowState,
    JournalUnavailable,
    Save,
    Signal,
)
from shared.durable.process_identity import ProcessIdentity, is_gone, this_process
from shared.durable.sqlite.claims import claim, next_due, steps
from shared.durable.sqlite.consumers import SqliteConsumers
from shared.durable.sqlite.group_commit import GroupCommit, unavailable
from shared.durable.sqlite.operations import add_signal, amend, audit, revive, signals_of, unpark, write_entry
from shared.durable.sqlite.retention import SqliteRetention
from shared.durable.sqlite.rows import (
    FLOW_COLUMNS,
    find_flow,
    flow_record,
    insert_flows,
    write_saves,
)
from shared.durable.sqlite.schema import migrate

_T = TypeVar("_T")
_Start = tuple[FlowRecord, str | None]
_Task = Callable[[sqlite3.Connection, float], Any]

_BUSY_SECONDS = 5.0
_FORGET_WORKERS_AFTER = 3600.0
_SETTINGS = ("synchronous = FULL", "temp_store = MEMORY", "cache_size = -32000", "wal_autocheckpoint = 1000")


def steady_clock() -> Callable[[], float]:
    """Unix seconds that start right and then run evenly: a step of the wall clock moves no lease or timer."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


class SqliteJournal(SqliteConsumers, SqliteRetention):
    """Implements `Journal` on a file. Several processes of one machine may share it.

    Args:
        path: The file; its folder must exist. WAL needs a local file system.
        clock: The database's clock, in Unix seconds.
        max_pages: Upper bound of the file in 4 KiB pages; beyond it writes are refused.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] | None = None, max_pages: int | None = None) -> None:
        self._path = path
        self._clock = clock or steady_clock()
        self._max_pages = max_pages
        self._writer = GroupCommit(self._connect, self._apply)
        self._reader_thread: ThreadPoolExecutor | None = None
        self._reader: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, creating it if need be."""
        await self._writer.open()
        self._reader_thread = ThreadPoolExecutor(1, "journal-reader")

    async def close(self) -> None:
        """Write what is queued and close the file."""
        await self._writer.close()
        if self._reader_thread is not None:
            await self._read(lambda connection, _: connection.close())
            self._reader_thread.shutdown()
            self._reader_thread = self._reader = None

    # --- writes --------------------------------------------------------------------------------------

    def start(self, flow: FlowRecord, worker: str | None) -> "asyncio.Future[bool]":
        """See `Journal.start`."""
        return self._writer.submit((flow, worker))

    def save(self, save: Save) -> "asyncio.Future[None]":
        """See `Journal.save`."""
        return self._writer.submit(save)

    async def release(self, flow_id: str, fence: int) -> None:
        """See `Journal.release`."""
        await self._write(
            lambda connection, now: connection.execute(
                "UPDATE flow SET owner = NULL, next_at = ?, in_doubt = 1 WHERE flow_id = ? AND fence = ?"
                " AND owner IS NOT NULL",
                (now, flow_id, fence),
            )
        )

    async def claim(self, worker: str, kinds: Collection[str], limit: int) -> Claims:
        """See `Journal.claim`."""
        encoded = json.dumps(sorted(kinds))

        def take(connection: sqlite3.Connection, now: float) -> Claims:
            claimed = claim(connection, worker, encoded, limit, now) if limit > 0 else ()
            return Claims(claimed, next_due(connection, encoded, now))

        return await self._write(take)

    async def register(self, worker: str, lease: float) -> None:
        """See `Journal.register`. Workers of this machine whose process is gone lose their lease at once."""
        await self.renew(worker, lease)

    async def renew(self, worker: str, lease: float) -> frozenset[str]:
        """See `Journal.renew`."""
        me = this_process()

        def extend(connection: sqlite3.Connection, now: float) -> frozenset[str]:
            connection.execute(
                "INSERT INTO worker VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (worker) DO UPDATE SET lease_until = excluded.lease_until",
                (worker, *me, now + lease),
            )
            _bury(connection, me, now)
            owned = connection.execute("SELECT flow_id FROM flow WHERE owner = ? AND cancel_requested", (worker,))
            return frozenset(flow_id for (flow_id,) in owned)

        return await self._write(extend)

    async def leave(self, worker: str) -> None:
        """See `Journal.leave`."""
        await self._write(lambda connection, _: connection.execute("DELETE FROM worker WHERE worker = ?", (worker,)))

    async def request_cancel(self, flow_id: str, entry: AuditEntry | None = None) -> FlowRecord | None:
        """See `Journal.request_cancel`."""

        def ask(connection: sqlite3.Connection, now: float) -> FlowRecord | None:
            found = find_flow(connection, "flow_id = ?", (flow_id,), now)
            if found and found.state not in FINAL_STATES - {"dead"}:
                connection.execute(
                    "UPDATE flow SET cancel_requested = 1, updated_at = ?1, woken = owner IS NOT NULL,"
                    " next_at = CASE WHEN owner IS NULL THEN ?1 END WHERE flow_id = ?2",
                    (now, flow_id),
                )
                if found.state == "dead":
                    revive(connection, flow_id, now)
                if entry is not None:
                    write_entry(connection, entry, now)
            return found

        return await self._write(ask)

    async def unpark(self, kinds: Collection[str], contract: str, limit: int) -> int:
        """See `Journal.unpark`."""
        encoded = json.dumps(sorted(kinds))
        return await self._write(lambda connection, now: unpark(connection, encoded, contract, limit, now))

    async def signal(self, flow_id: str, signal: Signal) -> bool | None:
        """See `Journal.signal`."""
        return await self._write(lambda connection, now: add_signal(connection, flow_id, signal, now))

    async def amend(self, amendment: Amendment) -> bool:
        """See `Journal.amend`."""
        return await self._write(lambda connection, now: amend(connection, amendment, now))

    # --- reads ---------------------------------------------------------------------------------------

    async def find(self, flow_id: str) -> Claim | None:
        """See `Journal.find`."""

        def look(connection: sqlite3.Connection, now: float) -> Claim | None:
            flow = find_flow(connection, "flow_id = ?", (flow_id,), now)
            return flow and Claim(flow, steps(connection, flow_id, now))

        return await self._read(look)

    async def latest(self, key: str) -> FlowRecord | None:
        """See `Journal.latest`."""

        def look(connection: sqlite3.Connection, now: float) -> FlowRecord | None:
            again = "key = ? AND attempt > 1 ORDER BY attempt DESC LIMIT 1"
            return find_flow(connection, again, (key,), now) or find_flow(connection, "flow_id = ?", (key,), now)

        return await self._read(look)

    async def signals(self, flow_id: str, name: str) -> list[Signal]:
        """See `Journal.signals`."""
        return await self._read(lambda connection, _: signals_of(connection, flow_id, name))

    async def audit(
        self, flow_id: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[list[AuditEntry], int | None]:
        """See `Journal.audit`."""
        return await self._read(lambda connection, _: audit(connection, flow_id, limit, before))

    async def page(
        self, *, states: Sequence[FlowState] = (), kind: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[list[FlowRecord], int | None]:
        """See `Journal.page`."""
        wanted = ", ".join(f"'{state}'" for state in states)  # literals, so that the index of the dead is used
        where = f"state IN ({wanted})" if states else "true"

        def look(connection: sqlite3.Connection, now: float) -> tuple[list[FlowRecord], int | None]:
            rows = connection.execute(
                f"SELECT number, {FLOW_COLUMNS} FROM flow WHERE {where} AND number >= 0 AND (?1 IS NULL OR number < ?1)"  # noqa: S608
                " AND (?2 IS NULL OR kind = ?2) ORDER BY number DESC LIMIT ?3",
                (before, kind, limit + 1),
            ).fetchall()
            records = [flow_record(row[1:], now) for row in rows[:limit]]
            return records, rows[limit - 1][0] if len(rows) > limit else None

        return await self._read(look)

    async def counts(self) -> dict[FlowState, int]:
        """See `Journal.counts`."""

        def count(connection: sqlite3.Connection, _now: float) -> dict[FlowState, int]:
            return dict(
                connection.execute(
                    "SELECT state, count(*) FROM (SELECT state FROM flow WHERE next_at IS NOT NULL AND state <> 'dead'"
                    " UNION ALL SELECT state FROM flow WHERE owner IS NOT NULL"
                    " UNION ALL SELECT state FROM flow WHERE state = 'dead') GROUP BY state"
                ).fetchall()
            )

        return await self._read(count)

    # --- inside --------------------------------------------------------------------------------------

    async def _write(self, task: Callable[[sqlite3.Connection, float], _T]) -> _T:
        return await self._writer.submit(task)

    async def _read(self, look: Callable[[sqlite3.Connection, float], _T]) -> _T:
        if self._reader_thread is None:
            raise JournalUnavailable("The journal is closed; open it before reading.", retry_after=1)

        def run() -> _T:
            try:
                if self._reader is None:
                    self._reader = self._connect()
                    self._reader.execute("PRAGMA query_only = 1")
                return look(self._reader, self._clock())
            except sqlite3.Error as error:
                raise unavailable(error) from error

        return await asyncio.get_running_loop().run_in_executor(self._reader_thread, run)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False, cached_statements=256
        )
        _use_wal(connection)
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        if self._max_pages is not None:
            connection.execute(f"PRAGMA max_page_count = {self._max_pages}")
        migrate(connection)
        return connection

    def _apply(self, connection: sqlite3.Connection, items: list[Any]) -> list[Any]:
        """Write a batch: new flows, then saves, then single tasks; that is also an order of the calls."""
        now = self._clock()
        starts: dict[int, _Start] = {i: item for i, item in enumerate(items) if isinstance(item, tuple)}
        saves = {i: item for i, item in enumerate(items) if isinstance(item, Save)}
        outcomes: list[Any] = [None] * len(items)
        if insert_flows(connection, [*starts.values()], now) == len(starts) and write_saves(
            connection, [*saves.values()], now
        ):
            outcomes = [i in starts or None for i in range(len(items))]
        else:  # some id is taken or some fence is gone: find out whose, one by one
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            for i, start in starts.items():
                outcomes[i] = insert_flows(connection, [start], now) == 1
            for i, save in saves.items():
                outcomes[i] = _save_one(connection, save, now)
        for i, item in enumerate(items):
            if i not in starts and i not in saves:
                outcomes[i] = cast("_Task", item)(connection, now)
        return outcomes


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait for the lock that needs while another process sets the file up."""
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _save_one(connection: sqlite3.Connection, save: Save, now: float) -> FenceLost | None:
    holds = connection.execute(
        "SELECT 1 FROM flow WHERE flow_id = ? AND fence = ?", (save.flow_id, save.fence)
    ).fetchone()
    if not holds:
        return FenceLost(f"Flow {save.flow_id} is no longer held under fence {save.fence}.")
    write_saves(connection, [save], now)
    return None


def _bury(connection: sqlite3.Connection, me: ProcessIdentity, now: float) -> None:
    """End the leases of processes that are gone, and forget workers long dead."""
    here = connection.execute("SELECT worker, place, pid, started FROM worker WHERE place = ?", (me.place,)).fetchall()
    gone = [(worker,) for worker, *process in here if is_gone(ProcessIdentity(*process))]
    connection.executemany("DELETE FROM worker WHERE worker = ?", gone)
    connection.execute("DELETE FROM worker WHERE lease_until < ?", (now - _FORGET_WORKERS_AFTER,))
