"""Small files become one while readers read, writers write and processes die; nothing of what is kept changes."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared.binding.problems import BackendUnavailable
from shared.contracts.system.data_warehouse import (
    Aggregate,
    BatchOfAnotherDay,
    Column,
    FactBatch,
    FactDatasetNotFound,
    FactQuery,
    FactsCompacted,
)
from system_apis.lake import LakeDataWarehouse
from system_apis.lake.compaction import compact_day
from system_apis.lake.connector import Lake, LakeSettings
from system_apis.lake.folder import LakeFolder
from system_apis.lake.records import ManifestRecord, MergedRecord
from system_apis.lake.session import LakeSession

DAY = date(2026, 1, 31)
BY_BATCH = FactQuery(["batch"], [Aggregate("count", "n")])
COMPACTOR = Path(__file__).with_name("endless_compactor.py")

Opened = Callable[..., LakeDataWarehouse]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens the lake, as another process would each time."""
    lakes: list[Lake] = []

    def open_(**settings: Any) -> LakeDataWarehouse:
        chosen = {"compact_files": 2, "threads": 1, **settings}
        lakes.append(Lake(LakeSettings(folder=str(tmp_path / "it's a lake"), **chosen)))
        return LakeDataWarehouse(lakes[-1])

    yield open_
    for lake in lakes:
        await lake.aclose()


def batch(number: int, rows: int = 3, day: date = DAY, column: str = "batch") -> FactBatch:
    return FactBatch(day, [Column(column, "integer")], [[number]] * rows)


async def fill(lake: LakeDataWarehouse, numbers: range) -> None:
    for number in numbers:
        await lake.append_facts("sales", f"b-{number}", batch(number))


def found(folder: Path, pattern: str) -> list[Path]:
    return list(folder.rglob(pattern))


def files(folder: Path) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in found(folder, "*.parquet"))


async def test_many_files_become_one_and_every_answer_stays(opened: Opened) -> None:
    lake = opened()
    await fill(lake, range(5))
    await lake.append_facts("sales", "note", FactBatch(DAY, [Column("note", "text")], [["ü"]]))
    await lake.append_facts("sales", "b-9", batch(9, day=date(2026, 2, 1)))
    before = await lake.query_facts("sales", FactQuery(["day", "batch", "note"]))
    assert await lake.compact_facts("sales") == FactsCompacted("sales", 1, 6, 1)
    assert await lake.query_facts("sales", FactQuery(["day", "batch", "note"])) == before
    assert await opened().query_facts("sales", FactQuery(["day", "batch", "note"])) == before
    [dataset] = (await lake.list_datasets()).items
    assert [(each.day, each.files) for each in dataset.partitions] == [(DAY, 1), (date(2026, 2, 1), 1)]
    assert [column.name for column in dataset.columns] == ["batch", "note"]
    assert await lake.compact_facts("sales") == FactsCompacted("sales", 0, 0, 0)


