"""The suite as a process of its own with its output kept, seen through a socket that sends exactly what it is told."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from eventually import eventually

from sandboxes.company import company
from shared.binding.declare import Contract
from shared.binding.operation import Operation
from shared.host.api import installed_apis
from shared.host.runtime import Runtime, read_runtime
from shared.host.server import free_port
from shared.host.topology import chosen_apis, load_topology
from shared.security.issuer import Issuer
from shared.security.signature import signed_headers
from shared.security.signing_keys import SigningKeys

FUSED = Path(__file__).parents[2] / "deploy" / "topologies" / "fused.toml"
URLS = [str(section.get("url", "")) for section in load_topology(FUSED).backends.values()]
HTTP_BACKENDS = {url.partition(":")[2] for url in URLS} - {"warehouse"}
CONTRACTS: dict[str, type[Contract]] = {api.contract.slug: api.contract for api in installed_apis()}
CHOSEN = chosen_apis(load_topology(FUSED), installed_apis())
BACKEND_OF = {api.contract.slug: api.vendor for api in CHOSEN if api.tier == "system" and api.vendor in HTTP_BACKENDS}
DECLARED = {o.qualified_name: o for contract in CONTRACTS.values() for o in contract.operations.values()}
OPERATIONS = {name: operation for name, operation in DECLARED.items() if not operation.signed}
WEBHOOKS = {name: operation for name, operation in DECLARED.items() if operation.signed}
SIGNED_BY = {api.contract.slug: api for api in CHOSEN if api.service.signature}
PLAIN = company().quotes_for("plain")[-1]
CUSTOMER = company().customer_by_number[PLAIN.customer]
REAL = {
    "sku": company().products[0].sku,
    "quoteId": PLAIN.salesforce_id,
    "customerId": CUSTOMER.salesforce_id,
    "erpNumber": CUSTOMER.sap_customer,
    "currency": CUSTOMER.currency,
    "channel": "orders",
}
"""Records that exist, by the field that names them, so that a call which got through would do something."""
HEALTHY = 4
"""Good answers of each backend that outweigh the two failures of one case in a circuit breaker's window."""
FITTING = ("A1", "EUR", "DE", "1", "2026-11-23", "2026-11-23T10:00:00Z", "x" * 16)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `operation` runs for every operation of every installed contract that a token opens.

    One that asks for `signed_operation` runs for every one that a signature opens.
    """
    if "signed_operation" in metafunc.fixturenames:
        metafunc.parametrize("signed_operation", WEBHOOKS.values(), ids=WEBHOOKS)
    if "operation" in metafunc.fixturenames:
        metafunc.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
    if "slug" in metafunc.fixturenames:
        metafunc.parametrize("slug", BACKEND_OF)
    if "body_operation" in metafunc.fixturenames:
        found = {name: operation for name, operation in OPERATIONS.items() if operation.body}
        metafunc.parametrize("body_operation", found.values(), ids=found)


@dataclass
class Answer:
    """One HTTP answer as it came."""

    status: int
    pairs: list[tuple[str, str]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers.get("content-type") == "application/problem+json", (self.status, self.headers, self.body)
        found = json.loads(self.body)
        assert found["status"] == self.status
        assert found["type"].startswith("/problems/")
        assert found["detail"]
        return found


async def read_answer(reader: asyncio.StreamReader, *, head: bool = False) -> Answer:
    """The next answer on a connection; IncompleteReadError when it closes instead."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines if line)]
    status = int(start.split()[1])
    if status == 100:  # "go on", which is no answer yet
        return await read_answer(reader, head=head)
    length = int(dict(pairs).get("content-length", "0")) if not head and status not in (204, 304) else 0
    return Answer(status, pairs, await reader.readexactly(length))


