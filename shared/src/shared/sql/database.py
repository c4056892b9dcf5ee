"""A database as a backend: which one, how much of it we use, and the policies every transaction passes.

deadline → bulkhead → circuit breaker → retry → transaction → span
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from shared.binding.call_context import current_context
from shared.binding.problems import Problem
from shared.resilience.bulkhead import Bulkhead
from shared.resilience.circuit_breaker import CircuitBreaker
from shared.resilience.deadline import Deadline
from shared.resilience.outbound_call import OutboundCall
from shared.resilience.outbound_trial import Trial
from shared.security.secrets import Secret
from shared.sql.database_faults import is_repeatable, problem_of_fault
from shared.sql.postgres_driver import PostgresDriver
from shared.sql.sqlite_driver import SqliteDriver
from shared.sql.transaction import Statement, Transaction
from shared.telemetry import metrics
from shared.telemetry.logging import get_logger
from shared.telemetry.tracing import start_span

_log = get_logger("sql")
_T = TypeVar("_T")
_ATTEMPTS = 4
_FIRST_PAUSE = 0.02


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a database is and how much of it we use.

    Attributes:
        url: `sqlite:////absolute/path` or `postgresql://host:port/database`, never with a password.
        user: Role at PostgreSQL, unless the URL names it.
        password: Reference to its password.
        timeout: Seconds for one operation; the caller's deadline may be sooner.
        busy_seconds: SQLite only: how long a write waits for another process that writes.
        max_concurrent: Operations at once; also the size of PostgreSQL's pool.
        max_waiting: Further operations that may wait for a place.
        max_wait: Seconds to wait for a place.
    """

    url: str
    user: str | None = None
    password: Secret | None = None
    timeout: float = 5.0
    busy_seconds: float = 2.0
    max_concurrent: int = 16
    max_waiting: int = 256
    max_wait: float = 1.0


class Driver(Protocol):
    """Plays transactions on one kind of database; raises what its library raises."""

    @property
    def system(self) -> str:
        """`db.system.name` (OpenTelemetry)."""
        ...

    async def read(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction of one statement, or one that may see changes between its statements."""
        ...

    async def write(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction; durable when this returns, undone when it raises."""
        ...

    async def aclose(self) -> None:
        """Finish what was begun and close every connection."""
        ...


class Database:
    """Runs transactions under the same policies as any call to a backend. Opens at first use.

    Args:
        name: As people call it.
        settings: Where it is.
        schema: Statements that make our own tables where they are missing, before anything else is run; a file of
            SQLite is made too. Without any, the database is somebody else's and must be there.

    Raises:
        ValueError: The URL is of no known kind, or holds a password.
    """

    def __init__(self, name: str, settings: DatabaseSettings, schema: Sequence[str] = ()) -> None:
        self._name = name
        self._schema = schema
        self._has_tables = not schema
        self._timeout = settings.timeout
        self._driver = _driver(name, settings, ours=bool(schema))
        self._bulkhead = Bulkhead(name, settings.max_concurrent, settings.max_wait, settings.max_waiting)
        metrics.breaker_state(name, "closed")  # a database that never failed has a series too
        self._breaker = CircuitBreaker(name, clock=time.monotonic, on_change=metrics.breaker_state)

    async def read(self, operation: str, work: Callable[[], Transaction[_T]]) -> _T:
        """The outcome of a transaction that changes nothing.

        Args:
            operation: What is being done, in the contract's words; names the span.
            work: Begins the transaction; begun anew for each attempt.

        Raises:
            Problem: What the transaction raises; `BackendUnavailable`, `BackendFault`, `DeadlineExceeded`,
                `Overloaded`, `CircuitOpen`.
        """
        return await self._run(operation, lambda: self._driver.read(work()), writes=False)

    async def write(self, operation: str, work: Callable[[], Transaction[_T]]) -> _T:
        """The outcome of a transaction, durable. Args and problems as for `read`."""
        return await self._run(operation, lambda: self._driver.write(work()), writes=True)

    async def start(self) -> None:
        """Make our tables if the database is there; one that is away gets them from whoever reaches it first.

        Raises:
            BackendFault: The database answers and cannot be used: it refuses our credentials or our tables.
        """
        try:
            await self._run("make_tables", _nothing, writes=True)
        except Problem as problem:
            if not problem.transient:
                raise
            _log.warning("database.away", database=self._name, problem=problem.slug)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._driver.aclose()

    async def _with_tables(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """The attempt, once our tables are there; processes that make them at once do so one after the other."""
        if not self._has_tables:
            await self._driver.write(self._make_tables())
            self._has_tables = True
        return await attempt()

    def _make_tables(self) -> Transaction[None]:
        if self._driver.system == "postgresql":
            yield Statement("SELECT pg_advisory_xact_lock(hashtext($1))", (f"triptych {self._name}",))
        for statement in self._schema:
            yield Statement(statement)

    async def _run(self, operation: str, attempt: Callable[[], Awaitable[_T]], *, writes: bool) -> _T:
        call = OutboundCall("WRITE" if writes else "READ", "", None, None, operation, repeatable=True)
        async with (
            Deadline(self._name, self._timeout) as deadline,
            self._bulkhead,
            Trial(self._breaker, call, deadline, patience=1.0),
        ):
            deadline.outcome_unknown = writes
            return await self._attempts(call, attempt)

    async def _attempts(self, call: OutboundCall, attempt: Callable[[], Awaitable[_T]]) -> _T:
        number = 0
        while True:
            try:
                outcome = await self._observed(call, attempt)
            except Problem:
                call.answered = True  # the transaction's own refusal: the database did answer
                raise
            except Exception as fault:
                number += 1
                if not is_repeatable(fault) or number == _ATTEMPTS:
                    problem = problem_of_fault(fault, self._name)
                    if problem is None:
                        raise
                    raise problem from None
            else:
                call.answered = True
                return outcome
            await asyncio.sleep(random.uniform(0, _FIRST_PAUSE * 2**number))  # noqa: S311 - jitter, not a secret

    async def _observed(self, call: OutboundCall, attempt: Callable[[], Awaitable[_T]]) -> _T:
        context = current_context()
        span = start_span(
            f"{self._name}.{call.operation}",
            kind="client",
            parent=context.traceparent,
            tracestate=context.tracestate,
            attributes={"db.system.name": self._driver.system, "db.operation.name": call.operation},
        )
        started, ended = time.perf_counter(), "ok"
        try:
            return await self._with_tables(attempt)
        except BaseException as error:
            ended = error.slug if isinstance(error, Problem) else type(error).__name__
            raise
        finally:
            metrics.client_request(self._name, call.method, ended, time.perf_counter() - started)
            span.end(None if ended == "ok" else ended)


async def _nothing() -> None:
    """No work of its own: what comes before any work is what is wanted."""


def _driver(name: str, settings: DatabaseSettings, *, ours: bool) -> Driver:
    parts = urlsplit(settings.url)
    if parts.scheme == "sqlite" and parts.path.startswith("//") and not parts.netloc:
        return SqliteDriver(Path(unquote(parts.path[1:])), settings.busy_seconds, create=ours)
    if parts.scheme in ("postgresql", "postgres") and parts.password is None:
        password = settings.password.reveal() if settings.password else None
        return PostgresDriver(settings.url, settings.user, password, settings.max_concurrent, settings.timeout)
    raise ValueError(
        f"The URL of the {name} must be sqlite:////absolute/path or postgresql://host:port/database; "
        "a password is given by reference, as the setting `password`."
    )
