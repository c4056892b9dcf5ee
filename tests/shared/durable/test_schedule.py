"""Scheduled flows start once each, late if need be, however many processes keep the schedule."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.problems import Refused
from shared.durable.flow import Flow
from shared.durable.runner import FlowRunner
from shared.durable.schedule import Schedule, Scheduler
from shared.durable.sqlite.journal import SqliteJournal


class Day(msgspec.Struct, frozen=True):
    """For when."""

    at: datetime


class Sync(Flow[Day, str], version=1):
    async def run(self, request: Day) -> str:
        if request.at.day == 13:
            raise Refused("not on the thirteenth")
        return request.at.isoformat()


class Unknown(Flow[Day, str], version=1):
    async def run(self, request: Day) -> str:
        return ""


class SetClock:
    def __init__(self, text: str) -> None:
        self.at = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += seconds


def nightly(**options: Any) -> Schedule:
    return Schedule("nightly", Sync, "30 2 * * *", Day, **options)


@pytest.fixture
async def runner(start: Callable[..., Any]) -> FlowRunner:
    return await start(Sync)


async def begun(runner: FlowRunner) -> list[str]:
    return sorted(view.flow_id.removeprefix("nightly:") for view in (await runner.page())[0])


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("none", []),
        ("latest", ["20260310T0230Z"]),
        ("all", ["20260308T0230Z", "20260309T0230Z", "20260310T0230Z"]),
    ],
)
async def test_what_was_missed_is_caught_up_as_the_rule_says(
    runner: FlowRunner, catch_up: Any, expected: list[str]
) -> None:
    clock = SetClock("2026-03-10T09:00")
    await Scheduler(runner, [nightly(catch_up=catch_up, look_back=3 * 86_400)], clock).look()
    assert await begun(runner) == expected


async def test_each_occurrence_starts_once_in_its_zone(runner: FlowRunner) -> None:
    clock = SetClock("2026-03-28T00:00")
    schedule = nightly(zone="Europe/Berlin", catch_up="none")
    schedulers = [Scheduler(runner, [schedule], clock) for _ in range(3)]
    for _ in range(3 * 24 * 2):
        await asyncio.gather(*(scheduler.look() for scheduler in schedulers))
        clock.advance(1800)
    assert await begun(runner) == ["20260328T0130Z", "20260329T0100Z", "20260330T0030Z"]


async def test_a_restart_repeats_nothing_not_even_a_refusal(runner: FlowRunner) -> None:
    clock = SetClock("2026-03-13T03:00")
    for _ in range(3):
        await Scheduler(runner, [nightly()], clock).look()
        assert (await runner.result("nightly:20260313T0230Z", 60)).state == "refused"
    assert await begun(runner) == ["20260313T0230Z"]


async def test_a_machine_that_slept_goes_on_with_the_latest(runner: FlowRunner) -> None:
    clock = SetClock("2026-03-01T00:00")
    scheduler = Scheduler(runner, [nightly(look_back=0.0)], clock)
    await scheduler.look()
    clock.advance(4 * 86_400)
    await scheduler.look()
    assert await begun(runner) == ["20260304T0230Z"]


async def test_it_wakes_for_the_next_occurrence(runner: FlowRunner) -> None:
    clock = SetClock("2026-03-01T02:29:50")
    scheduler = Scheduler(runner, [nightly(look_back=0.0)], clock)
    assert await scheduler.look() == pytest.approx(10)
    clock.advance(11)
    assert await scheduler.look() == 30


async def test_a_journal_that_refuses_for_a_while_costs_no_occurrence(
    journal: SqliteJournal, runner: FlowRunner, monkeypatch: Any
) -> None:
    clock = SetClock("2026-03-01T02:30:01")
    scheduler = Scheduler(runner, [nightly(catch_up="none")], clock, pause=0.01)
    failing = [OSError("disk")]
    latest = runner.latest

    async def sometimes(key: str) -> Any:
        if failing:
            raise failing.pop()
        return await latest(key)

    monkeypatch.setattr(runner, "latest", sometimes)
    scheduler.start()
    await eventually(lambda: begun(runner))
    await scheduler.stop()
    assert await begun(runner) == ["20260301T0230Z"]


async def test_a_schedule_of_a_flow_that_nobody_runs_is_refused(runner: FlowRunner) -> None:
    with pytest.raises(TypeError, match="does not run"):
        Scheduler(runner, [Schedule("other", Unknown, "0 0 * * *", Day)], SetClock("2026-03-01T00:00"))
    with pytest.raises(TypeError, match="share a name"):
        Scheduler(runner, [nightly(), nightly(zone="Europe/Berlin")], SetClock("2026-03-01T00:00"))
    with pytest.raises(ValueError, match="fields"):
        Schedule("broken", Sync, "nonsense", Day)
