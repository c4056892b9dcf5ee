"""DuckDB over the lake's folder: nothing else of the machine can be read or written through it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Invalid, Overloaded
from system_apis.lake.folder import put_whole
from system_apis.lake.records import PART

_FILE = "_file"
_PLAIN = "union_by_name = true, hive_partitioning = false"
_T = TypeVar("_T")


def open_duckdb(root: Path, threads: int, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """DuckDB without a database of its own, shut into the folder."""
    root.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {
        "threads": threads,
        "memory_limit": memory_limit,
        "temp_directory": str(root / ".spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    opened = duckdb.connect(":memory:", config=options)
    for setting in (
        "TimeZone = 'UTC'",
        f"allowed_directories = [{_text(f'{root}/')}]",
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

    def merge(self, path: Path, merged: Sequence[Path], parts: Sequence[Path], without: str = "") -> None:
        """Put a file into place that holds the rows of others, each with the name of the file that it first came with.

        Args:
            path: The new file.
            merged: Files that were merged before.
            parts: Files of batches.
            without: The name of a batch's file whose rows are left out.
        """
        sources: list[str] = []
        if parts:
            name = f'parse_filename("{_FILE}") AS "{PART}"'
            read = f"read_parquet({_texts(parts)}, {_PLAIN}, filename = '{_FILE}')"
            sources.append(f'SELECT * EXCLUDE ("{_FILE}"), {name} FROM {read}')  # noqa: S608 - names of ours
        if merged:
            sources.append(f"SELECT * FROM read_parquet({_texts(merged)}, {_PLAIN})")  # noqa: S608 - names of ours
        rows = " UNION ALL BY NAME ".join(sources)
        chosen = f'SELECT * FROM ({rows}) WHERE "{PART}" != {_text(without)}'  # noqa: S608 - names of ours

        def copy(beside: Path) -> None:
            self._cursor.execute(f"COPY ({chosen}) TO {_text(str(beside))} (FORMAT parquet, COMPRESSION zstd)")

        put_whole(path, copy)

    def interrupt(self) -> None:
        """End what it is doing; from another thread."""
        with suppress(duckdb.ConnectionException):  # it is done
            self._cursor.interrupt()


def _texts(files: Sequence[Path]) -> str:
    return "[" + ", ".join(_text(str(file)) for file in files) + "]"


def _text(value: str) -> str:
    """A text in SQL, where none can be bound."""
    return "'" + value.replace("'", "''") + "'"
