"""A flow on a real journal over registers that the test has filled."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.worker import WorkerSettings


@pytest.fixture
async def runner_for(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Start a runner for flows whose steps are answered by registers; it stops with the test."""
    async with AsyncExitStack() as stack:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        stack.push_async_callback(journal.close)

        async def started(registers: Any, *flows: Any) -> FlowRunner:
            runner = FlowRunner(journal, flows, registers, settings=WorkerSettings(poll=0.01))
            return await stack.enter_async_context(runner)

        yield started
