"""`triptych up` and `triptych serve`: start, say what there is to look at, serve until told to stop."""

import asyncio
import gc
import json
import time
from pathlib import Path

from rich.console import Console

from shared.host.demonstration import order_and_tell
from shared.host.runtime import Runtime
from shared.host.server import until_stopped
from shared.host.supervisor import running_process, running_topology
from shared.host.topology import Topology
from shared.telemetry.setup import TelemetrySettings, start_telemetry

_console = Console(highlight=False)

COLLECT_AFTER = (10_000, 20, 100)
"""Allocations before the cycle collector looks (Python's own: 700, 10, 10). Kept traces and spans die by age, not
by cycles, so Python's thresholds walked all of them again and again: a third of the processor time under load."""


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
    gc.set_threshold(*COLLECT_AFTER)
    telemetry = start_telemetry(
        TelemetrySettings(service=f"triptych-{topology.name}", version="0.1.0", log_level="warning")
    )
    try:
        async with running_topology(path, topology, state, port) as runtime:
            gc.freeze()  # what start-up made stays as long as the process
            ready_ms = round((time.perf_counter() - began) * 1000)
            _announce(runtime, topology, ready_ms)
            if with_order:
                summary = await order_and_tell(runtime, _console, None)
                if once:
                    print(json.dumps({**summary, "ready_ms": ready_ms}))  # noqa: T201 - the promised last line
                    return 0 if summary["status"] == "completed" else 1
            _console.print("\nServing until Ctrl-C.")
            await until_stopped()
            _console.print("Stopping: requests finish, flows come to a step boundary …")
            return 0
    finally:
        telemetry.close()


async def serve_process(runtime: Runtime, process: str) -> int:
    """Run one process of a topology until SIGTERM; returns the exit status."""
    gc.set_threshold(*COLLECT_AFTER)
    telemetry = start_telemetry(TelemetrySettings(service=f"triptych-{process}", version="0.1.0", log_level="warning"))
    try:
        async with running_process(runtime, process):
            gc.freeze()  # what start-up made stays as long as the process
            await until_stopped()
        return 0
    finally:
        await asyncio.to_thread(telemetry.close)


def edge_url(runtime: Runtime, topology: Topology) -> str:
    """Where clients come in."""
    return next(runtime.processes[name] for name, placement in topology.processes.items() if placement.edge)


def _announce(runtime: Runtime, topology: Topology, ready_ms: int) -> None:
    edge = edge_url(runtime, topology)
    _console.print(f"[bold]Triptych[/] · topology {topology.name} · ready in {ready_ms / 1000:.2f} s\n")
    for name, url in runtime.processes.items():
        _console.print(f"  process   {name:<12} {url}")
    for name, url in runtime.sandboxes.items():
        _console.print(f"  stand-in  {name:<12} {url}", soft_wrap=True)
    _console.print(
        f"\n  all APIs       {edge}/\n  documentation  {edge}/docs\n  health         {edge}/health", soft_wrap=True
    )
