"""Connections to PostgreSQL: how they are opened, and which failures mean that one is gone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from shared.durable.journal import JournalUnavailable

_asyncpg: Any = import_module("asyncpg")  # has no types; only this file sees it

SCHEMA = "triptych"
"""Where the tables are; the database may hold other things besides."""

SERVER_CLOCK = "extract(epoch FROM clock_timestamp())::float8"
"""SQL for Unix seconds on the server: the only clock that leases and due times know."""

_CONNECT_SECONDS = 3.0
_COMMAND_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_SETTINGS = {
    "search_path": SCHEMA,
    "synchronous_commit": "on",  # what is acknowledged is on disk here, and on a synchronous standby if there is one
    "jit": "off",
    # Every statement finds few rows by an index; a plan made while the tables were empty must not scan them later.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
_LOST = (
    OSError,
    _asyncpg.InterfaceError,
    _asyncpg.InternalClientError,
    _asyncpg.PostgresConnectionError,
    _asyncpg.OperatorInterventionError,  # the server shuts down, crashed, or is starting
    _asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
)


class Connection(Protocol):
    """What is used of an asyncpg connection. Values stand for `$1`, `$2`, …; rows are read by name or position."""

    async def execute(self, text: str, *values: Any) -> str:
        """Play a statement."""
        ...

    async def fetch(self, text: str, *values: Any) -> list[Any]:
        """Return its rows."""
        ...

    async def fetchrow(self, text: str, *values: Any) -> Any:
        """Return its first row or None."""
        ...

    async def fetchval(self, text: str, *values: Any) -> Any:
        """Return the first value of its first row or None."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Commit at the end of the block, or roll back when it raises."""
        ...

    def terminate(self) -> None:
        """Hang up without a word."""
        ...

    async def close(self) -> None:
        """Take leave."""
        ...


class PostgresServer:
    """Where the journal's database is.

    Args:
        url: `postgresql://user@host/database`. Several hosts (`host1:5432,host2:5432`) make a failover group: the
            one that takes writes is used.
        password: Asked for at each connection, so that it may change; None if the server wants none.
        clock: SQL for Unix seconds.

    Raises:
        ValueError: The URL holds a password.
    """

    def __init__(self, url: str, password: Callable[[], str] | None, clock: str) -> None:
        parts = urlsplit(url)
        if parts.password or "password" in parse_qs(parts.query):
            raise ValueError("The journal's URL holds a password; take it out and give a reference to it instead.")
        self._url = url
        self._password = password
        self._clock = clock

    def sql(self, text: str) -> str:
        """A statement with this server's clock in place of `{now}`."""
        return text.replace("{now}", self._clock)

    async def connect(self, name: str) -> Connection:
        """A connection that takes writes; `name` is what the server calls it."""
        return await _asyncpg.connect(**self._arguments(name))

    def pool(self, name: str, size: int) -> Any:
        """A pool of such connections, to be awaited."""
        return _asyncpg.create_pool(**self._arguments(name), min_size=0, max_size=size, reset=_leave_as_it_is)

    def _arguments(self, name: str) -> dict[str, Any]:
        return {
            "dsn": self._url,
            "password": self._password,
            "timeout": _CONNECT_SECONDS,
            "command_timeout": _COMMAND_SECONDS,
            "target_session_attrs": "read-write",
            "server_settings": {**_SETTINGS, "application_name": name},
        }


async def _leave_as_it_is(_: Connection) -> None:
    """Nothing here changes a session, so that resetting it would only cost a round trip."""


def is_lost(error: Exception) -> bool:
    """True when the connection is of no more use and nobody knows whether its last statement took effect."""
    return isinstance(error, _LOST) and not isinstance(error, ValueError)


def is_rolled_back(error: Exception) -> bool:
    """True when the transaction lost to another one and may be tried again at once."""
    return isinstance(error, _asyncpg.TransactionRollbackError)


def pauses() -> Iterator[float]:
    """Seconds between attempts to connect."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE)


def unavailable(error: Exception) -> JournalUnavailable:
    """The problem callers see. Only kinds and codes: PostgreSQL's own words may quote a row."""
    code = getattr(error, "sqlstate", None)
    words = f"{type(error).__name__} {code}" if code else type(error).__name__
    return JournalUnavailable(
        f"The journal's database cannot be used now ({words}); send the same request again.", retry_after=5
    )
