"""Where the flows of a lane are kept: a file for each round, or a database made for it on a PostgreSQL server."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from shared.host.postgres_server import PostgresServer, is_available
from shared.host.proof.findings import ProofFailed
from shared.security.secrets import Secret, UnreadableSecretError

JournalKind = Literal["sqlite", "postgres"]

_NO_DRIVER = "A journal in PostgreSQL needs asyncpg; install triptych-shared[postgres]."
_NO_SERVER = (
    "There is no PostgreSQL here; install the development packages (`make test` does), or name a server with "
    "--journal-url postgresql://user@host/database."
)


class SqliteFiles:
    """The file of each lane's process, `journal.db` in its state directory."""

    url = ""
    password = ""

    async def empty(self, state: Path) -> None:
        """Forget every flow of the lane with this state directory; nobody has the file open."""
        for file in await asyncio.to_thread(lambda: list(state.glob("journal.db*"))):
            file.unlink()


class PostgresDatabase:
    """A database of the lane's own.

    Args:
        url: Without a password.
        password: Reference to it; empty if the server wants none.
    """

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self.password = password

    async def empty(self, state: Path) -> None:  # noqa: ARG002 - nothing of it is in the lane's directory
        """Forget every flow."""
        await _execute(self.url, self.password, "DROP SCHEMA IF EXISTS triptych CASCADE")


LaneJournal = SqliteFiles | PostgresDatabase


@asynccontextmanager
async def lane_journals(kind: JournalKind, lanes: int, url: str, password: str) -> AsyncGenerator[list[LaneJournal]]:
    """A journal for each lane; what was made for them is removed in the end.

    Args:
        kind: Which.
        lanes: How many.
        url: A PostgreSQL server on which databases may be made; empty to start one.
        password: Reference to its password, `env:NAME` or `file:/path`.

    Raises:
        ProofFailed: There is no PostgreSQL, or it cannot be used; says what to do.
    """
    if kind == "sqlite":
        yield [SqliteFiles() for _ in range(lanes)]
        return
    if find_spec("asyncpg") is None:
        raise ProofFailed(_NO_DRIVER)
    async with AsyncExitStack() as stack:
        if not url:
            if not is_available():
                raise ProofFailed(_NO_SERVER)
            server = PostgresServer.create("fsync=off")  # it is the workers that die here
            stack.callback(server.remove)
            server.start()
            url, password = server.url(), f"file:{server.password_file}"
        yield [await stack.enter_async_context(_new_database(url, password)) for _ in range(lanes)]


@asynccontextmanager
async def _new_database(url: str, password: str) -> AsyncGenerator[PostgresDatabase]:
    name = f"triptych_proof_{secrets.token_hex(6)}"
    await _execute(url, password, f"CREATE DATABASE {name}")
    try:
        yield PostgresDatabase(urlunsplit(urlsplit(url)._replace(path=f"/{name}")), password)
    finally:
        await _execute(url, password, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(url: str, password: str, statement: str) -> None:
    import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - the driver is optional

    driver: Any = asyncpg
    try:
        connection = await driver.connect(url, password=Secret(password).reveal() if password else None, timeout=5.0)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
    except (OSError, ValueError, TimeoutError, UnreadableSecretError, driver.PostgresError) as error:
        code = getattr(error, "sqlstate", "")
        raise ProofFailed(
            f"PostgreSQL at {urlsplit(url).hostname or 'its socket'} cannot be used ({type(error).__name__} {code}); "
            "check --journal-url and --journal-password, and that this user may create databases."
        ) from None
