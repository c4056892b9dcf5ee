"""The lake: its settings, and operations on it in threads, within their time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from shared.resilience.bulkhead import Bulkhead
from shared.resilience.deadline import Deadline
from system_apis.lake.folder import LakeFolder
from system_apis.lake.records import Limits

if TYPE_CHECKING:
    import duckdb

    from system_apis.lake.session import LakeSession

NAME = "lake"
_T = TypeVar("_T")
_INTERRUPTS_EVERY = 0.05  # seconds: one that comes between two statements ends neither


class LakeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[backends.lake]` of a topology.

    Attributes:
        folder: Where the files are; every process that serves the API names the same. A mounted object store will
            do if it renames whole files.
        timeout: Seconds for one operation; the caller's deadline may be sooner.
        threads: Threads that DuckDB computes with.
        memory_limit: Memory that DuckDB may take, as it writes it: `512MB`; above it, it spills into the folder.
        max_concurrent: Operations at once.
        max_waiting: Further operations that may wait for a place.
        max_wait: Seconds to wait for a place.
        compact_files: As many small files a day must have before they are merged.
        compact_below: A file of fewer bytes is small.
        grace_seconds: How long a file stays after a merged one took its place: longer than any question takes.
    """

    folder: str
    timeout: float = 30.0
    threads: int = 2
    memory_limit: str = "512MB"
    max_concurrent: int = 4
    max_waiting: int = 64
    max_wait: float = 5.0
    compact_files: int = 8
    compact_below: int = 64 * 1024 * 1024
    grace_seconds: float = 900.0


class Lake:
    """The lake's files, and DuckDB to write and query them; opens at first use, each operation in a thread."""

    def __init__(self, settings: LakeSettings) -> None:
        self._settings = settings
        self.limits = Limits(settings.compact_files, settings.compact_below, settings.grace_seconds)
        self._root = Path(settings.folder).resolve()
        self.folder = LakeFolder(self._root)
        self._threads = ThreadPoolExecutor(settings.max_concurrent + 1, thread_name_prefix=NAME)
        self._bulkhead = Bulkhead(NAME, settings.max_concurrent, settings.max_wait, settings.max_waiting)
        self._opened: duckdb.DuckDBPyConnection | None = None

    async def run(self, work: Callable[["LakeSession"], _T], *, writes: bool = False) -> _T:
        """What `work` returns, done in a thread.

        Raises:
            Problem: What `work` raises; `BackendUnavailable`, `BackendFault`, `DeadlineExceeded`, `Overloaded`.
        """
        async with Deadline(NAME, self._settings.timeout) as deadline, self._bulkhead:
            session = self._session()
            deadline.outcome_unknown = writes
            done = asyncio.get_running_loop().run_in_executor(self._threads, session.do, work)
            try:
                return await asyncio.shield(done)
            except asyncio.CancelledError:
                while not done.done():  # its place is free when its thread is
                    session.interrupt()
                    await asyncio.wait([done], timeout=_INTERRUPTS_EVERY)
                done.exception()  # nobody waits for it any more
                raise

    async def aclose(self) -> None:
        """End what is under way, and DuckDB."""
        await asyncio.to_thread(self._threads.shutdown)
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _session(self) -> "LakeSession":
        from system_apis.lake.session import LakeSession, open_duckdb  # noqa: PLC0415 - 60 MB that few processes need

        if self._opened is None:
            self._opened = open_duckdb(self._root, self._settings.threads, self._settings.memory_limit)
        return LakeSession(self._opened.cursor())
