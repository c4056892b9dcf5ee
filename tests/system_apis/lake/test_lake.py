"""Facts kept and asked for over a folder of Parquet files."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendFault, DeadlineExceeded, Invalid
from shared.contracts.system.data_warehouse import (
    Aggregate,
    BatchOfAnotherDay,
    Column,
    ColumnNotKnown,
    ColumnTypeChanged,
    Condition,
    FactBatch,
    FactDatasetNotFound,
    FactQuery,
    Facts,
    Ordering,
)
from shared.host.settings import read_settings
from shared.host.wiring import Wiring
from system_apis.lake import LakeDataWarehouse, api
from system_apis.lake.connector import Lake, LakeSettings

DAY = date(2026, 1, 31)
COLUMNS = [Column("sku", "text"), Column("pieces", "integer"), Column("amount", "decimal"), Column("at", "moment")]
ROWS: list[list[Any]] = [
    ["A", 1, "0.1", "2026-01-31T12:00:00+01:00"],
    ["A", 2, "0.2", "2026-01-31T11:30:00Z"],
    ["B", 3, None, None],
]
COUNT = FactQuery(aggregates=[Aggregate("count", "n")])
WRITER = Path(__file__).with_name("endless_writer.py")


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Callable[[], LakeDataWarehouse]]:
    """Opens the lake, as another process would each time."""
    lakes: list[Lake] = []

    def open_() -> LakeDataWarehouse:
        lakes.append(Lake(LakeSettings(folder=str(tmp_path / "it's a lake"), threads=1)))
        return LakeDataWarehouse(lakes[-1])

    yield open_
    for lake in lakes:
        await lake.aclose()


@pytest.fixture
async def lake(opened: Callable[[], LakeDataWarehouse]) -> LakeDataWarehouse:
    """A lake with three sales."""
    lake = opened()
    await lake.append_facts("sales", "b-1", FactBatch(DAY, COLUMNS, ROWS))
    return lake


def only_part(folder: Path) -> Path:
    return next(folder.rglob("part-*.parquet"))


async def answer(lake: LakeDataWarehouse, **query: Any) -> list[list[Any]]:
    return (await lake.query_facts("sales", FactQuery(**query))).rows


async def test_facts_come_back_exact_with_moments_in_utc(lake) -> None:
    rows = await answer(lake, columns=["sku", "pieces", "amount", "at", "day"], order_by=[Ordering("pieces")])
    assert rows == [
        ["A", 1, "0.1", "2026-01-31T11:00:00Z", "2026-01-31"],
        ["A", 2, "0.2", "2026-01-31T11:30:00Z", "2026-01-31"],
        ["B", 3, None, None, "2026-01-31"],
    ]


async def test_figures_of_groups_are_exact(lake) -> None:
    figures = [Aggregate("sum", "total", "amount"), Aggregate("count", "n"), Aggregate("max", "last", "at")]
    found = await lake.query_facts("sales", FactQuery(["sku"], figures))
    assert found == Facts(
        [Column("sku", "text"), Column("total", "decimal"), Column("n", "integer"), Column("last", "moment")],
        [["A", "0.3", 2, "2026-01-31T11:30:00Z"], ["B", None, 1, None]],
        truncated=False,
    )


@pytest.mark.parametrize(
    ("condition", "pieces"),
    [
        (Condition("amount", ">", ["0.1"]), [2]),
        (Condition("amount", "!=", ["0.1"]), [2, 3]),
        (Condition("sku", "in", ["B", "C"]), [3]),
        (Condition("at", "<=", ["2026-01-31T11:00:00Z"]), [1]),
        (Condition("amount", "is-null"), [3]),
        (Condition("amount", "not-null"), [1, 2]),
        (Condition("day", "=", ["2026-02-01"]), []),
        (Condition("sku", "=", ["A' OR 'a' = 'a"]), []),
    ],
)
async def test_conditions_choose_rows_and_values_are_never_sql(lake, condition: Condition, pieces: list[int]) -> None:
    assert await answer(lake, columns=["pieces"], conditions=[condition]) == [[each] for each in pieces]


async def test_a_repeat_takes_the_place_of_the_batch_whoever_sends_it(lake, opened) -> None:
    await opened().append_facts("sales", "b-1", FactBatch(DAY, COLUMNS, ROWS))
    assert await answer(lake, aggregates=COUNT.aggregates) == [[3]]
    await opened().append_facts("sales", "b-1", FactBatch(DAY, COLUMNS, ROWS[:1]))
    assert await answer(opened(), aggregates=COUNT.aggregates) == [[1]]


async def test_the_same_reference_on_another_day_is_refused(lake) -> None:
    with pytest.raises(BatchOfAnotherDay, match="kept under 2026-01-31"):
        await lake.append_facts("sales", "b-1", FactBatch(date(2026, 2, 1), COLUMNS, ROWS))


async def test_a_new_column_is_added_and_empty_in_the_facts_before(lake) -> None:
    added = [Column("pieces", "integer"), Column("note", "text")]
    await lake.append_facts("sales", "b-2", FactBatch(date(2026, 2, 1), added, [[4, "new"]]))
    assert await answer(lake, columns=["pieces", "note", "sku"], order_by=[Ordering("pieces", descending=True)]) == [
        [4, "new", None], [3, None, "B"], [2, None, "A"], [1, None, "A"],
    ]  # fmt: skip
    assert await answer(lake, columns=["pieces"], last_day=DAY, limit=10) == [[1], [2], [3]]
    assert await answer(lake, columns=["pieces"], first_day=date(2026, 2, 2)) == []
    [dataset] = (await lake.list_datasets()).items
    assert [column.name for column in dataset.columns] == ["sku", "pieces", "amount", "at", "note"]
    assert [(each.day, each.files, each.size > 0) for each in dataset.partitions] == [
        (DAY, 1, True), (date(2026, 2, 1), 1, True),
    ]  # fmt: skip


async def test_a_changed_type_is_refused_and_nothing_kept(lake) -> None:
    with pytest.raises(ColumnTypeChanged, match="pieces is integer in the facts that are kept, not text"):
        await lake.append_facts("sales", "b-2", FactBatch(DAY, [Column("pieces", "text")], [["4"]]))
    assert await answer(lake, aggregates=COUNT.aggregates) == [[3]]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", "1"), ("integer", True), ("integer", 1.5), ("text", 1), ("boolean", 1), ("float", "1"),
        ("decimal", 0.1), ("decimal", "0.1234567891"), ("decimal", "1" + "0" * 29), ("decimal", "NaN"),
        ("decimal", "1e999999"), ("date", "31.01.2026"), ("moment", "2026-01-31T12:00:00"), ("moment", "soon"),
    ],
)  # fmt: skip
async def test_a_value_of_another_type_is_refused_by_its_place(opened, kind: Any, cell: Any) -> None:
    with pytest.raises(Invalid) as caught:
        await opened().append_facts("sales", "b-1", FactBatch(DAY, [Column("x", kind)], [[None], [cell]]))
    assert [error.pointer for error in caught.value.errors] == ["/rows/1/0"]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", -(2**63)), ("decimal", "-" + "9" * 29 + "." + "9" * 9), ("decimal", "0.000000001"),
        ("float", 1e300), ("boolean", False), ("date", "0001-01-01"), ("text", "=1+1; DROP TABLE\x00 📦"),
        ("moment", "2026-01-31T12:00:00.123456Z"),
    ],
)  # fmt: skip
async def test_values_at_the_edge_of_their_type_come_back_the_same(opened, kind: Any, cell: Any) -> None:
    lake = opened()
    await lake.append_facts("sales", "b-1", FactBatch(DAY, [Column("x", kind)], [[cell]]))
    assert await answer(lake, columns=["x"], conditions=[Condition("x", "=", [cell])]) == [[cell]]


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ([Column("x", "text"), Column("x", "text")], [["a", "b"]]),
        ([Column("day", "date")], [["2026-01-31"]]),
        ([Column("x", "text")], [["a", "b"]]),
    ],
)
async def test_a_batch_that_cannot_be_is_refused(opened, columns: list[Column], rows: list[list[Any]]) -> None:
    with pytest.raises(Invalid):
        await opened().append_facts("sales", "b-1", FactBatch(DAY, columns, rows))


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        (FactQuery(), Invalid),
        (FactQuery(["colour"]), ColumnNotKnown),
        (FactQuery(["sku"], conditions=[Condition("colour", "is-null")]), ColumnNotKnown),
        (FactQuery(["sku"], order_by=[Ordering("pieces")]), ColumnNotKnown),
        (FactQuery(aggregates=[Aggregate("sum", "x", "sku")]), Invalid),
        (FactQuery(aggregates=[Aggregate("max", "x")]), Invalid),
        (FactQuery(["sku"], [Aggregate("count", "sku")]), Invalid),
        (FactQuery(["sku"], conditions=[Condition("pieces", "=", ["1"])]), Invalid),
        (FactQuery(["sku"], conditions=[Condition("pieces", "=", [])]), Invalid),
        (FactQuery(["sku"], conditions=[Condition("pieces", "=", [None])]), Invalid),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(lake, query: FactQuery, kind: type[Invalid]) -> None:
    with pytest.raises(kind):
        await lake.query_facts("sales", query)


async def test_an_answer_is_bounded_and_says_so(lake) -> None:
    found = await lake.query_facts("sales", FactQuery(["pieces"], limit=2))
    assert (found.rows, found.truncated) == ([[1], [2]], True)


async def test_a_sum_that_leaves_its_type_is_refused(lake) -> None:
    batch = FactBatch(DAY, [Column("pieces", "integer")], [[2**63 - 1]])
    await lake.append_facts("sales", "b-2", batch)
    with pytest.raises(Invalid, match="leaves the range"):
        await answer(lake, aggregates=[Aggregate("sum", "n", "pieces")])


async def test_datasets_come_page_by_page_and_unknown_ones_are_not_found(lake) -> None:
    await lake.append_facts("returns", "b-1", FactBatch(DAY, COLUMNS, ROWS))
    first = await lake.list_datasets(None, 1)
    second = await lake.list_datasets(first.next_cursor, 1)
    assert [page.items[0].dataset for page in (first, second)] == ["returns", "sales"]
    assert second.next_cursor is None
    with pytest.raises(FactDatasetNotFound, match="no dataset colours"):
        await lake.query_facts("colours", COUNT)


async def test_a_dataset_whose_first_batch_was_cut_off_is_empty(lake, tmp_path: Path) -> None:
    only_part(tmp_path).unlink()
    assert await answer(lake, aggregates=COUNT.aggregates) == [[0]]


async def test_a_file_that_is_no_parquet_is_the_lakes_fault_and_not_quoted(lake, tmp_path: Path) -> None:
    only_part(tmp_path).write_text("secret of somebody else")
    with pytest.raises(BackendFault) as caught:
        await answer(lake, columns=["sku"])
    assert "secret" not in caught.value.detail


async def test_duckdb_reads_and_writes_nothing_outside_the_folder(lake, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("a,b\n1,2\n")
    cursor = lake._lake._opened.cursor()
    for sql in (f"FROM read_csv('{tmp_path}/outside.csv')", f"COPY (SELECT 1) TO '{tmp_path}/x.csv'",
                f"ATTACH '{tmp_path}/x.db'", "SET GLOBAL enable_external_access = true", "INSTALL httpfs"):  # fmt: skip
        with pytest.raises(duckdb.Error):
            cursor.execute(sql)


async def test_a_question_is_ended_when_its_time_is_over(lake) -> None:
    endless = "SELECT count(*) FROM range(1000000000000) AS a, range(1000000) AS b WHERE a.range % 7 = b.range % 5"
    lake._lake._settings = LakeSettings(folder="", timeout=0.2)
    with pytest.raises(DeadlineExceeded):
        await lake._lake.run(lambda session: session.rows(endless, []))
    with calling(CallContext(deadline=0.0)), pytest.raises(DeadlineExceeded):
        await lake.query_facts("sales", COUNT)


async def test_batches_of_many_writers_are_all_kept(opened) -> None:
    one, other = opened(), opened()
    kept = [
        lake.append_facts("sales", f"{name}-{number}", FactBatch(DAY, [Column(f"c{number}", "integer")], [[number]]))
        for number in range(8)
        for name, lake in (("one", one), ("other", other))
    ]
    await asyncio.gather(*kept)
    assert (await one.query_facts("sales", COUNT)).rows == [[16]]
    assert len((await other.list_datasets()).items[0].columns) == 8


async def test_a_writer_that_is_killed_leaves_nothing_half_and_a_repeat_nothing_twice(opened, tmp_path: Path) -> None:
    folder = tmp_path / "it's a lake"
    writer = subprocess.Popen([sys.executable, WRITER, folder], stdout=subprocess.PIPE)  # noqa: ASYNC220
    assert writer.stdout is not None
    told = await asyncio.to_thread(writer.stdout.readline)
    await asyncio.to_thread(writer.stdout.readline)
    writer.kill()
    await asyncio.to_thread(writer.wait)
    writer.stdout.close()
    lake, per_batch = opened(), FactQuery(["batch"], [Aggregate("count", "n")])
    kept = dict((await lake.query_facts("killed", per_batch)).rows)
    assert int(told) in kept
    assert set(kept.values()) == {1000}  # whole batches only, whatever it was at when it died
    for number in range(max(kept) + 2):
        batch = FactBatch(DAY, [Column("batch", "integer")], [[number]] * 1000)
        await lake.append_facts("killed", f"b-{number}", batch)
    assert (await lake.query_facts("killed", per_batch)).rows == [[number, 1000] for number in range(max(kept) + 2)]


async def test_the_host_builds_it_from_the_topology(tmp_path: Path) -> None:
    section = {"lake": {"folder": "{state}/lake"}}
    wiring = Wiring({}, lambda contract: pytest.fail(f"asks for {contract}"),
                    lambda kind: read_settings(kind, section, {}, tmp_path))  # fmt: skip
    built = wiring.build(api.service)
    assert (api.name, api.tier, (await built.list_datasets()).items) == ("data_warehouse (lake)", "system", [])
    for each in reversed(wiring.built):
        if aclose := getattr(each, "aclose", None):
            await aclose()
