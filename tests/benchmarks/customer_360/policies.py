"""What each policy costs a call, in microseconds of processor time: the functions of the product themselves.

The whole is measured apart from its parts: one request through the edge with everything on, against the same
Litestar route answering the same bytes with nothing around it.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from customer_360.budgets import Budget
from litestar import Litestar
from litestar.handlers import route
from litestar.types import ASGIApp, Scope
from rich.table import Table

from shared.binding.call_context import CallContext, Principal, calling
from shared.binding.declare import Contract, get
from shared.binding.edge import Edge
from shared.binding.http_answer import success
from shared.binding.http_request import bearer_token, read_context, read_headers
from shared.binding.inbound import Inbound
from shared.binding.inline import inline_client
from shared.binding.operation import Operation
from shared.binding.routes import routes
from shared.contracts.canonical.values import Id
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.messaging.idempotent_receiver import IdempotentReceiver
from shared.resilience.load_shedding import Shedder
from shared.resilience.rate_limit import RateLimiter
from shared.resilience.rate_limit_policy import Policy, Tier, rate_limit_headers
from shared.security.authorisation import require_scope
from shared.security.issuer import Issuer
from shared.security.narrowing import narrow
from shared.security.signing_keys import SigningKeys
from shared.telemetry import metrics
from shared.telemetry.conventions import server_attributes
from shared.telemetry.setup import TelemetrySettings, start_telemetry
from shared.telemetry.tracing import start_span

POLICY_BUDGET_US = 150.0
HOP_BUDGET_US = 30.0
_REPEATS = 9
_WIDE = Tier(Policy("wide", 100_000_000, 60, 1_000_000))
_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_SPAN = start_span("GET", kind="server", parent=_TRACEPARENT)


class Thing(msgspec.Struct, frozen=True, rename="camel"):
    """An answer of no great size."""

    thing_id: Id
    name: str


class Probe(Contract, tier="experience", version="v1"):
    """One operation that does nothing."""

    @get("/things/{thing_id}", scope="probe:read")
    async def get_thing(self, thing_id: Id) -> Thing:
        """Return a thing."""
        ...


class ProbeService(Probe):
    """Answers at once."""

    async def get_thing(self, thing_id: Id) -> Thing:
        """See Probe."""
        return Thing(thing_id, "nothing")


class Bench:
    """Everything a measured act needs, wired as a process wires it."""

    def __init__(self, state: Path, valkey: Any) -> None:
        self.operation: Operation = Probe.operations["get_thing"]
        self.service = ProbeService()
        self.limiter = RateLimiter(valkey, {"standard": _WIDE, "internal": _WIDE})
        self.receiver = IdempotentReceiver(valkey)
        self.inbound = Inbound(self.limiter, self.receiver)
        self.issuer = Issuer("http://127.0.0.1:8080", SigningKeys(state / "issuer"))
        self.verifier = self.issuer.verifier
        self.shedder = Shedder(512)
        self.token = self.issuer.issue("rep@example.com", "app", Probe.audience, ["probe:read"])
        self.headers: list[tuple[bytes, bytes]] = [
            (b"host", b"127.0.0.1:8080"),
            (b"authorization", f"Bearer {self.token}".encode()),
            (b"accept", b"application/json"),
            (b"user-agent", b"benchmark"),
        ]
        handlers: list[Any] = routes(Probe, self.service, self.inbound, self.verifier)
        self.full: Any = Edge(_litestar(handlers), self.shedder)
        self.bare: Any = _litestar([_bare_route(self.operation, self.service)])

    async def request(self, app: Any) -> int:
        """One request through an ASGI application; its status."""
        statuses: list[int] = []

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await app(self._scope(), _receive, send)
        return statuses[0]

    def _scope(self) -> dict[str, Any]:
        path = "/experience/probe/v1/things/4711"
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": self.headers,
            "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8080), "state": {}, "extensions": {},
        }  # fmt: skip


async def _receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def _litestar(handlers: list[Any]) -> Any:
    return Litestar(route_handlers=handlers, openapi_config=None, logging_config=None)


def _bare_route(operation: Operation, service: ProbeService) -> Any:
    async def resource(scope: Any, receive: Any, send: Any) -> None:
        body = msgspec.json.encode(await service.get_thing(scope["path_params"]["thingId"]))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def answer(scope: Scope) -> ASGIApp:
        return resource

    return route(operation.path.replace("}", ":str}"), http_method=["GET"], status_code=200)(answer)


async def measured(act: Callable[[], Awaitable[Any]], number: int = 2_000) -> float:
    """Microseconds of processor time of one awaited act: the median of several runs."""
    for _ in range(200):
        await act()
    took: list[float] = []
    for _ in range(_REPEATS):
        began = time.process_time()
        for _ in range(number):
            await act()
        took.append((time.process_time() - began) / number * 1e6)
    return statistics.median(took)


def _acts(bench: Bench, principal: Principal) -> dict[str, Callable[[], object]]:
    """Each policy of a read, as the pipeline calls it."""
    headers = read_headers(bench.headers)
    attributes = server_attributes("GET")
    route_path, operation = bench.operation.path, bench.operation
    thing = Thing("4711", "nothing")
    context = read_context(headers, principal, _SPAN)

    def span() -> None:
        one = start_span("GET", kind="server", parent="", attributes=attributes)
        one.set("url.path", "/experience/probe/v1/things/4711")
        one.set("triptych.operation", operation.qualified_name)
        one.set("http.route", route_path)
        one.end_http(200)

    def count() -> None:
        metrics.request_started()
        metrics.operation_call("probe", "get_thing", "ok", 0.001)
        metrics.request_finished()
        metrics.server_request(route_path, "GET", 200, 0.001)

    def limit() -> None:
        decision = bench.limiter.take_leased("app", "standard", "probe:read")
        if decision is not None:
            rate_limit_headers(decision)

    def shed() -> None:
        bench.shedder.enter("interactive")
        bench.shedder.exit()

    def carry() -> None:
        with calling(read_context(headers, principal, _SPAN).replace(deadline=1.0)):
            pass

    return {
        "authenticate (token verified before)": lambda: bench.verifier.cached(
            bearer_token(headers) or "", Probe.audience
        ),
        "authorise (scope)": lambda: require_scope(principal, "probe:read"),
        "rate limit (leased) and its headers": limit,
        "span": span,
        "metrics": count,
        "load shedding": shed,
        "call context": carry,
        "validate arguments": lambda: operation.from_http({"thingId": "4711"}, (), None),
        "encode and tag the answer": lambda: success(operation, thing, None, context.wait),
    }


async def _deadline() -> None:
    async with asyncio.timeout(2.5):  # noqa: ASYNC100 - the timer itself is measured
        pass


async def measure_policies() -> tuple[dict[str, float], list[Budget]]:
    """Every policy's price by name, and the two budgets."""
    telemetry = start_telemetry(TelemetrySettings(service="benchmark", log_level="warning"))
    try:
        with tempfile.TemporaryDirectory() as state:
            async with EmbeddedValkey(Path(state)) as server, valkey_client(server.url) as valkey:
                bench = Bench(Path(state), valkey)
                prices, budgets = await _measured_with(bench)
                await bench.limiter.aclose()
                return prices, budgets
    finally:
        telemetry.close()


