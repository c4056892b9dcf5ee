"""What others do to a flow in the SQLite journal: signals, an operator's amendments, and the audit trail."""

import sqlite3

from shared.durable.journal import Amendment, AuditEntry, Signal
from shared.durable.retry_schedule import LONGEST_PARK
from shared.durable.sqlite.rows import wake

_NUMBER = "(SELECT number FROM flow WHERE flow_id = ?)"
_AMEND = (
    "UPDATE flow SET state = ?1, request = coalesce(?2, request), updated_at = ?3"
    " WHERE flow_id = ?4 AND state = 'dead' AND owner IS NULL AND next_at IS NULL"
)
_REVIVE = (
    "UPDATE flow SET state = CASE WHEN compensating THEN 'compensating' ELSE 'pending' END, next_at = ?1,"
    " takeovers = 0, in_doubt = 1, problem = CASE WHEN compensating THEN problem END WHERE flow_id = ?2"
)
_TRY_AGAIN = (
    "UPDATE step SET state = 'waiting', attempts = 0, parks = 0, retry_at = ?"  # noqa: S608
    f" WHERE flow = {_NUMBER} AND (state = 'dead' OR (seq < 0 AND state = 'refused'))"
)

# Nobody rests longer than `LONGEST_PARK`, so flows that wait for weeks are not looked at.
_PARKED = (
    "SELECT number FROM flow WHERE next_at > ?1 AND next_at <= ?2 AND kind IN (SELECT value FROM json_each(?3))"
    " AND EXISTS (SELECT 1 FROM step WHERE flow = number AND parks > 0 AND step.state = 'waiting'"
    " AND operation GLOB ?4) ORDER BY next_at LIMIT ?5"
)


def unpark(connection: sqlite3.Connection, kinds: str, contract: str, limit: int, now: float) -> int:
    """See `Journal.unpark`; `kinds` is a JSON array."""
    steps = f"{contract}.*"
    parked = connection.execute(_PARKED, (now, now + LONGEST_PARK, kinds, steps, limit)).fetchall()
    connection.executemany(
        "UPDATE step SET retry_at = ? WHERE flow = ? AND parks > 0 AND state = 'waiting' AND operation GLOB ?",
        [(now, number, steps) for (number,) in parked],
    )
    connection.executemany("UPDATE flow SET next_at = ? WHERE number = ?", [(now, number) for (number,) in parked])
    return len(parked)


def add_signal(connection: sqlite3.Connection, flow_id: str, signal: Signal, now: float) -> bool | None:
    """See `Journal.signal`."""
    row = connection.execute("SELECT number FROM flow WHERE flow_id = ?", (flow_id,)).fetchone()
    if row is None:
        return None
    added = connection.execute(
        "INSERT INTO signal (flow, name, key, payload) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (row[0], signal.name, signal.key, signal.payload),
    )
    if added.rowcount == 1:
        wake(connection, flow_id, now)
    return added.rowcount == 1


def signals_of(connection: sqlite3.Connection, flow_id: str, name: str) -> list[Signal]:
    """See `Journal.signals`."""
    rows = connection.execute(
        f"SELECT name, key, payload FROM signal WHERE flow = {_NUMBER} AND name = ? ORDER BY number",  # noqa: S608
        (flow_id, name),
    )
    return [Signal(*row) for row in rows.fetchall()]


def amend(connection: sqlite3.Connection, amendment: Amendment, now: float) -> bool:
    """See `Journal.amend`."""
    flow_id = amendment.entry.flow_id
    changed = connection.execute(_AMEND, (amendment.becomes, amendment.request, now, flow_id))
    if changed.rowcount == 0:
        return False
    if amendment.forget:
        connection.execute(f"DELETE FROM step WHERE flow = {_NUMBER}", (flow_id,))  # noqa: S608
    if amendment.becomes == "pending":
        revive(connection, flow_id, now)
    if amendment.becomes == "discarded":
        parent = connection.execute("SELECT parent FROM flow WHERE flow_id = ?", (flow_id,)).fetchone()[0]
        wake(connection, parent, now)
    write_entry(connection, amendment.entry, now)
    return True


def revive(connection: sqlite3.Connection, flow_id: str, now: float) -> None:
    """Make a dead flow due, its failed steps as if never tried."""
    connection.execute(_TRY_AGAIN, (now, flow_id))
    connection.execute(_REVIVE, (now, flow_id))


def write_entry(connection: sqlite3.Connection, entry: AuditEntry, now: float) -> None:
    """Add to the audit trail."""
    connection.execute(
        "INSERT INTO audit (flow_id, who, act, detail, at) VALUES (?, ?, ?, ?, ?)",
        (entry.flow_id, entry.who, entry.act, entry.detail, now),
    )


def audit(
    connection: sqlite3.Connection, flow_id: str | None, limit: int, before: int | None
) -> tuple[list[AuditEntry], int | None]:
    """See `Journal.audit`."""
    mine = "flow_id = ?1" if flow_id is not None else "?1 IS NULL"
    rows = connection.execute(
        f"SELECT number, flow_id, who, act, detail, at FROM audit WHERE {mine} AND (?2 IS NULL OR number < ?2)"  # noqa: S608
        " ORDER BY number DESC LIMIT ?3",
        (flow_id, before, limit + 1),
    ).fetchall()
    return [AuditEntry(*row[1:]) for row in rows[:limit]], rows[limit - 1][0] if len(rows) > limit else None
