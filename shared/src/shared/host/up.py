"""`triptych up` and `triptych serve`: start, say what there is to look at, serve until told to stop."""

import asyncio
import gc
import json
import os
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from shared.host.runtime import LOG_LEVEL_VARIABLE, VERSION, Runtime
from shared.host.server import stop_signal, until_stopped
from shared.host.supervisor import running_process, running_topology
from shared.host.topology import Topology, TopologyRefused, edge_url
from shared.telemetry.logging import Level
from shared.telemetry.setup import TelemetrySettings, start_telemetry

COLLECT_AFTER = (10_000, 20, 100)
"""Allocations before the cycle collector looks (Python's own: 700, 10, 10). Kept traces and spans die by age, not
by cycles, so Python's thresholds walked all of them again and again: a third of the processor time under load."""


OURS_ALONE = 0o077
"""What others on this machine may do with the files we make (keys, journal, stand-ins' records): nothing."""


async def bring_up(
    path: Path, topology: Topology, state: Path, port: int, *, with_order: bool, once: bool, began: float
) -> int:
    """Run a topology; returns the exit status.

    Args:
        path: The topology file.
        topology: What it says.
        state: The state directory.
        port: Of the edge.
        with_order: Place one order and tell what happened.
        once: End after that; the last line is its summary in JSON.
        began: `time.perf_counter()` when the command began.
    """
    os.umask(OURS_ALONE)
    gc.set_threshold(*COLLECT_AFTER)
    telemetry = start_telemetry(
        TelemetrySettings(service=f"triptych-{topology.name}", version=VERSION, log_level=_log_level("warning"))
    )
    summary: dict[str, Any] = {}
    try:
        async with running_topology(path, topology, state, port) as runtime:
            gc.freeze()  # what start-up made stays as long as the process
            ready_ms = round((time.perf_counter() - began) * 1000)
            _announce(runtime, topology, ready_ms)
            if with_order:
                summary = {**await _order(runtime), "ready_ms": ready_ms}
            if not once:
                stop = stop_signal()  # before anybody is told about Ctrl-C
                click.echo("\nServing until Ctrl-C.")
                await stop.wait()
    finally:
        telemetry.close()
    if not once:
        return 0
    click.echo(json.dumps(summary))  # the promised last line: everything has ended, nothing can follow it
    return 0 if summary["status"] == "completed" else 1


async def serve_process(runtime: Runtime, process: str) -> int:
    """Run one process of a topology until SIGTERM; returns the exit status."""
    os.umask(OURS_ALONE)
    gc.set_threshold(*COLLECT_AFTER)
    telemetry = start_telemetry(
        TelemetrySettings(service=f"triptych-{process}", version=VERSION, log_level=_log_level("info"))
    )
    try:
        async with running_process(runtime, process):
            gc.freeze()  # what start-up made stays as long as the process
            await until_stopped()
        return 0
    finally:
        await asyncio.to_thread(telemetry.close)


async def _order(runtime: Runtime) -> dict[str, Any]:
    from shared.host.demonstration import order_and_tell  # noqa: PLC0415 - the suite is ready before it is loaded

    return await order_and_tell(runtime, None)


def _announce(runtime: Runtime, topology: Topology, ready_ms: int) -> None:
    edge = edge_url(runtime.processes, topology)
    click.echo(f"{click.style('Triptych', bold=True)} is ready after {ready_ms / 1000:.1f} s. {topology.summary}\n")
    shown = {"APIs": f"{edge}/", "documentation": f"{edge}/docs", "health": f"{edge}/health"}
    for label, url in shown.items():
        click.echo(f"  {label:<14} {click.style(url, fg='cyan')}")
    if len(runtime.processes) > 1:
        _list("processes", runtime.processes)
    _list("stand-ins", runtime.sandboxes)


def _list(label: str, urls: dict[str, str]) -> None:
    width = max(map(len, urls), default=0)
    for name, url in urls.items():
        click.echo(f"  {label:<14} {name:<{width}} {url}")
        label = ""


def _log_level(usual: Level) -> Level:
    """`$TRIPTYCH_LOG_LEVEL`, or what is usual; a level nobody knows is refused in one line."""
    wanted = os.environ.get(LOG_LEVEL_VARIABLE, usual)
    try:
        return msgspec.convert(wanted, Level)
    except msgspec.ValidationError:
        raise TopologyRefused(
            f"{LOG_LEVEL_VARIABLE}={wanted!r} is no level; use debug, info, warning or error."
        ) from None
