"""Cron expressions mean what cron(5) says, in local time, through clock changes."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from shared.durable.cron import Cron


def times(expression: str, zone: str, after: str, count: int) -> list[str]:
    found = islice(Cron(expression, zone).after(datetime.fromisoformat(after)), count)
    return [f"{at:%Y-%m-%dT%H:%MZ}" for at in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/20 6 * * *", ["2026-03-01T06:00Z", "2026-03-01T06:20Z", "2026-03-01T06:40Z", "2026-03-02T06:00Z"]),
        ("0 0 1 * *", ["2026-04-01T00:00Z", "2026-05-01T00:00Z"]),
        ("30 6 * * mon-fri", ["2026-03-02T06:30Z", "2026-03-03T06:30Z", "2026-03-04T06:30Z", "2026-03-05T06:30Z"]),
        ("0 12 13 * fri", ["2026-03-06T12:00Z", "2026-03-13T12:00Z", "2026-03-20T12:00Z"]),
        ("0 0 29 feb *", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]),
        ("5,10-12/2 0 1 jan 7", ["2027-01-01T00:05Z", "2027-01-01T00:10Z", "2027-01-01T00:12Z", "2027-01-03T00:05Z"]),
        ("0 8/8 * * *", ["2026-03-01T08:00Z", "2026-03-01T16:00Z", "2026-03-02T08:00Z"]),
    ],
)
def test_the_next_times(expression: str, expected: list[str]) -> None:
    assert times(expression, "UTC", "2026-03-01T00:00+00:00", len(expected)) == expected


def test_local_time_follows_the_clock_changes() -> None:
    assert times("0 6 * * *", "Europe/Berlin", "2026-03-28T00:00+01:00", 3) == [
        "2026-03-28T05:00Z", "2026-03-29T04:00Z", "2026-03-30T04:00Z",
    ]  # fmt: skip


def test_a_skipped_time_happens_at_the_change() -> None:
    assert times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", 2) == [
        "2026-03-29T01:00Z", "2026-03-30T00:30Z",
    ]  # fmt: skip


def test_a_repeated_time_happens_once() -> None:
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00+02:00", 2) == [
        "2026-10-25T00:30Z", "2026-10-26T01:30Z",
    ]  # fmt: skip


def test_between_is_open_at_the_beginning_and_closed_at_the_end() -> None:
    begin, end = datetime(2026, 1, 1, 6, tzinfo=UTC), datetime(2026, 1, 3, 6, tzinfo=UTC)
    assert [at.day for at in Cron("0 6 * * *").between(begin, end)] == [2, 3]


@pytest.mark.parametrize(
    ("expression", "zone", "says"),
    [
        ("* * * *", "UTC", "4 fields"),
        ("60 * * * *", "UTC", "minute"),
        ("* 5-3 * * *", "UTC", "smaller"),
        ("* * * foo *", "UTC", "month"),
        ("*/0 * * * *", "UTC", "empty"),
        ("1;2 * * * *", "UTC", "no minute"),
        ("0 0 30 2 *", "UTC", "no day that exists"),
        ("0 0 * * *", "Mars/Olympus", "time zone"),
        ("0 0 * * *", "../../etc/passwd", "time zone"),
    ],
)
def test_what_makes_no_sense_is_refused(expression: str, zone: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Cron(expression, zone)
