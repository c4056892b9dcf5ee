"""What a sandbox remembers: one SQLite database on one connection."""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path


class State:
    """The database of a sandbox: kept over restarts when it has a path, else in memory.

    Args:
        path: The database file, or None for memory.
        schema: DDL, run when the database is new.
        seed: Fills a new database; runs inside a transaction.
    """

    def __init__(self, path: Path | None, schema: str, seed: Callable[[sqlite3.Connection], None]) -> None:
        self._schema, self._seed = schema, seed
        # Autocommit: only `transaction` begins one. In tests the app serves from another thread.
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=OFF")  # outlives the process, which is all a stand-in owes
        self.connection.execute("PRAGMA foreign_keys=ON")
        if not self._tables():
            self._fill()
        else:
            self._complete()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Everything inside is kept, or nothing when it raises. Don't await inside."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def reset(self) -> None:
        """Back to the seed."""
        self.connection.execute("PRAGMA foreign_keys=OFF")
        for table in self._tables():
            self.connection.execute(f'DROP TABLE IF EXISTS "{table}"')
        self.connection.execute("PRAGMA foreign_keys=ON")
        self._fill()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def _tables(self) -> list[str]:
        rows = self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return [str(row[0]) for row in rows]

    def _complete(self) -> None:
        """Add the tables that a database of an earlier version lacks; what is there stays as it is."""
        there = {row[0] for row in self.connection.execute("SELECT name FROM sqlite_master")}
        with closing(sqlite3.connect(":memory:")) as today:
            today.executescript(self._schema)
            # sqlite_sequence has DDL too, but comes by itself with the first table that counts.
            made = today.execute(
                "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
            ).fetchall()
        for name, sql in made:
            if name not in there:
                self.connection.execute(sql)

    def _fill(self) -> None:
        # executescript ends any open transaction, so the schema brings its own.
        self.connection.executescript(f"BEGIN;{self._schema};COMMIT;")
        with self.transaction() as connection:
            self._seed(connection)
