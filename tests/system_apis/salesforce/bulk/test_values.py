"""What a line of a load may hold, and how values are spelt there."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from msgspec import UNSET

from shared.binding.problems import Invalid
from system_apis.salesforce.bulk.values import Columns, columns_of


class Rating(Enum):
    HOT = "Hot"


class Colour(str, Enum):  # noqa: UP042 - a kind of string that is no plain one
    RED = "Red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (None, "#N/A"),
        ("", "#N/A"),
        (UNSET, ""),
        (True, "true"),
        (7, "7"),
        (1.5, "1.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.10"), "-0.10"),
        (date(2026, 5, 1), "2026-05-01"),
        (datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-05-01T10:00:00.000Z"),
        (datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC), "2026-05-01T12:00:00.250Z"),
        (time(9, 30), "09:30:00.000Z"),
        (Rating.HOT, "Hot"),
        (Colour.RED, "Red"),
    ],
)
def test_values_are_spelt_as_salesforce_reads_them(value: Any, text: str) -> None:
    assert Columns(("A",)).row({"A": value}, 0) == [text]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"Strange": 1}, "Record 3 has the field 'Strange'"),
        ({"Name": "#N/A"}, "Record 3 has in 'Name' a value of type str"),
        ({"Name": datetime(2026, 1, 1)}, "need a time zone"),  # noqa: DTZ001 - that is the point
        ({"Name": float("nan")}, "numbers must be finite"),
        ({"Name": Decimal("Infinity")}, "numbers must be finite"),
        ({"Name": object()}, "type object"),
        ({"Name": ["a"]}, "type list"),
    ],
)
def test_a_record_that_csv_cannot_carry_is_refused_by_its_place(record: Any, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        Columns(("Name",)).row(record, 3)


def test_fields_that_a_record_lacks_are_left_alone_and_parents_are_spelt_as_columns() -> None:
    first = {"attributes": {"type": "Contact"}, "LastName": "A", "Account": {"attributes": {}, "Key__c": "7"}}
    columns = columns_of(first)
    assert columns.names == ("LastName", "Account.Key__c")
    assert columns.row(first, 0) == ["A", "7"]
    assert columns.row({"LastName": "B"}, 1) == ["B", ""]


@pytest.mark.parametrize("names", [(), ("Name", "name")])
def test_a_header_has_columns_and_none_twice(names: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        Columns(names)
