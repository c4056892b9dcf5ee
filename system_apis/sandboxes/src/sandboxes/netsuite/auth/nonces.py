"""Timestamps and nonces: a signature counts for a few minutes and once."""

import sqlite3

from sandboxes.kit import Clock

WINDOW_SECONDS = 300

SCHEMA = "CREATE TABLE nonce (nonce TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;"


class Nonces:
    """The nonces of the last minutes."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def use(self, nonce: str, timestamp: str) -> bool:
        """Whether the timestamp is within five minutes and the nonce was not used before; then it is used."""
        now = self._clock.timestamp()
        if not nonce or not timestamp.isdecimal() or abs(now - int(timestamp)) > WINDOW_SECONDS:
            return False
        # Twice the window: a nonce with a timestamp ahead of our clock must be known as long as that counts.
        self._connection.execute("DELETE FROM nonce WHERE at < ?", (now - 2 * WINDOW_SECONDS,))
        added = self._connection.execute("INSERT OR IGNORE INTO nonce VALUES (?, ?)", (nonce, now))
        return added.rowcount == 1
