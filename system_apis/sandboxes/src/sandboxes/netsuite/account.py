"""The running account: its records, its clock, its credentials, its limits. All channels share one."""

import sqlite3
from functools import cache
from pathlib import Path

from sandboxes.kit import Clock, State
from sandboxes.netsuite.auth import nonces, oauth2
from sandboxes.netsuite.auth.credentials import Credentials
from sandboxes.netsuite.concurrency import Concurrency
from sandboxes.netsuite.records import store
from sandboxes.netsuite.records.store import Records
from sandboxes.netsuite.rest import jobs
from sandboxes.netsuite.rules.saving import Saving
from sandboxes.netsuite.seed import seed
from sandboxes.netsuite.soap import async_jobs

SCHEMA = f"{store.SCHEMA}{nonces.SCHEMA}{oauth2.SCHEMA}{jobs.SCHEMA}{async_jobs.SCHEMA}"


class Account:
    """What every channel works on.

    Args:
        path: The database file, or None for memory.
        clock: The time.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self.state = State(path, SCHEMA, lambda _: None)
        if not self.state.connection.execute("SELECT 1 FROM record LIMIT 1").fetchone():
            _seeded().backup(self.state.connection)
        self.clock = clock
        self.records = Records(self.state.connection)
        self.saving = Saving(self.records, clock.now)
        self.credentials = Credentials.chosen()
        self.nonces = nonces.Nonces(self.state.connection, clock)
        self.tokens = oauth2.TokenEndpoint(self.state.connection, self.credentials, clock)
        self.concurrency = Concurrency()

    def reset(self) -> None:
        """Back to the seed, no tokens, no other integrations."""
        _seeded().backup(self.state.connection)
        self.credentials.certificates.clear()
        self.concurrency.reset()
        self.saving.contended = 0


@cache
def _seeded() -> sqlite3.Connection:
    """A seeded database in memory, made once per process and copied from there: a reset takes milliseconds."""
    return State(None, SCHEMA, seed).connection
