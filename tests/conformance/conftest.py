"""Two whole topologies side by side, each with stand-in backends of its own: all tiers in one process, and three."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.binding.call_context import CallContext, Principal
from shared.binding.declare import Contract
from shared.host.api import Api
from shared.host.process import Placement, Process
from shared.host.runtime import Runtime
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.tokens import development_token
from shared.host.topology import load_topology

TOPOLOGIES = Path(__file__).parents[2] / "deploy" / "topologies"


@dataclass
class Running:
    """A running topology and, in this process, an experience API that calls into it."""

    name: str
    runtime: Runtime
    process: Process
    caller: Api

    def client(self, contract: type[Contract]) -> Any:
        """What the field-sales API would be given for a contract."""
        return self.process.peer(self.caller, contract)

    async def principal(self, *, without: frozenset[str] = frozenset()) -> Principal:
        """A caller of the field-sales API, with a token this process has verified."""
        if not without:
            token = development_token(self.runtime, "field_sales")
        else:
            assert self.process.issuer is not None
            known = await self.principal()
            token = self.process.issuer.issue_for(
                Principal(
                    known.subject,
                    known.client_id,
                    known.audience,
                    known.scopes - without,
                    known.expires_at,
                    known.issuer,
                )
            )
        return await self.process.verifier.verify(token, self.caller.contract.audience)

    async def context(self, **changes: Any) -> CallContext:
        """The context of a call by that caller."""
        return CallContext(principal=await self.principal(), correlation_id="conformance").replace(**changes)


async def start(stack: AsyncExitStack, name: str, state: Path) -> Running:
    """Bring a topology up, and build the process that holds its experience tier once more in this one."""
    path = TOPOLOGIES / f"{name}.toml"
    topology = load_topology(path)
    runtime = await stack.enter_async_context(running_topology(path, topology, state, free_port()))
    edge = next(process for process, placement in topology.processes.items() if placement.edge)
    process = Process(runtime, Placement.of(runtime, edge), journal="conformance.db")
    await process.start()
    stack.push_async_callback(process.stop)
    caller = next(api for api in process.placement.chosen if api.contract.slug == "field_sales")
    return Running(name, runtime, process, caller)


@pytest.fixture(scope="session")
async def topologies(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Running]]:
    async with AsyncExitStack() as stack:
        states = {name: tmp_path_factory.mktemp(name) for name in ("fused", "split")}
        started = await asyncio.gather(*(start(stack, name, state) for name, state in states.items()))
        yield {running.name: running for running in started}