def test_what_is_merged_of_a_day_is_gathered_once_however_many_files_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, gathered, parts = LakeFolder(tmp_path), list[int](), ManifestRecord.parts.fget
    assert parts is not None

    def counted(manifest: ManifestRecord) -> frozenset[str]:
        gathered.append(1)
        return parts(manifest)

    monkeypatch.setattr(ManifestRecord, "parts", property(counted))
    for number in range(20):
        file = folder.part("sales", DAY, f"b-{number}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    merged = [folder.part("sales", DAY, f"b-{number}").name for number in range(15)]
    folder.keep_manifest("sales", DAY, ManifestRecord([MergedRecord("merged-1.parquet", merged)]))
    assert len(folder.files("sales", DAY)) == 1 + 5
    assert len(gathered) == 1


async def test_a_merged_file_is_merged_again_with_what_came_later(opened: Opened) -> None:
    lake = opened()
    for round_ in range(3):
        await fill(lake, range(round_ * 3, round_ * 3 + 3))
        await lake.compact_facts("sales")
    assert (await lake.query_facts("sales", BY_BATCH)).rows == [[number, 3] for number in range(9)]
    [dataset] = (await lake.list_datasets()).items
    assert dataset.partitions[0].files == 1


async def test_a_batch_that_was_merged_is_replaced_by_its_repeat(opened: Opened) -> None:
    lake = opened()
    await fill(lake, range(3))
    await lake.compact_facts("sales")
    await lake.append_facts("sales", "b-1", batch(100, rows=1))
    await lake.append_facts("sales", "b-2", batch(2))
    wanted = [[0, 3], [2, 3], [100, 1]]
    assert (await lake.query_facts("sales", BY_BATCH)).rows == wanted
    await lake.compact_facts("sales")
    assert (await opened().query_facts("sales", BY_BATCH)).rows == wanted
    for number in range(3):  # the last that a merged file stands for goes as well
        await lake.append_facts("sales", f"b-{number}", batch(number + 10))
    assert (await lake.query_facts("sales", BY_BATCH)).rows == [[10, 3], [11, 3], [12, 3]]


async def test_a_merged_batch_is_still_known_under_another_day(opened: Opened) -> None:
    lake = opened(grace_seconds=0.0)
    await fill(lake, range(2))
    await lake.compact_facts("sales")
    await lake.compact_facts("sales")  # which sweeps
    with pytest.raises(BatchOfAnotherDay) as refused:
        await opened().append_facts("sales", "b-1", batch(1, day=date(2026, 2, 1)))
    assert refused.value.extensions == {"day": "2026-01-31"}


async def test_what_no_longer_counts_stays_while_somebody_may_read_it(opened: Opened, tmp_path: Path) -> None:
    patient, hasty = opened(), opened(grace_seconds=0.0)
    await fill(patient, range(3))
    await patient.compact_facts("sales")
    await patient.compact_facts("sales")
    assert files(tmp_path) == ["merged", "part", "part", "part"]
    (found(tmp_path, "merged.json")[0].parent / ".part-x.parquet.writing").write_text("cut off")
    await hasty.compact_facts("sales")
    assert files(tmp_path) == ["merged"]
    assert not found(tmp_path, ".*.writing")
    assert (await patient.query_facts("sales", BY_BATCH)).rows == [[0, 3], [1, 3], [2, 3]]


async def test_a_large_file_is_left_alone_and_few_are_not_worth_it(opened: Opened) -> None:
    await fill(opened(), range(3))
    assert (await opened(compact_files=4).compact_facts("sales")).days == 0
    assert (await opened(compact_below=10).compact_facts("sales")).days == 0


@pytest.mark.parametrize("number", [1, 4], ids=["in a merged file", "in a file of its own"])
async def test_a_batch_that_is_replaced_while_its_file_is_merged_wins(opened: Opened, number: int) -> None:
    lake, loop = opened(), asyncio.get_running_loop()
    await fill(lake, range(3))
    await lake.compact_facts("sales")
    await fill(lake, range(3, 6))

    class Interrupted(LakeSession):
        def merge(self, path: Path, merged: Any, parts: Any, without: str = "") -> None:
            super().merge(path, merged, parts, without)
            again = lake.append_facts("sales", f"b-{number}", batch(number + 100))
            asyncio.run_coroutine_threadsafe(again, loop).result(60)

    def compact(session: LakeSession) -> Any:
        return compact_day(Interrupted(session._cursor), lake._lake.folder, "sales", DAY, lake._lake.limits)

    unchanged = await lake._lake.run(compact)
    assert unchanged.before == unchanged.after
    wanted = [[other, 3] for other in range(6) if other != number] + [[number + 100, 3]]
    assert (await lake.query_facts("sales", BY_BATCH)).rows == wanted
    await lake.compact_facts("sales")
    assert (await lake.query_facts("sales", BY_BATCH)).rows == wanted


async def test_two_do_not_merge_one_dataset_at_once(opened: Opened) -> None:
    one, other = opened(), opened()
    await fill(one, range(3))
    with one._lake.folder.compacting("sales"), pytest.raises(BackendUnavailable, match="Somebody else merges"):
        await other.compact_facts("sales")
    assert (await other.compact_facts("sales")).files_after == 1


async def test_readers_see_every_row_once_whatever_is_merged_meanwhile(opened: Opened) -> None:
    writer, reader = opened(), opened()
    await fill(writer, range(2))
    seen: list[list[Any]] = []

    async def read() -> None:
        while len(seen) < 12:
            seen.append([count for _, count in (await reader.query_facts("sales", BY_BATCH)).rows])

    async def write() -> None:
        for number in range(2, 8):
            await writer.append_facts("sales", f"b-{number}", batch(number))
            await writer.compact_facts("sales")

    await asyncio.gather(read(), write())
    assert all(set(counts) == {3} for counts in seen)
    assert [len(counts) for counts in seen] == sorted(len(counts) for counts in seen)
    assert (await reader.query_facts("sales", BY_BATCH)).rows == [[number, 3] for number in range(8)]


@pytest.mark.parametrize("round_", range(2))
async def test_a_compactor_that_is_killed_leaves_every_row_once(opened: Opened, tmp_path: Path, round_: int) -> None:
    worker = subprocess.Popen([sys.executable, COMPACTOR, tmp_path / "it's a lake"], stdout=subprocess.PIPE)  # noqa: ASYNC220
    assert worker.stdout is not None
    for _ in range(3):
        assert await asyncio.to_thread(worker.stdout.readline)
    await asyncio.sleep(0.03 * round_)  # at whatever it is by then
    worker.kill()
    await asyncio.to_thread(worker.wait)
    worker.stdout.close()
    wanted = [[number, 10] for number in range(4)]
    lake = opened(grace_seconds=0.0)
    assert (await lake.query_facts("killed", BY_BATCH)).rows == wanted
    for _ in range(2):
        await lake.compact_facts("killed")
        assert (await lake.query_facts("killed", BY_BATCH)).rows == wanted


async def test_a_dataset_that_is_not_there_is_not_found(opened: Opened) -> None:
    with pytest.raises(FactDatasetNotFound):
        await opened().compact_facts("colours")