@dataclass
class Suite:
    """A running suite and what came out of it."""

    runtime: Runtime
    output: Path
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    came_out: bytearray = field(default_factory=bytearray)
    backdoor: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=60.0))
    slow_header: asyncio.Task[bytes] | None = None
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
    struck: set[str] = field(default_factory=set)

    @property
    def edge(self) -> str:
        return self.runtime.processes["suite"]

    @property
    def port(self) -> int:
        return int(self.edge.rpartition(":")[2])

    @property
    def state(self) -> Path:
        return Path(self.runtime.state)

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.runtime.issuer, SigningKeys(self.state / "issuer"))

    def token(
        self, operation: Operation, *, scopes: Iterable[str] | None = None, audience: str = "", age: float = 0
    ) -> str:
        """By default the right one; `age` seconds ago it was issued, for ten minutes."""
        issuer, client = self.issuer, f"security-{operation.qualified_name}"
        now = issuer.clock
        issuer.clock = lambda: now() - age
        granted = set(scopes) if scopes is not None else everything()
        return issuer.issue("ada", client, audience or operation.contract.audience, granted, tier="internal")

    def signed(self, operation: Operation, body: bytes, *, secret: str = "", **parts: Any) -> list[tuple[str, str]]:
        """The headers of its sender, by default with the secret that this suite holds."""
        api = SIGNED_BY[operation.contract.slug]
        kept = str(load_topology(FUSED).backends[api.backend]["webhook_secret"]).removeprefix("file:{state}/")
        scheme = api.service.signature
        assert scheme is not None
        parts = {"message_id": "m-1", "topic": "orders/create", **parts}
        return list(signed_headers(scheme, secret or (self.state / kept).read_text(), body, **parts).items())

    async def ask(self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Answer:
        """Send one request, byte for byte, on a connection that may have been used before."""
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        if not any(name.lower() == "host" for name, _ in headers):
            lines.insert(1, f"Host: 127.0.0.1:{self.port}")
        lines.append(f"Content-Length: {len(body)}")
        async with self.places, asyncio.timeout(90):
            return await self._exchange("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body, method)

    async def _exchange(self, sent: bytes, method: str) -> Answer:
        while True:
            fresh = not self.idle
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(sent)
                answer = await read_answer(reader, head=method == "HEAD")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                if fresh:
                    raise
                continue
            self.idle.append((reader, writer))
            self.came_out += repr((answer.pairs, answer.body)).encode()
            return answer

    async def call(self, operation: Operation, token: str | None, document: Any = None, **path: str) -> Answer:
        """Call an operation with an example of everything it needs."""
        headers = [("authorization", f"Bearer {token}")] if token is not None else []
        body = json.dumps(example(operation) if document is None else document).encode() if operation.body else b""
        return await self.ask(operation.method, target(operation, **path), [*headers, *DOCUMENT], body)

    async def raw(self, sent: bytes, seconds: float = 2.0, answers: int = 0) -> bytes:
        """Everything a fresh connection says to these bytes, until it closes or, after so many answers, is silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        said = bytearray()
        try:
            writer.write(sent)
            while chunk := await asyncio.wait_for(
                reader.read(65_536), seconds if said.count(b"HTTP/1.") >= answers else 60.0
            ):
                said += chunk
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        self.came_out += said
        return bytes(said)

    async def sandbox(self, name: str, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.runtime.sandboxes[name]}/__sandbox__/{path}"
        answer = await self.backdoor.request(method, url, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def fault(self, name: str, **fault: Any) -> None:
        self.struck.add(name)
        await self.sandbox(name, "POST", "faults", {"method": "*", "path": "*", "times": None, **fault})

    async def calm(self) -> None:
        """End all failures."""
        for name in self.struck:
            await self.sandbox(name, "DELETE", "faults")

    async def heal(self) -> None:
        """End all failures and show every circuit that saw one enough good answers to be closed, and to stay so."""
        await self.calm()
        for slug in (slug for slug, backend in BACKEND_OF.items() if backend in self.struck):
            reads = [operation for operation in CONTRACTS[slug].operations.values() if operation.safe]
            # one that names nothing: an id may be refused before its backend is asked
            operation, good = (
                min(reads, key=lambda read: (read.method, sum(p.location == "path" for p in read.parameters))),
                0,
            )
            query = "?limit=1" if any(p.name == "limit" for p in operation.parameters) else ""
            headers = [("authorization", f"Bearer {self.token(operation)}")]
            body = json.dumps(example(operation)).encode() if operation.body else b""
            headers += DOCUMENT[:1] if body else []
            for _ in range(600):
                answer = await self.ask(operation.method, target(operation) + query, headers, body)
                good = good + 1 if answer.status < 500 else 0
                if good == HEALTHY:
                    break
                await asyncio.sleep(0 if good else 0.1)
            assert good == HEALTHY, answer.body
        self.struck.clear()

    @property
    def http_sandboxes(self) -> list[str]:
        return [name for name, url in self.runtime.sandboxes.items() if url.startswith("http")]

    async def books(self) -> dict[str, Any]:
        """Everything that stands in every backend, by its own books."""
        found: dict[str, Any] = {name: await self.sandbox(name, "GET", "ledger") for name in self.http_sandboxes}
        with sqlite3.connect(self.runtime.sandboxes["warehouse"].removeprefix("sqlite://")) as database:
            for table in ("reservation", "shipment"):
                found[table] = database.execute(f"SELECT * FROM {table}").fetchall()
        return found


DOCUMENT = [("content-type", "application/json"), ("prefer", "respond-async")]


def everything() -> set[str]:
    """Every scope there is."""
    return {scope for contract in CONTRACTS.values() for scope in contract.scopes()}


def target(operation: Operation, **path: str) -> str:
    """The operation's path; parameters that are not given name nothing that exists."""
    fill = {
        p.wire_name: quote(str(example_of({"type": "string"}, {}, p.wire_name)), safe="") for p in operation.parameters
    }
    return operation.path.format_map({**fill, **path})


def example(operation: Operation) -> Any:
    """A document that the operation's schema accepts."""
    assert operation.body is not None
    (schema,), components = msgspec.json.schema_components([operation.body.type])
    return example_of(schema, components)


def unreal(operation: Operation) -> Any:
    """The same document for a quote that does not exist, so that no order comes of it."""
    return json.loads(json.dumps(example(operation)).replace(REAL["quoteId"], "A1")) if operation.body else None


def example_of(schema: dict[str, Any], components: dict[str, Any], name: str = "") -> Any:
    """Something that fits a JSON schema."""
    if reference := schema.get("$ref"):
        return example_of(components[reference.rpartition("/")[2]], components, name)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return example_of(next(c for c in choices if c.get("type") != "null"), components, name)
    if "enum" in schema:
        return schema["enum"][0]
    if declared := schema.get("examples"):
        return declared[0]
    match schema.get("type"):
        case "object":
            fields: dict[str, Any] = schema.get("properties", {})
            return {key: example_of(inner, components, key) for key, inner in fields.items()}
        case "array":
            return [example_of(schema.get("items", {}), components, name)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return _string(schema, name)


def _string(schema: dict[str, Any], name: str) -> str:
    formats = {"decimal": "1", "date": "2026-11-23", "date-time": "2026-11-23T10:00:00Z"}
    if schema.get("format") in formats:
        return formats[schema["format"]]
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 1000)
    for candidate in (REAL.get(name, "A1"), *FITTING):
        if shortest <= len(candidate) <= longest and re.search(schema.get("pattern", ""), candidate):
            return candidate
    raise AssertionError(f"Nothing here fits {schema} of {name}; give the field Meta(examples=[…]).")


@pytest.fixture(scope="session")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    directory = tmp_path_factory.mktemp("security")
    state, output, port = directory / "state", directory / "output.log", free_port()
    with output.open("wb") as file:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shared.host", "up", "fused", "--port", str(port), "--state", str(state),
            cwd=FUSED.parents[2], stdout=file, stderr=file, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
    try:
        await eventually(lambda: b"Serving" in output.read_bytes() or child.returncode is not None, every=0.1)
        assert child.returncode is None, output.read_text()
        running = Suite(read_runtime(state), output)
        await running.books()  # stand-ins that are made when they are first asked are made by then
        running.slow_header = asyncio.create_task(running.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", 60.0))
        yield running
        running.slow_header.cancel()
        await running.backdoor.aclose()
        for _, writer in running.idle:
            writer.close()
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.wait(), 60)


@pytest.fixture
async def calm_suite(suite: Suite) -> AsyncIterator[Suite]:
    await suite.calm()
    yield suite
    await suite.heal()


@pytest.fixture(scope="session")
def kit() -> Any:
    """What test modules need besides a suite; they cannot import from here."""
    return type("Kit", (), {
        "contracts": CONTRACTS, "operations": OPERATIONS, "declared": DECLARED, "everything": staticmethod(everything),
        "example": staticmethod(example), "unreal": staticmethod(unreal), "target": staticmethod(target),
        "document": DOCUMENT, "real": REAL, "backend_of": BACKEND_OF,
    })  # fmt: skip
