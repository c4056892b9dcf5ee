"""The lake's folder: `dataset=…/day=YYYY-MM-DD/part-<hash of the reference>.parquet`, `schema.json` by each dataset.

A file is written under a name that no reader looks for, forced to disk and renamed: it is there whole or not at all.
Who writes to a dataset holds its lock, over processes too; readers need none. Blocking, for threads.
"""

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec

from shared.contracts.system.data_warehouse import Partition
from system_apis.lake.records import SchemaRecord

_DATASET, _DAY, _PART = "dataset=", "day=", "part-*.parquet"


class LakeFolder:
    """The files of the lake.

    Args:
        root: The folder; made at the first batch.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def datasets(self) -> list[str]:
        """Names of the datasets, sorted."""
        return sorted(path.parent.name.removeprefix(_DATASET) for path in self._root.glob(f"{_DATASET}*/schema.json"))

    def schema(self, dataset: str) -> SchemaRecord | None:
        """The columns of a dataset; None where there is none of this name."""
        try:
            return msgspec.json.decode(self._schema(dataset).read_bytes(), type=SchemaRecord)
        except FileNotFoundError:
            return None

    def keep_schema(self, dataset: str, schema: SchemaRecord) -> None:
        """Replace the columns of a dataset; for who holds its lock."""
        put_whole(self._schema(dataset), lambda path: path.write_bytes(msgspec.json.encode(schema)))

    @contextmanager
    def locked(self, dataset: str) -> Generator[None]:
        """Nobody else writes to this dataset meanwhile."""
        self._dataset(dataset).mkdir(parents=True, exist_ok=True)
        lock = os.open(self._dataset(dataset) / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def part(self, dataset: str, day: date, reference: str) -> Path:
        """Where a batch is kept."""
        return self._dataset(dataset) / f"{_DAY}{day.isoformat()}" / _name(reference)

    def other_day(self, dataset: str, day: date, reference: str) -> date | None:
        """Another day under which there is a batch of this reference."""
        kept = (_day_of(path.parent) for path in self._dataset(dataset).glob(f"{_DAY}*/{_name(reference)}"))
        return next((other for other in kept if other != day), None)

    def parts(self, dataset: str, first: date | None, last: date | None) -> list[str]:
        """The files of the days from first to last, both included."""
        return [
            str(part)
            for day in sorted(self._dataset(dataset).glob(f"{_DAY}*"))
            if (first or date.min) <= _day_of(day) <= (last or date.max)
            for part in sorted(day.glob(_PART))
        ]

    def partitions(self, dataset: str) -> list[Partition]:
        """The days of a dataset that have files, oldest first."""
        sizes = {
            _day_of(day): [part.stat().st_size for part in day.glob(_PART)]
            for day in sorted(self._dataset(dataset).glob(f"{_DAY}*"))
        }
        return [Partition(day, len(each), sum(each)) for day, each in sizes.items() if each]

    def _dataset(self, dataset: str) -> Path:
        return self._root / f"{_DATASET}{dataset}"

    def _schema(self, dataset: str) -> Path:
        return self._dataset(dataset) / "schema.json"


def put_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have a file written beside its place, then put it there; durable when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.writing")
    write(beside)
    _force(beside)
    beside.replace(path)
    _force(path.parent)
    _force(path.parent.parent)  # the folder may be new as well


def _force(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(reference: str) -> str:
    return f"part-{sha256(reference.encode()).hexdigest()[:32]}.parquet"


def _day_of(folder: Path) -> date:
    return date.fromisoformat(folder.name.removeprefix(_DAY))
