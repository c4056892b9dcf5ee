"""Drift at start warns and counts; it never stops a process, nor holds it up for longer than it is told."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from shared.binding.call_context import current_context
from shared.binding.problems import BackendUnavailable
from shared.governance.drift import Finding
from shared.host.drift_watch import DriftWatch
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import DriftCheck, load_topology
from shared.telemetry.metrics import exposition

FINDING = Finding(
    subject="Order.Ref__c",
    drift="missing-field",
    detail="It is not there.",
    operations=("record_order",),
    advice="Create it.",
)


class Guard:
    """A guard that takes its time, and then finds this or raises that."""

    def __init__(self, found: Sequence[Finding] | Exception = (), seconds: float = 0.0) -> None:
        self._found, self._seconds = found, seconds
        self.asked = 0
        self.priority = ""

    async def findings(self) -> Sequence[Finding]:
        self.asked += 1
        self.priority = current_context().priority
        await asyncio.sleep(self._seconds)
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def drift_metric(api: str, breaking: str) -> str:
    lines = exposition("")[0].decode().splitlines()
    return next(line.split()[-1] for line in lines if f'api="{api}",breaking="{breaking}"' in line)


async def test_readiness_waits_for_the_findings_if_it_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    watch = DriftWatch({"waited": Guard([FINDING])}, DriftCheck(wait=5))
    await watch.start()
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "drift.found" in line]
    for words in ("Order.Ref__c", "missing-field", "record_order", "Create it."):
        assert words in said
    assert (drift_metric("waited", "true"), drift_metric("waited", "false")) == ("1.0", "0.0")
    await watch.aclose()


async def test_readiness_waits_no_longer_than_it_is_told_to() -> None:
    began = time.perf_counter()
    watch = DriftWatch({"slow": Guard(seconds=30)}, DriftCheck(wait=0.05))
    await watch.start()
    await watch.aclose()
    assert time.perf_counter() - began < 25


async def test_looking_spends_an_allowance_after_everybody_who_waits_for_an_answer() -> None:
    guard = Guard()
    watch = DriftWatch({"last": guard}, DriftCheck(wait=5))
    await watch.start()
    assert (guard.priority, current_context().priority) == ("batch", "interactive")
    await watch.aclose()


async def test_by_default_the_start_is_left_alone() -> None:
    guard = Guard([FINDING])
    watch = DriftWatch({"later": guard}, DriftCheck())
    await watch.start()
    await asyncio.sleep(0.01)
    assert guard.asked == 0
    await watch.aclose()


async def test_a_process_can_be_told_not_to_look() -> None:
    guard = Guard([FINDING])
    watch = DriftWatch({"never": guard}, DriftCheck(at_start=False, wait=5))
    await watch.start()
    await watch.aclose()
    assert guard.asked == 0


@pytest.mark.parametrize(
    ("trouble", "event"), [(BackendUnavailable("It is away."), "drift.unknown"), (KeyError("x"), "drift.defect")]
)
async def test_a_backend_that_cannot_be_asked_is_a_warning_and_the_next_one_is_asked(
    trouble: Exception, event: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Guard()
    watch = DriftWatch({"away": Guard(trouble), "there": other}, DriftCheck(wait=5))
    await watch.start()
    assert event in capsys.readouterr().err
    assert other.asked == 1
    await watch.aclose()


async def test_a_suite_that_waits_for_the_findings_is_ready_with_their_number(tmp_path: Path) -> None:
    fused = (Path(__file__).parents[3] / "deploy" / "topologies" / "fused.toml").read_text()
    topology = tmp_path / "guarded.toml"
    topology.write_text(f"{fused}\n[drift]\nwait = 30.0\n")
    async with (
        running_topology(topology, load_topology(topology), tmp_path / "state", free_port()) as runtime,
        httpx.AsyncClient(base_url=runtime.processes["suite"]) as client,
    ):
        metrics = (await client.get("/metrics")).text
    assert 'triptych_backend_drift{api="crm",breaking="true"} 0.0' in metrics
