"""Rows become a dataset part by part, and SAQL asks it with values that cannot become more than values."""

import gzip
from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.binding.problems import BackendUnavailable, Invalid
from shared.contracts.system.salesforce_definitions import DatasetNotFound
from system_apis.salesforce.analytics.datasets import Datasets
from system_apis.salesforce.analytics.saql import bound, literal
from system_apis.salesforce.analytics.tables import Cell, Column, parts_of
from system_apis.salesforce.connector import SalesforceConnector

COLUMNS = [
    Column("Id", unique=True),
    Column("Region"),
    Column("Amount", "Numeric"),
    Column("Day", "Date"),
]
COUNT = "q = load :data; q = group q by all; q = foreach q generate count() as 'n', sum('Amount') as 's';"
ROWS = [
    ("1", "North", Decimal("10.50"), date(2026, 1, 1)),
    ("2", 'So"uth\n, east', Decimal(5), date(2026, 1, 2)),
    ("3", "North", None, None),
]


async def given(rows: Sequence[Sequence[Cell]]) -> AsyncIterator[Sequence[Cell]]:
    for row in rows:
        yield row


@pytest.fixture
def datasets(salesforce: SalesforceConnector) -> Datasets:
    return Datasets(salesforce)


async def test_rows_are_uploaded_in_parts_and_asked_for(datasets: Datasets, org: Any) -> None:
    made = await datasets.upload("Sales", COLUMNS, given(ROWS), part_bytes=50)
    assert made.status == "Completed"
    parts = [each for each in await org.requests("InsightsExternalDataPart") if each["method"] == "POST"]
    assert len(parts) > 1
    saql = (
        "q = load :data; q = filter q by 'Region' == :region; "
        "q = foreach q generate 'Id' as 'Id', 'Amount' as 'Amount', 'Region' as ':region';"
    )
    found = await datasets.query(saql, datasets={"data": "sales"}, values={"region": 'So"uth\n, east'})
    assert found == [{"Id": "2", "Amount": 5, ":region": 'So"uth\n, east'}]
    more = [("4", "West", Decimal(1), None), ("1", "North", Decimal(20), None)]
    await datasets.upload("Sales", COLUMNS, given(more), operation="Upsert")
    assert await datasets.query(COUNT, datasets={"data": "Sales"}) == [{"n": 4, "s": 26}]


async def test_what_does_not_fit_is_refused_before_or_by_the_org(datasets: Datasets, org: Any) -> None:
    with pytest.raises(Invalid, match="exactly one column"):
        await datasets.upload("Sales", COLUMNS[1:], given([]), operation="Upsert")
    with pytest.raises(Invalid, match="different names"):
        await datasets.upload("Sales", [], given([]))
    with pytest.raises(ValueError, match="3 cells"):
        await datasets.upload("Sales", COLUMNS, given([("1", "2", "3")]))
    with pytest.raises(Invalid, match="cannot name"):
        await datasets.upload("no good", COLUMNS, given(ROWS))
    some = await datasets.upload("Partly", COLUMNS, given([("1", "x", "not a number", None), ROWS[0]]))
    assert (some.status, some.status_message) == ("CompletedWithWarnings", "1 rows were left out")
    with pytest.raises(DatasetNotFound):
        await datasets.query("q = load :data;", datasets={"data": "Nothing"})
    with pytest.raises(DatasetNotFound):
        await datasets.query("q = load :data;", datasets={"data": 'x"; q = load "y'})
    with pytest.raises(Invalid, match=r"does not accept the query: .*burn"):
        await datasets.query("q = burn :data;", datasets={"data": "Partly"})
    with pytest.raises(Invalid, match="StatusMessage"):
        await datasets.upload("Partly", COLUMNS[:2], given([("1", "x")]), operation="Append")


async def test_waiting_has_an_end(datasets: Datasets, org: Any) -> None:
    await org.control("datasets", seconds=30)
    try:
        with pytest.raises(BackendUnavailable, match="goes on with it"):
            await datasets.upload("Late", COLUMNS, given(ROWS), seconds=0.05)
    finally:
        await org.control("datasets", seconds=0.02)


async def test_parts_hold_every_row_and_no_part_is_too_large() -> None:
    rows = [(str(number), f"Region {number * 7919 % 1000}", number, None) for number in range(20_000)]
    parts = [part async for part in parts_of(COLUMNS, given(rows), 10_000)]
    assert {len(part) for part in parts[:-1]} == {10_000}
    assert gzip.decompress(b"".join(parts)).count(b"\r\n") == 20_001


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", '"plain"'),
        ('a"; q = load "b', '"a\\"; q = load \\"b"'),
        ("back\\slash", '"back\\\\slash"'),
        ("two\nlines\t", '"two\\nlines\\t"'),
        (True, '"true"'),
        (Decimal("1E+3"), "1000"),
        (1.5, "1.5"),
        (-3, "-3"),
        (date(2026, 1, 31), '"2026-01-31"'),
        (["a", 'b"'], '["a", "b\\""]'),
    ],
)
def test_a_value_is_written_as_a_literal(value: Any, written: str) -> None:
    assert literal(value) == written


@pytest.mark.parametrize("value", [float("inf"), Decimal("NaN"), [], "nul\x00", "\x1b[0m"])
def test_a_value_without_a_literal_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"SAQL|least one|control"):
        literal(value)


def test_places_in_quotes_are_text_and_places_and_values_go_in_pairs() -> None:
    assert bound("':a' == \":a\" && 'b' == :a", {"a": 'x"'}) == '\':a\' == ":a" && \'b\' == "x\\""'
    for saql, values, message in (
        ("'f' == :a", {}, "no value"),
        ("'f' == 1", {"a": 1}, "no place"),
        ("'f == :a", {"a": 1}, "not closed"),
    ):
        with pytest.raises(ValueError, match=message):
            bound(saql, values)
