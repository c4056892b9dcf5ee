"""A journal on disk, a clock that moves when told, and backends that keep a ledger of what was asked of them."""

import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from postgres_server import PASSWORD, PostgresServer

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import Problem
from shared.durable.flow_view import FlowView
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.worker import WorkerSettings


class MovableClock:
    """Unix seconds; runs with real time plus what was added."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


class Backends:
    """Performs steps. `answers[name]` is a list to take from, a function of the arguments, or a value."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, Any], CallContext]] = []
        self.moments: list[float] = []  # at which they came, in real seconds
        self.effects: dict[str, str] = {}

    async def __call__(self, operation: Operation, arguments: dict[str, Any], context: CallContext) -> Any:
        self.calls.append((operation.name, arguments, context))
        self.moments.append(time.monotonic())
        answer = self.answers[operation.name]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(**arguments)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, Problem) or (isinstance(answer, type) and issubclass(answer, Exception)):
            raise answer
        if not operation.safe:
            self.effects.setdefault(str(context.idempotency_key), operation.name)
        return answer

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def keys(self, name: str) -> list[str | None]:
        return [context.idempotency_key for called, _, context in self.calls if called == name]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def backends() -> Backends:
    return Backends()


@pytest.fixture
async def journal(tmp_path: Path, clock: MovableClock) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.db", clock=clock)
    await journal.open()
    yield journal
    await journal.close()


@pytest.fixture
def quick() -> WorkerSettings:
    return WorkerSettings(poll=0.01, lease=4.0, step_timeout=20.0)


@pytest.fixture
async def start(
    journal: SqliteJournal, backends: Backends, clock: MovableClock, quick: WorkerSettings
) -> AsyncIterator[Callable[..., Any]]:
    """Start a runner for some flows; it stops with the test."""
    async with AsyncExitStack() as stack:

        async def started(*flows: Any, **options: Any) -> FlowRunner:
            options = {"settings": quick, "clock": clock, **options}
            return await stack.enter_async_context(FlowRunner(journal, flows, backends, **options))

        yield started


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait until a flow is in a state (of a real clock)."""

    async def wait(runner: FlowRunner, flow_id: str, *states: str) -> FlowView[Any]:
        async def reached() -> FlowView[Any] | None:
            view = await runner.view(flow_id)
            return view if view.state in states else None

        return await eventually(reached)

    return wait


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL that stays alive."""
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def journal_at() -> Callable[..., Any]:
    """`async with journal_at(url)`: a journal in the database or file there."""

    @asynccontextmanager
    async def opened(url: str, **options: Any) -> AsyncIterator[PostgresJournal | SqliteJournal]:
        if url.startswith("sqlite:"):
            journal = SqliteJournal(Path(url.removeprefix("sqlite:")), **options)
        else:
            journal = PostgresJournal(url, lambda: PASSWORD, **options)
        await journal.open()
        try:
            yield journal
        finally:
            await journal.close()

    return opened
