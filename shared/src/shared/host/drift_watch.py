"""Drift at start: each process looks once whether its backends are as its APIs need them, and warns of what is not."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from shared.binding.call_context import CallContext, enter
from shared.binding.problems import Problem
from shared.governance.drift import DriftGuard, Finding
from shared.host.topology import DriftCheck
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import gauge

_log = get_logger("drift")
_drift = gauge(
    "triptych_backend_drift",
    "Differences between a backend and what our APIs need of it, by whether they break operations.",
    ("api", "breaking"),
)


class DriftWatch:
    """Looks in the background; what it finds, or cannot find out, never stops a process.

    Args:
        guards: By API.
        when: Whether and when to look.
    """

    def __init__(self, guards: Mapping[str, DriftGuard], when: DriftCheck) -> None:
        self._guards = guards
        self._when = when
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look; returns at once, or with the findings if readiness waits for them, but not for ever."""
        if not self._guards or not self._when.at_start:
            return
        self._looking = asyncio.create_task(self._look(0.0 if self._when.wait else self._when.after))
        if self._when.wait:
            await asyncio.wait([self._looking], timeout=self._when.wait)

    async def aclose(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look(self, delay: float) -> None:
        await asyncio.sleep(delay)
        enter(CallContext(priority="batch"))  # in this task alone: whoever waits for an answer goes first
        for api, guard in self._guards.items():
            try:
                tell_drift(api, await guard.findings())
            except Problem as problem:
                _log.warning("drift.unknown", api=api, detail=str(problem))
            except Exception:  # noqa: BLE001 - told as the defect it is; the process serves all the same
                _log.exception("drift.defect", api=api)


def tell_drift(api: str, findings: Sequence[Finding]) -> None:
    """One warning for each finding, and how many there are as a metric."""
    for finding in findings:
        _log.warning(
            "drift.found",
            api=api,
            subject=finding.subject,
            drift=finding.drift,
            detail=finding.detail,
            operations=list(finding.operations),
            advice=finding.advice,
            breaking=finding.breaking,
        )
    breaking = sum(each.breaking for each in findings)
    _drift.set(breaking, api, "true")
    _drift.set(len(findings) - breaking, api, "false")