async def _measured_with(bench: Bench) -> tuple[dict[str, float], list[Budget]]:
    principal = await bench.verifier.verify(bench.token, Probe.audience)
    for _ in range(2_000):  # the lease grows to the demand
        await bench.limiter.take("app", "standard", "probe:read")
    if {await bench.request(bench.full), await bench.request(bench.bare)} != {200}:
        raise SystemExit("The measured route does not answer 200.")
    prices: dict[str, float] = {}
    idle = await measured(_nothing, 20_000)
    for name, act in _acts(bench, principal).items():
        prices[name] = max(await measured(_awaited(act), 5_000) - idle, 0.0)
    prices["deadline (timer set and cancelled)"] = await measured(_deadline, 5_000)
    full, bare = await _side_by_side(lambda: bench.request(bench.full), lambda: bench.request(bench.bare))
    prices["all of them: edge with everything on, less the bare route"] = full - bare
    prices["(the bare Litestar route)"] = bare
    hop = await _hop(bench, principal)
    prices["in-process hop, less the bare method"] = hop
    prices["idempotent write (two Valkey round trips; writes only)"] = await _idempotent(bench)
    return prices, [
        Budget("policies per edge call", POLICY_BUDGET_US, full - bare, "µs CPU", at_most=True),
        Budget("an in-process hop between tiers", HOP_BUDGET_US, hop, "µs CPU", at_most=True),
    ]


async def _side_by_side(one: Callable[[], Awaitable[Any]], other: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    rounds = [(await measured(one, 500), await measured(other, 500)) for _ in range(3)]
    return statistics.median(first for first, _ in rounds), statistics.median(second for _, second in rounds)


async def _hop(bench: Bench, principal: Principal) -> float:
    actor, allowed = "urn:triptych:experience:caller", frozenset({"probe:read"})
    client = inline_client(
        Probe,
        bench.service,
        bench.inbound,
        lambda context: narrow(context.principal or principal, Probe.audience, allowed, actor),
    )
    deadline = time.monotonic() + 3600
    with calling(CallContext(principal=principal, traceparent=_TRACEPARENT, deadline=deadline)):
        for _ in range(2_000):
            await client.get_thing("4711")
        hop, method = await _side_by_side(lambda: client.get_thing("4711"), lambda: bench.service.get_thing("4711"))
    return hop - method


async def _idempotent(bench: Bench) -> float:
    numbers = itertools.count()

    async def answer() -> bytes:
        return b"{}"

    async def act() -> None:
        await bench.receiver.run(
            key=f"key-{next(numbers)}", owner="app", operation="probe.act", fingerprint=b"0", call=answer
        )

    return await measured(act, 200)


async def _nothing() -> None:
    return None


def _awaited(act: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        act()

    return call


def price_table(prices: dict[str, float]) -> Table:
    """Every price, in the order of the pipeline."""
    table = Table(header_style="bold")
    table.add_column("policy")
    table.add_column("µs CPU a call", justify="right")
    for name, price in prices.items():
        table.add_row(name, f"{price:.1f}")
    return table
