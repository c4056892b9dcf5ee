"""Two whole topologies side by side, each with stand-in backends of its own: all tiers in one process, and three."""

import asyncio
import runpy
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from shared.binding.call_context import CallContext, Principal
from shared.binding.client import http_client
from shared.binding.declare import Contract
from shared.binding.inline import inline_client
from shared.binding.openapi_examples import example_of
from shared.binding.operation import Operation
from shared.host.api import Api
from shared.host.call_graph import calls
from shared.host.placement import Placement
from shared.host.process import Process
from shared.host.runtime import Runtime
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import load_topology, process_of
from shared.resilience.wire_default import open_wire
from shared.security.authorisation import require_scope
from shared.security.issuer import Issuer

TESTS = Path(__file__).parents[1]
TOPOLOGIES = TESTS.parent / "deploy" / "topologies"


@dataclass
class Running:
    """A running topology and, in this process, an experience API that calls into it."""

    name: str
    runtime: Runtime
    process: Process
    caller: Api

    def __post_init__(self) -> None:
        self._wire = open_wire()

    def client(self, contract: type[Contract]) -> Any:
        """What the field-sales API would be given for a contract; a client of a person's own, where it calls none."""
        if contract in calls(self.caller):
            return self.process.peer(self.caller, contract)
        api = self.process.placement.api_of(contract)
        if api in self.process.placement.here:
            implementation = self.process.implementations[api]
            return inline_client(contract, implementation, self.process.inbound, partial(self._person, contract))
        url = self.runtime.processes[process_of(self.process.placement.topology, api)]
        return http_client(contract, url, self._wire, partial(self._token, contract))

    @property
    def _issuer(self) -> Issuer:
        assert self.process.issuer is not None
        return self.process.issuer

    def _person(self, contract: type[Contract], context: CallContext) -> Principal:
        """The caller as a person with a token for this API."""
        assert context.principal is not None
        scopes = context.principal.scopes & contract.scopes()
        return msgspec.structs.replace(context.principal, audience=contract.audience, scopes=scopes)

    async def _token(self, contract: type[Contract], context: CallContext, operation: Operation) -> str:
        person = self._person(contract, context)
        require_scope(person, operation.scope)
        return self._issuer.issue_for(person)

    async def principal(self, *, without: frozenset[str] = frozenset()) -> Principal:
        """A caller of the field-sales API who may do everything else, with a token this process has verified."""
        developer = "developer@localhost"
        every = frozenset[str]().union(*(api.contract.scopes() for api in self.process.placement.chosen))
        token = self._issuer.issue(
            developer, "documentation", self.caller.contract.audience, every - without, tier="gold"
        )
        return await self.process.verifier.verify(token, self.caller.contract.audience)

    async def context(self, **changes: Any) -> CallContext:
        """The context of a call by that caller."""
        return CallContext(principal=await self.principal(), correlation_id="conformance").replace(**changes)


async def start(stack: AsyncExitStack, name: str, state: Path) -> Running:
    """Bring a topology up, and build the process that holds its experience tier once more in this one."""
    path = state / f"{name}.toml"  # without subscriptions: an event would start flows between calls that are compared
    path.write_text("subscriptions = false\n" + (TOPOLOGIES / path.name).read_text())
    topology = load_topology(path)
    runtime = await stack.enter_async_context(running_topology(path, topology, state, free_port()))
    edge = next(process for process, placement in topology.processes.items() if placement.edge)
    process = Process(runtime, Placement.of(runtime, edge), journal="conformance.db")
    await wake(runtime, {api.backend for api in process.placement.chosen})
    await process.start()
    stack.push_async_callback(process.stop)
    caller = next(api for api in process.placement.chosen if api.contract.slug == "field_sales")
    running = Running(name, runtime, process, caller)
    stack.push_async_callback(running._wire.aclose)
    return running


async def wake(runtime: Runtime, backends: set[str]) -> None:
    """Have the stand-ins made that are made when they are first asked: no call that is compared has to wait for it."""
    async with httpx.AsyncClient(timeout=60.0) as http:
        for url in (url for name, url in runtime.sandboxes.items() if name in backends and url.startswith("http")):
            await http.get(f"{url}/__sandbox__/ledger")


@pytest.fixture(scope="session")
def running() -> type[Running]:
    """What calls into a process of a running topology."""
    return Running


@pytest.fixture(scope="session")
async def topologies(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Running]]:
    async with AsyncExitStack() as stack:
        states = {name: tmp_path_factory.mktemp(name) for name in ("fused", "split")}
        started = await asyncio.gather(*(start(stack, name, state) for name, state in states.items()))
        yield {running.name: running for running in started}


class Told:
    """The ids that answers told, by the field that held them: what a call can be made of that has no example."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, str]] = {}

    def note(self, operation: Operation, answer: Any) -> None:
        """Remember the ids in an answer; the first of a field stands."""
        for found in (self._ids.setdefault(operation.contract.slug, {}), self._ids.setdefault("", {})):
            _collect(msgspec.to_builtins(answer), found)

    def arguments(self, operation: Operation) -> tuple[Any, ...]:
        """A call of an operation: its documented example, with ids that answers told, of its own API first."""
        ids = {**self._ids.get("", {}), **self._ids.get(operation.contract.slug, {})}
        return tuple(_argument(parameter, ids) for parameter in operation.parameters)


def _argument(parameter: Any, ids: dict[str, str]) -> Any:
    if parameter.location == "query":
        return parameter.default
    example = example_of(parameter.type, parameter.wire_name)
    if parameter.location == "path":
        return ids.get(parameter.wire_name, example)
    return msgspec.convert(_with_ids(example, ids), parameter.type)


def _collect(told: Any, found: dict[str, str]) -> None:
    if isinstance(told, list):
        for inner in told:
            _collect(inner, found)
    elif isinstance(told, dict):
        for name, inner in told.items():
            if isinstance(inner, str) and (name.endswith("Id") or name == "sku"):
                found.setdefault(name, inner)
            else:
                _collect(inner, found)


def _with_ids(example: Any, ids: dict[str, str]) -> Any:
    if isinstance(example, list):
        return [_with_ids(inner, ids) for inner in example]
    if isinstance(example, dict):
        return {name: ids.get(name, _with_ids(inner, ids)) for name, inner in example.items()}
    return example


@pytest.fixture(scope="session")
def own_examples() -> dict[str, Any]:
    """What APIs say in an `examples.py` beside their tests, by qualified name."""
    files = sorted(TESTS.glob("*_apis/*/examples.py"))
    return {name: call for file in files for name, call in runpy.run_path(str(file))["EXAMPLES"].items()}


@pytest.fixture
def told() -> type[Told]:
    """Makes a memory of ids, for each topology one."""
    return Told
