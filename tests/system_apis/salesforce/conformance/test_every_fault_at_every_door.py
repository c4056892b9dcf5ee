"""Every fault at every door of the org ends in the right problem or in recovery; nothing is written twice or lost."""

import asyncio
import itertools
import re
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from salesforce_doors.door import Door, World
from salesforce_doors.faults import FAULTS
from salesforce_doors.table import TABLE, At, Ends, Never, Recovers

from sandboxes.company import company
from shared.binding.call_context import CallContext, calling
from shared.binding.problems import Problem
from shared.contracts.system.salesforce_events import ChangeEvent
from system_apis.salesforce import faults
from system_apis.salesforce.events import bayeux, cometd, refusals

SECONDS = 1.5
"""Of a caller, and of a poll, when no answer comes."""
GAPS: dict[str, Any] = {
    "gap": ("GAP_UPDATE", "records", [company().customers[0].salesforce_id]),
    "overflow": ("GAP_OVERFLOW", "object", []),
}
"""What is told instead of a change, what has to be read again, and which records if they are known."""
_numbers = itertools.count()


def cells() -> Iterator[Any]:
    for kind, row in TABLE.items():
        for fault, cell in row.items():
            points = list(kind.points) if FAULTS[fault].at_a_point and kind.points else [""]
            for point in points:
                one = cell.points[point] if isinstance(cell, At) else cell
                if not isinstance(one, Never) and fault not in GAPS:
                    yield pytest.param(kind, fault, point, one, id="-".join(filter(None, (kind.name, fault, point))))


@pytest.mark.parametrize(("kind", "fault", "point", "cell"), list(cells()))
async def test_cell(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: type[Door], fault: str, point: str, cell: Recovers | Ends
) -> None:
    for module in (faults, refusals, bayeux):
        monkeypatch.setattr(module, "LIMIT_PAUSE_SECONDS", 0.05)
    slow = fault == "slow"
    if slow:
        monkeypatch.setattr(cometd, "_POLL_SECONDS", SECONDS)
    door = kind(world.with_settings(**kind.quick) if slow else world, f"F{next(_numbers)}")
    trial = Trial(door, fault, point)
    hurried = calling(CallContext(deadline=time.monotonic() + SECONDS)) if slow and not kind.quick else nullcontext()
    try:
        await trial.begin()
        if isinstance(cell, Recovers):
            with hurried:
                await door.work(trial.midway)
            await trial.check_struck()
        else:
            with hurried, pytest.raises(Problem) as refused:
                await door.work(trial.midway)
            await trial.check_struck()
            await heal(world.org)
            await check_problem(door, refused.value, cell)
            await door.go_on()
        await heal(world.org)
        found = list(await door.found())
        if isinstance(cell, Recovers) and cell.told:
            assert all(re.fullmatch(*each) for each in zip(cell.told, found, strict=True)), found
        else:
            assert found == list(door.wanted)
    finally:
        await door.aclose()


class Trial:
    """One fault at one door."""

    def __init__(self, door: Door, fault: str, point: str) -> None:
        self._door, self._fault, self._name = door, FAULTS[fault], fault
        self._point = door.points.get(point)
        self._early = door.all_at_start or (self._point is not None and self._point.at_start)
        self._since = ""
        self._done = False

    async def begin(self) -> None:
        if self._early:
            await self._inflict()

    async def midway(self) -> None:
        if not self._done:
            await self._inflict()

    async def _inflict(self) -> None:
        self._done = True
        self._since = datetime.now(UTC).isoformat()
        await self._fault.inflict(self._door, self._point)

    async def check_struck(self) -> None:
        """Nothing is proved by a fault that never struck."""
        assert self._done
        if self._name == "row-locked":
            assert await self._door.world.org.control("unlock-rows") == {"left": 0}
        if not self._fault.at_a_point:
            return
        org = self._door.world.org
        if self._point is None:
            left = await org.control("pubsub-faults")
            assert not left or left[0]["times"] == 0 or self._name == "outage", left
        elif self._name != "slow":  # which is still under way
            async with asyncio.timeout(60):  # a request is in the log when the org has let go of it
                while not await self._in_log():  # noqa: ASYNC110 - the log is over there
                    await asyncio.sleep(0.01)

    async def _in_log(self) -> bool:
        recent = await self._door.world.org.recent()
        return any(each["fault"] and each["at"] >= self._since for each in recent)


async def heal(org: Any) -> None:
    await org.heal()
    await org.control("pubsub-faults")
    await org.control("limits", used=0)


async def check_problem(door: Door, problem: Problem, cell: Ends) -> None:
    assert isinstance(problem, cell.kind), repr(problem)
    assert (problem.extensions.get("outcome") == "unknown") == cell.unknown, problem.details()
    assert "<" not in problem.detail
    found = list(await door.found())
    assert len(set(found)) == len(found), "something is there twice"
    assert set(found) <= set(door.wanted)
    if door.writes_at_once and not cell.unknown:
        assert found == [], "the problem says that nothing was written"


@pytest.mark.parametrize("fault", GAPS)
@pytest.mark.parametrize("kind", [kind for kind, row in TABLE.items() if not isinstance(row["gap"], Never)])
async def test_gap(world: World, kind: type[Any], fault: str) -> None:
    door = kind(world, "gap")
    try:
        await FAULTS[fault].inflict(door, None)
        (event,) = await door.changes()
        told = msgspec.json.decode(event.payload, type=ChangeEvent)
        name, reread, ids = GAPS[fault]
        assert (told.kind, told.reread, told.fields) == (name, reread, {})
        assert not ids or told.record_ids == ids
    finally:
        await door.aclose()


def test_the_table_is_complete() -> None:
    for kind, row in TABLE.items():
        assert row.keys() == FAULTS.keys(), f"{kind.name} lacks {FAULTS.keys() ^ row.keys()}"
        for fault, cell in row.items():
            if isinstance(cell, At):
                assert FAULTS[fault].at_a_point
                assert cell.points.keys() == kind.points.keys(), (kind.name, fault)
            for one in cell.points.values() if isinstance(cell, At) else [cell]:
                assert not isinstance(one, Never) or len(one.reason) > 15, (kind.name, fault)
