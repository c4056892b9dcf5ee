"""PostgreSQL through asyncpg: a pool of connections, each transaction on one of them."""

import asyncio
from importlib import import_module
from typing import Any, TypeVar

from shared.sql.transaction import Rows, Transaction

_T = TypeVar("_T")
_CLOSE_SECONDS = 5.0


class PostgresDriver:
    """Plays transactions on a PostgreSQL database.

    Args:
        url: `postgresql://host:port/database`, without a password.
        user: Role to log in as; None leaves it to the URL.
        password: None where the server asks for none.
        max_connections: Size of the pool; connections are opened when needed.
        timeout: Seconds for connecting, and for each statement.
    """

    system = "postgresql"

    def __init__(self, url: str, user: str | None, password: str | None, max_connections: int, timeout: float) -> None:
        self._asyncpg: Any = import_module("asyncpg")  # has no types; only this file sees it
        # The second: the server closed the connection while a statement was being prepared on it.
        self._lost = (self._asyncpg.InterfaceError, self._asyncpg.InternalClientError)
        self._arguments: dict[str, Any] = {
            "dsn": url,
            "user": user,
            "password": password,
            "min_size": 0,
            "max_size": max_connections,
            "timeout": timeout,
            "command_timeout": timeout,
        }
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def read(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction of one statement, or one that may see changes between its statements."""
        try:
            async with (await self._opened()).acquire() as connection:
                return await _play(connection, transaction)
        except self._lost as fault:
            raise ConnectionError("The connection is closed.") from fault

    async def write(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction; durable when this returns, undone when it raises."""
        try:
            async with (await self._opened()).acquire() as connection, connection.transaction():
                return await _play(connection, transaction)
        except self._lost as fault:
            raise ConnectionError("The connection is closed.") from fault

    async def aclose(self) -> None:
        """Let transactions end, for a while, and close the pool."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._asyncpg.create_pool(**self._arguments)
        return self._pool


async def _play(connection: Any, transaction: Transaction[_T]) -> _T:
    try:
        statement = next(transaction)
        while True:
            fetched: list[Any] = await connection.fetch(statement.sql, *statement.values)
            rows: Rows = [tuple(row) for row in fetched]
            statement = transaction.send(rows)
    except StopIteration as ended:
        return ended.value
    finally:
        transaction.close()
