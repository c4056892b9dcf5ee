"""The lake's folder: `dataset=…/day=YYYY-MM-DD/part-<hash of the reference>.parquet`, `schema.json` by each dataset.

A file is written under a name that no reader looks for, forced to disk and renamed: it is there whole or not at all.
Small files of a day are merged into one; `merged.json` of the day says in one renaming that it counts in their place,
and they stay for as long as a reader may be at them. Who writes to a dataset holds its lock, over processes too;
readers need none. Blocking, for threads.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec

from shared.contracts.system.data_warehouse import Partition
from system_apis.lake.records import ManifestRecord, SchemaRecord

_DATASET, _DAY, _PART = "dataset=", "day=", "part-*.parquet"
_MERGED, _MANIFEST, _UNFINISHED = "merged-*.parquet", "merged.json", ".*.writing"


class LakeFolder:
    """The files of the lake.

    Args:
        root: The folder; made at the first batch.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._manifests: dict[Path, tuple[tuple[int, int], ManifestRecord]] = {}

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
        with self._holding(dataset, ".lock", fcntl.LOCK_EX):
            yield

    @contextmanager
    def compacting(self, dataset: str) -> Generator[None]:
        """Nobody else merges files of this dataset meanwhile; raises BlockingIOError where somebody does."""
        with self._holding(dataset, ".compacting", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    @contextmanager
    def _holding(self, dataset: str, name: str, how: int) -> Generator[None]:
        self._dataset(dataset).mkdir(parents=True, exist_ok=True)
        lock = os.open(self._dataset(dataset) / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)

    def part(self, dataset: str, day: date, reference: str) -> Path:
        """Where a batch is kept, until it is merged."""
        return self._day(dataset, day) / _name(reference)

    def new_merged(self, dataset: str, day: date) -> Path:
        """Where another merged file goes; no name comes twice."""
        return self._day(dataset, day) / f"merged-{uuid.uuid4().hex}.parquet"

    def other_day(self, dataset: str, day: date, reference: str) -> date | None:
        """Another day under which there is a batch of this reference."""
        name = _name(reference)
        return next(
            (
                other
                for other in self.days(dataset)
                if other != day
                and ((self._day(dataset, other) / name).exists() or name in self.manifest(dataset, other).parts)
            ),
            None,
        )

    def days(self, dataset: str) -> list[date]:
        """The days of a dataset, oldest first."""
        return sorted(_day_of(day) for day in self._dataset(dataset).glob(f"{_DAY}*"))

    def parts(self, dataset: str, first: date | None, last: date | None) -> list[str]:
        """The files that count of the days from first to last, both included."""
        days = (day for day in self.days(dataset) if (first or date.min) <= day <= (last or date.max))
        return [str(file) for day in days for file in self.files(dataset, day)]

    def files(self, dataset: str, day: date) -> list[Path]:
        """The files of a day that count. What is merged is read first: files of batches come before it names them."""
        folder, manifest = self._day(dataset, day), self.manifest(dataset, day)
        merged, stood_for = [folder / one.file for one in manifest.merged], manifest.parts
        return [*merged, *sorted(part for part in folder.glob(_PART) if part.name not in stood_for)]

    def partitions(self, dataset: str) -> list[Partition]:
        """The days of a dataset that have files, oldest first."""
        sizes = {day: [file.stat().st_size for file in self.files(dataset, day)] for day in self.days(dataset)}
        return [Partition(day, len(each), sum(each)) for day, each in sizes.items() if each]

    def manifest(self, dataset: str, day: date) -> ManifestRecord:
        """What is merged of a day."""
        path = self._day(dataset, day) / _MANIFEST
        try:
            found = path.stat()
            stamp = (found.st_ino, found.st_mtime_ns)
            known = self._manifests.get(path)
            if known is None or known[0] != stamp:
                known = self._manifests[path] = (stamp, msgspec.json.decode(path.read_bytes(), type=ManifestRecord))
        except FileNotFoundError:
            return ManifestRecord()
        return known[1]

    def keep_manifest(self, dataset: str, day: date, manifest: ManifestRecord) -> None:
        """Replace what is merged of a day; for who holds its lock."""
        put_whole(self._day(dataset, day) / _MANIFEST, lambda path: path.write_bytes(msgspec.json.encode(manifest)))

    def sweep(self, dataset: str, day: date, grace_seconds: float) -> None:
        """Remove what has not counted for so long that nobody reads it any more; for who holds the lock."""
        folder, counting = self._day(dataset, day), set(self.files(dataset, day))
        before = time.time() - grace_seconds
        with suppress(FileNotFoundError):
            if (folder / _MANIFEST).stat().st_mtime > before:
                return
        for pattern in (_PART, _MERGED, _UNFINISHED):
            for file in folder.glob(pattern):
                if file not in counting and file.stat().st_mtime <= before:
                    file.unlink()

    def _day(self, dataset: str, day: date) -> Path:
        return self._dataset(dataset) / f"{_DAY}{day.isoformat()}"

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
