"""DuckDB over the lake's folder: nothing else of the machine can be read or written through it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Invalid, Overloaded
from shared.resilience.bulkhead import Bulkhead
from shared.resilience.deadline import Deadline
from system_apis.lake.folder import LakeFolder, put_whole

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
    """

    folder: str
    timeout: float = 30.0
    threads: int = 2
    memory_limit: str = "512MB"
    max_concurrent: int = 4
    max_waiting: int = 64
    max_wait: float = 5.0


class Lake:
    """The lake's files, and DuckDB to write and query them; opens at first use, each operation in a thread."""

    def __init__(self, settings: LakeSettings) -> None:
        self._settings = settings
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
            if self._opened is None:
                self._opened = self._open()
            session = LakeSession(self._opened.cursor())
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

    def _open(self) -> duckdb.DuckDBPyConnection:
        """DuckDB without a database of its own, shut into the folder."""
        self._root.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {
            "threads": self._settings.threads,
            "memory_limit": self._settings.memory_limit,
            "temp_directory": str(self._root / ".spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        opened = duckdb.connect(":memory:", config=options)
        for setting in (
            "TimeZone = 'UTC'",
            f"allowed_directories = [{_text(f'{self._root}/')}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            opened.execute(f"SET GLOBAL {setting}")
        return opened


class LakeSession:
    """DuckDB in the hands of one thread."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def do(self, work: Callable[["LakeSession"], _T]) -> _T:
        """What `work` returns; what DuckDB raises becomes a problem without DuckDB's words, which may quote values."""
        try:
            return work(self)
        except duckdb.OutOfMemoryException:
            raise Overloaded("The question takes more memory than the lake may use; ask for fewer groups.") from None
        except (duckdb.OutOfRangeException, duckdb.ConversionException):
            raise Invalid("A figure leaves the range of its type; ask over fewer rows.") from None
        except (OSError, duckdb.IOException, duckdb.InterruptException):
            raise BackendUnavailable("The lake's files cannot be reached now.", retry_after=1.0) from None
        except (duckdb.Error, msgspec.MsgspecError):
            raise BackendFault("The lake holds a file that cannot be read; have its folder checked.") from None
        finally:
            self._cursor.close()

    def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement whose values are bound."""
        return self._cursor.execute(sql, list(values)).fetchall()

    def write(self, path: Path, columns: Mapping[str, tuple[str, Sequence[Any]]]) -> None:
        """Put a Parquet file into place: by the name of each column its type and its values."""
        chosen = ", ".join(
            f'unnest(${number}::{kind}[]) AS "{name}"' for number, (name, (kind, _)) in enumerate(columns.items(), 1)
        )
        values = [list(each) for _, each in columns.values()]

        def copy(beside: Path) -> None:
            target = _text(str(beside))
            self._cursor.execute(f"COPY (SELECT {chosen}) TO {target} (FORMAT parquet, COMPRESSION zstd)", values)

        put_whole(path, copy)

    def interrupt(self) -> None:
        """End what it is doing; from another thread."""
        with suppress(duckdb.ConnectionException):  # it is done
            self._cursor.interrupt()


def _text(value: str) -> str:
    """A text in SQL, where none can be bound."""
    return "'" + value.replace("'", "''") + "'"
