"""Schedules: flows that start by the clock.

    Schedule("nightly-prices", SyncPrices, "30 2 * * *", lambda at: SyncRequest(at.date()), zone="Europe/Berlin")

Each occurrence is a flow whose key holds its time, `nightly-prices:20261123T0130Z`, so any number of processes may
keep the same schedule and each occurrence still runs once. Nothing else is remembered: what was missed while nothing
ran is found by looking back.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import structlog

from shared.binding.call_context import CallContext
from shared.binding.problems import Problem
from shared.durable.cron import Cron
from shared.durable.flow import Flow, shape_of
from shared.durable.runner import FlowRunner

CatchUp = Literal["none", "latest", "all"]
"""Which occurrences that nobody started in time are started late: none, the last one, or every one in order."""

PUNCTUAL_SECONDS = 60.0
"""An occurrence found within this time was not missed."""

_LONGEST_PAUSE = 30.0  # seconds: what a changed system clock, or a machine that slept, may cost
_log = structlog.get_logger("triptych.durable")


@dataclass(frozen=True)
class Schedule:
    """When a flow starts.

    Attributes:
        name: Kebab case; the stem of the keys, so it stays.
        flow: What starts.
        cron: Five fields, see `Cron`.
        request: Makes the flow's request from the occurrence's time, in UTC.
        zone: Time zone of the expression.
        catch_up: See `CatchUp`.
        look_back: Seconds; what was missed longer ago is not caught up. A new schedule looks back too.
    """

    name: str
    flow: type[Flow[Any, Any]]
    cron: str
    request: Callable[[datetime], Any]
    zone: str = "UTC"
    catch_up: CatchUp = "latest"
    look_back: float = 86_400.0
    times: Cron = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ValueError for an expression or a zone that makes no sense."""
        object.__setattr__(self, "times", Cron(self.cron, self.zone))

    def key(self, at: datetime) -> str:
        """The business key of an occurrence."""
        return f"{self.name}:{at.astimezone(UTC):%Y%m%dT%H%MZ}"

    def due(self, after: datetime, now: datetime) -> list[datetime]:
        """The occurrences to start now, of those later than `after`."""
        found = self.times.between(after, now)
        if self.catch_up == "all":
            return found
        punctual = [at for at in found if now - at <= timedelta(seconds=PUNCTUAL_SECONDS)]
        return punctual or (found[-1:] if self.catch_up == "latest" else [])


class Scheduler:
    """Starts the flows of schedules while it runs.

    Args:
        runner: Runs them; it must have been given their flows.
        schedules: Names differ.
        clock: Unix seconds.
        pause: Seconds between two looks, at most.
    """

    def __init__(
        self, runner: FlowRunner, schedules: Sequence[Schedule], clock: Callable[[], float],
        pause: float = _LONGEST_PAUSE,
    ) -> None:  # fmt: skip
        self._runner = runner
        self._clock = clock
        self._pause = pause
        self._looked = {each: self._now() - timedelta(seconds=each.look_back) for each in schedules}
        self._loop: asyncio.Task[None] | None = None
        for each in schedules:
            if shape_of(each.flow).kind not in runner.kinds:
                raise TypeError(f"The schedule {each.name} starts {each.flow.__name__}, which its API does not run.")
        if len({each.name for each in schedules}) < len(schedules):
            raise TypeError("Two schedules of an API share a name; their flows would be taken for each other's.")

    def start(self) -> None:
        """Begin; what was missed is caught up first."""
        self._loop = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Start no more flows."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    async def look(self) -> float:
        """Start what is due; returns the seconds until the next occurrence, at most the longest pause."""
        now = self._now()
        for schedule, after in self._looked.items():
            for at in schedule.due(after, now):
                await self._begin(schedule, at)
            self._looked[schedule] = now
        following = [next(schedule.times.after(now), None) for schedule in self._looked]
        waits = [(at - self._now()).total_seconds() for at in following if at is not None]
        return max(0.0, min([*waits, self._pause]))

    async def _keep(self) -> None:
        while True:
            try:
                pause = await self.look()
            except Exception as error:  # noqa: BLE001 - a full disk or a request that cannot be made ends no schedule
                _log.error("schedule.failed", error=str(error) if isinstance(error, Problem) else type(error).__name__)
                pause = 1.0
            await asyncio.sleep(pause)

    async def _begin(self, schedule: Schedule, at: datetime) -> None:
        key = schedule.key(at)
        if await self._runner.latest(key) is None:  # one that was refused counts too: an occurrence has one chance
            await self._runner.submit(
                schedule.flow, key, schedule.request(at), context=CallContext(), priority="batch"
            )  # fmt: skip

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
