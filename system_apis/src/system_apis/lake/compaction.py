"""Small files of a day become one, while readers read and writers write. Blocking, for threads.

The new file is written and forced to disk without the dataset's lock; under it, what was merged is compared with what
was read, and one renaming of `merged.json` makes the new file count in place of the others. Killed before it, nothing
has changed but a file that does not count; killed after it, all has. A later run sweeps what no longer counts, once no
reader can be at it.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from system_apis.lake.folder import LakeFolder
from system_apis.lake.records import Limits, ManifestRecord, MergedRecord
from system_apis.lake.session import LakeSession

_Stamp = tuple[int, int, int]


class DayCompacted(NamedTuple):
    """How many files of a day counted before and after."""

    before: int
    after: int


def days_to_compact(folder: LakeFolder, dataset: str, limits: Limits) -> list[date]:
    """Days that have enough small files, oldest first."""
    return [day for day in folder.days(dataset) if len(_small(folder.files(dataset, day), limits)) >= limits.fewest]


def compact_day(session: LakeSession, folder: LakeFolder, dataset: str, day: date, limits: Limits) -> DayCompacted:
    """Merge the small files of a day; does nothing where a writer changed one of them meanwhile.

    Raises:
        BlockingIOError: Somebody else merges files of this dataset.
    """
    with folder.compacting(dataset):
        manifest, files = folder.manifest(dataset, day), folder.files(dataset, day)
        small = _small(files, limits)
        if len(small) < limits.fewest:
            return DayCompacted(len(files), len(files))
        stamps, merged = _stamps(small), {one.file: one for one in manifest.merged}
        parts = [file for file in small if file.name not in merged]
        target = folder.new_merged(dataset, day)
        session.merge(target, [file for file in small if file.name in merged], parts)
        taken = [file.name for file in small]
        names = [
            *(part.name for part in parts),
            *(name for file in taken if file in merged for name in merged[file].parts),
        ]
        with folder.locked(dataset):
            if folder.manifest(dataset, day) != manifest or _stamps(small) != stamps:
                target.unlink()
                return DayCompacted(len(files), len(files))
            kept = [one for one in manifest.merged if one.file not in taken]
            folder.keep_manifest(dataset, day, ManifestRecord([*kept, MergedRecord(target.name, sorted(names))]))
        return DayCompacted(len(files), len(files) - len(small) + 1)


def sweep(folder: LakeFolder, dataset: str, limits: Limits) -> None:
    """Remove what no longer counts of every day, and is so old that nobody reads it."""
    for day in folder.days(dataset):
        with folder.locked(dataset):
            folder.sweep(dataset, day, limits.grace_seconds)


def take_out(session: LakeSession, folder: LakeFolder, dataset: str, part: Path, day: date) -> None:
    """Have a batch's own file, written anew, count again in place of its rows in a merged file; under the lock."""
    manifest = folder.manifest(dataset, day)
    holding = next((one for one in manifest.merged if part.name in one.parts), None)
    if holding is None:
        return
    kept, left = [one for one in manifest.merged if one is not holding], [n for n in holding.parts if n != part.name]
    if left:
        target = folder.new_merged(dataset, day)
        session.merge(target, [part.parent / holding.file], [], without=part.name)
        kept.append(MergedRecord(target.name, left))
    folder.keep_manifest(dataset, day, ManifestRecord(kept))


def _small(files: Sequence[Path], limits: Limits) -> list[Path]:
    return [file for file in files if file.stat().st_size < limits.small]


def _stamps(files: Sequence[Path]) -> list[_Stamp]:
    return [(found.st_ino, found.st_size, found.st_mtime_ns) for found in (file.stat() for file in files)]
