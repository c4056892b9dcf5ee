"""Group commit: one thread owns the writing connection and puts whatever queued up into one transaction.

While one commit waits for the disk, the next batch gathers. A caller's future resolves after its commit.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from shared.durable.journal import JournalUnavailable

_MOST_AT_ONCE = 1024

Apply = Callable[[sqlite3.Connection, list[Any]], list[Any]]
"""Writes the items of a batch and returns for each its result, or the exception its caller shall see."""


class _Queued(NamedTuple):
    item: Any
    future: "asyncio.Future[Any]"


class GroupCommit:
    """Queues items from one event loop and commits them in batches, in order.

    Args:
        connect: Opens the writing connection, in autocommit mode; called on the writer thread.
        apply: Writes one batch inside an open transaction.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], apply: Apply) -> None:
        self._connect = connect
        self._apply = apply
        self._queue: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Start the thread; raises what `connect` raises."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="journal-writer", daemon=True)
        self._thread.start()
        await opened

    async def close(self) -> None:
        """Commit what is queued and end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def submit(self, item: Any) -> "asyncio.Future[Any]":
        """Queue an item; its future resolves once it is durable."""
        if self._loop is None or self._thread is None:
            raise JournalUnavailable("The journal is closed; open it before writing.", retry_after=1)
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put(_Queued(item, future))
        return future

    def _run(self, opened: "asyncio.Future[None]") -> None:
        try:
            connection = self._connect()
        except Exception as error:  # noqa: BLE001 - handed to whoever opens
            self._answer([(opened, error)])
            return
        self._answer([(opened, None)])
        ending = False
        while not ending:
            batch, ending = self._gather()
            if batch:
                outcomes = self._commit(connection, [queued.item for queued in batch])
                self._answer([(queued.future, outcome) for queued, outcome in zip(batch, outcomes, strict=True)])
        connection.close()

    def _gather(self) -> tuple[list[_Queued], bool]:
        batch: list[_Queued] = []
        following = self._queue.get()
        with suppress(queue.Empty):
            while following is not None:
                batch.append(following)
                if len(batch) == _MOST_AT_ONCE:
                    return batch, False
                following = self._queue.get_nowait()
            return batch, True
        return batch, False

    def _commit(self, connection: sqlite3.Connection, items: list[Any]) -> list[Any]:
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = self._apply(connection, items)
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the thread must outlive a full disk
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return [unavailable(error) for _ in items]
        return outcomes

    def _answer(self, answers: list[tuple["asyncio.Future[Any]", Any]]) -> None:
        with suppress(RuntimeError):  # the loop has closed; nobody waits any more
            if self._loop is not None:
                self._loop.call_soon_threadsafe(_resolve, answers)


def unavailable(error: Exception) -> JournalUnavailable:
    """The problem callers see when the database refuses: its words, which hold no payload."""
    problem = JournalUnavailable(
        f"The journal could not be used ({error}); nothing of this was recorded.", retry_after=5
    )
    problem.__cause__ = error
    return problem


def _resolve(answers: list[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, outcome in answers:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
