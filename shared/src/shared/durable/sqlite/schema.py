"""The journal's tables in SQLite, and the step from each schema version to the next."""

import sqlite3

_MIGRATIONS = (
    """
    CREATE TABLE flow (
      number           INTEGER PRIMARY KEY,
      flow_id          TEXT NOT NULL UNIQUE,
      key              TEXT NOT NULL,
      attempt          INTEGER NOT NULL,
      kind             TEXT NOT NULL,
      request          BLOB NOT NULL,
      context          BLOB NOT NULL,
      state            TEXT NOT NULL,
      result           BLOB,
      problem          BLOB,
      compensating     INTEGER NOT NULL DEFAULT 0,
      cancel_requested INTEGER NOT NULL DEFAULT 0,
      in_doubt         INTEGER NOT NULL DEFAULT 0,
      takeovers        INTEGER NOT NULL DEFAULT 0,
      progress         INTEGER NOT NULL DEFAULT 0,  -- settled steps at the last takeover
      fence            INTEGER NOT NULL,
      owner            TEXT,                        -- worker that has it
      next_at          REAL,                        -- due, when no worker has it
      created_at       REAL NOT NULL,
      updated_at       REAL NOT NULL
    ) STRICT;
    CREATE INDEX flow_due ON flow (next_at) WHERE next_at IS NOT NULL;
    CREATE INDEX flow_owned ON flow (owner) WHERE owner IS NOT NULL;
    CREATE INDEX flow_dead ON flow (state) WHERE state = 'dead';
    CREATE INDEX flow_again ON flow (key, attempt) WHERE attempt > 1;

    CREATE TABLE step (
      flow        INTEGER NOT NULL,  -- its number: flows under way lie on the same few pages
      seq         INTEGER NOT NULL,
      operation   TEXT NOT NULL,
      arguments   BLOB NOT NULL,
      state       TEXT NOT NULL,
      outcome     BLOB NOT NULL,
      attempts    INTEGER NOT NULL,
      parks       INTEGER NOT NULL,
      started_at  REAL NOT NULL,
      finished_at REAL NOT NULL,
      retry_at    REAL,
      PRIMARY KEY (flow, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE worker (
      worker      TEXT PRIMARY KEY,
      place       TEXT NOT NULL,     -- machine, boot and process namespace: where its pid means something
      pid         INTEGER NOT NULL,
      started     INTEGER NOT NULL,  -- start time of that process, so that a reused pid is not mistaken for it
      lease_until REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE flow ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE flow ADD COLUMN parent TEXT;
    ALTER TABLE flow ADD COLUMN woken INTEGER NOT NULL DEFAULT 0;  -- while a worker had it
    DROP INDEX flow_due;
    CREATE INDEX flow_due ON flow (priority, next_at) WHERE next_at IS NOT NULL;

    CREATE TABLE signal (
      number  INTEGER PRIMARY KEY,
      flow    INTEGER NOT NULL,
      name    TEXT NOT NULL,
      key     TEXT NOT NULL,
      payload BLOB NOT NULL,
      UNIQUE (flow, name, key)
    ) STRICT;

    CREATE TABLE audit (
      number  INTEGER PRIMARY KEY,
      flow_id TEXT NOT NULL,
      who     TEXT NOT NULL,
      act     TEXT NOT NULL,
      detail  TEXT NOT NULL,
      at      REAL NOT NULL
    ) STRICT;
    CREATE INDEX audit_of_flow ON audit (flow_id, number);
    """,
    """
    CREATE TABLE outbox (
      number         INTEGER PRIMARY KEY AUTOINCREMENT,  -- the position, given out once for all time
      event_id       TEXT NOT NULL UNIQUE,
      type           TEXT NOT NULL,
      version        INTEGER NOT NULL,
      payload        BLOB NOT NULL,
      occurred_at    REAL NOT NULL,
      producer       TEXT NOT NULL,
      traceparent    TEXT NOT NULL,
      correlation_id TEXT NOT NULL,
      published_at   REAL NOT NULL
    ) STRICT;
    CREATE TABLE outbox_trimmed (number INTEGER NOT NULL) STRICT;  -- up to here
    INSERT INTO outbox_trimmed VALUES (0);

    CREATE TABLE consumer (
      consumer TEXT PRIMARY KEY,
      source   TEXT NOT NULL,
      position TEXT NOT NULL,
      moved_at REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE flow ADD COLUMN archive TEXT;  -- who has it now: such rows have numbers below 0
    CREATE INDEX flow_at_rest ON flow (updated_at) WHERE owner IS NULL AND next_at IS NULL AND archive IS NULL;
    CREATE INDEX flow_children ON flow (parent) WHERE parent IS NOT NULL;
    CREATE TABLE archive_file (
      name   TEXT PRIMARY KEY,
      length INTEGER NOT NULL  -- bytes that count
    ) STRICT, WITHOUT ROWID;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date; raises RuntimeError for one that a newer version wrote."""
    connection.execute("BEGIN IMMEDIATE")  # another process may be opening the same file
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_MIGRATIONS):
        connection.execute("ROLLBACK")
        raise RuntimeError(
            f"The journal has schema {version}, this version knows up to {len(_MIGRATIONS)}; run the newer one."
        )
    for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
        for statement in script.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")
