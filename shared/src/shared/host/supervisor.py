"""Brings a whole topology up on one machine: Valkey, stand-in backends, every process, in that order."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shared.host.api import installed_apis
from shared.host.child_process import KeptChild
from shared.host.runtime import LOG_LEVEL_VARIABLE, STATE_VARIABLE, Runtime, own_state, write_runtime
from shared.host.sandbox_process import addresses_of, start_sandboxes, wanted_sandboxes
from shared.host.server import free_port, require_free, serving
from shared.host.topology import Topology, TopologyRefused

if TYPE_CHECKING:
    from shared.host.process import Process

T = TypeVar("T")

HOST = "127.0.0.1"
START_SECONDS = 90.0


@asynccontextmanager
async def running_topology(path: Path, topology: Topology, state: Path, port: int) -> AsyncGenerator[Runtime]:
    """Everything of a topology, alive for the length of the block; yields its addresses.

    Args:
        path: The topology file.
        topology: What it says.
        state: Where state is kept; one running topology per directory.
        port: Of the edge; everything else takes a free one. All listen on loopback only.

    Raises:
        PortTaken, SandboxesMissing, StateRefused, TopologyRefused: With a sentence that says what to do.
    """
    require_free(HOST, port)
    async with AsyncExitStack() as stack:
        stack.enter_context(own_state(state))
        sandboxes: dict[str, str] = {}
        starting = None
        if wanted_sandboxes(topology):
            child, file = await start_sandboxes(topology, state)
            stack.push_async_callback(child.stop)
            starting = asyncio.create_task(_kept(child, addresses_of(child, file)))
        if len(topology.processes) == 1:
            await asyncio.to_thread(_import_what_serves)  # while the stand-ins start on another core
        valkey = topology.valkey or await _embedded_valkey(stack, state)
        if starting is not None:
            sandboxes = await starting
        runtime = _runtime(path, topology, state, port, sandboxes, valkey)
        write_runtime(runtime)
        await _start_processes(stack, runtime, topology)
        yield runtime


async def _kept(child: KeptChild, up: Awaitable[T]) -> T:
    """Once a child is up, have it started again whenever it dies."""
    outcome = await up
    child.keep()
    return outcome


def _import_what_serves() -> None:
    import_module("shared.host.app")
    installed_apis()


async def _embedded_valkey(stack: AsyncExitStack, state: Path) -> str:
    from shared.host.embedded import EmbeddedValkey  # noqa: PLC0415 - see running_topology

    return (await stack.enter_async_context(EmbeddedValkey(state))).url


def _runtime(path: Path, topology: Topology, state: Path, port: int, sandboxes: dict[str, str], valkey: str) -> Runtime:
    urls: dict[str, str] = {}
    for name, placement in topology.processes.items():
        chosen = port if placement.edge else placement.port or free_port(HOST)
        urls[name] = placement.url or f"http://{HOST}:{chosen}"
    issuers = [urls[name] for name, placement in topology.processes.items() if placement.issuer]
    if not topology.issuer and len(issuers) != 1:
        raise TopologyRefused(f"{topology.name}: one process must say `issuer = true`, or `issuer` name another.")
    return Runtime(
        topology=str(path.resolve()),
        state=str(state.resolve()),
        processes=urls,
        issuer=topology.issuer or issuers[0],
        sandboxes=sandboxes,
        valkey=valkey,
        development=True,
    )


async def _start_processes(stack: AsyncExitStack, runtime: Runtime, topology: Topology) -> None:
    """One process runs right here; several get a process each."""
    names = list(topology.processes)
    if len(names) == 1:
        await stack.enter_async_context(running_process(runtime, names[0]))
        return
    ready: list[Coroutine[Any, Any, None]] = []
    for name in names:
        level = os.environ.get(LOG_LEVEL_VARIABLE, "warning")  # the terminal is the person's, not the processes'
        child = KeptChild(
            name, ["shared.host", "serve", name], {STATE_VARIABLE: runtime.state, LOG_LEVEL_VARIABLE: level}
        )
        await child.start()
        stack.push_async_callback(child.stop)
        ready.append(_kept(child, _until_ready(child, name, runtime.processes[name])))
    await asyncio.gather(*ready)


async def _until_ready(child: KeptChild, name: str, url: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    for _ in range(int(START_SECONDS / 0.02)):
        if child.status is not None:
            raise TopologyRefused(f"The process {name} ended with status {child.status}; see above for why.")
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise TopologyRefused(f"The process {name} does not listen at {url} after {START_SECONDS:.0f} seconds.")


@asynccontextmanager
async def running_process(runtime: Runtime, name: str) -> AsyncGenerator["Process"]:
    """One process of a topology, built, started and served for the length of the block."""
    from shared.host.app import build_app  # noqa: PLC0415 - see running_topology
    from shared.host.placement import Placement  # noqa: PLC0415
    from shared.host.process import Process  # noqa: PLC0415

    process = Process(runtime, Placement.of(runtime, name))
    host, _, port = runtime.processes[name].removeprefix("http://").partition(":")
    try:
        await process.start()
        async with serving(build_app(process), host, int(port)):
            yield process
            process.stop_waiting()
    finally:
        await process.stop()
