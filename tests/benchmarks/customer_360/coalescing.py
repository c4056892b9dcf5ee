"""What coalescing saves: customer-360 read by many at once, the calls counted in the stand-in Salesforce's own log."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
from customer_360 import contestants
from customer_360.backends import APART, Backends, running_backends
from customer_360.cores import LOAD_CORE, kept_to, used_seconds
from customer_360.load import Load, apply_load
from rich.console import Console
from rich.table import Table

from sandboxes.company import company
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.service import SalesforceCrm

READERS = 500
ROUNDS = 3
LATENCY_SECONDS = 0.05
LONE_READS = 200
TOGETHER = "coalesce_milliseconds = 3"
_PATIENT = "max_waiting = 2000\nmax_wait = 10.0\ntimeout = 20.0"
"""Nobody is refused for want of a place, so that both ways answer every reader."""
_COLUMNS = ("", "calls", "of apart", "p50 ms", "p99 ms", "CPU µs a read", "of apart", "sent away", "too late")
CUSTOMERS = [customer.salesforce_id for customer in company().customers]


@dataclass
class Figures:
    """Of all rounds of one way."""

    calls: list[int] = field(default_factory=list[int])
    cpu: list[float] = field(default_factory=list[float])
    refusals: list[int] = field(default_factory=list[int])
    failures: list[int] = field(default_factory=list[int])
    p50: list[float] = field(default_factory=list[float])
    p99: list[float] = field(default_factory=list[float])

    def add(self, load: Load, cpu: float, calls: int) -> None:
        """Another round; `cpu` in seconds."""
        self.failures.append(sum(load.failures.values()))
        self.calls.append(calls)
        self.refusals.append(load.refusals)
        self.cpu.append(cpu / len(load.latencies) * 1e6)
        self.p50.append(load.latency_ms(0.5))
        self.p99.append(load.latency_ms(0.99))


async def measure_coalescing(console: Console) -> None:
    """Measure and show."""
    with kept_to(LOAD_CORE), tempfile.TemporaryDirectory(prefix="triptych-benchmark-") as name:
        folder = Path(name)
        with console.status("Starting stand-in backends …"):
            async with running_backends(folder / "backends", folder / "replay") as backends:
                fused = await _fused(backends, folder)
                alone = await _system_api(backends)
                lone = await _lone(backends)
    late = f"Salesforce answers {LATENCY_SECONDS * 1000:g} ms late"
    console.print(_table(f"{READERS} readers at once through the fused suite, {late}", fused))
    console.print(_table(f"{READERS} readers at once of the System API alone, {late}", alone))
    console.print(f"One reader after the other, CPU µs a read: {lone[0]:,.0f} apart, {lone[1]:,.0f} with coalescing on")


async def _fused(backends: Backends, folder: Path) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    async with AsyncExitStack() as stack:
        running: dict[str, contestants.Contestant] = {}
        for name, setting in (("apart", APART), ("together", TOGETHER)):
            place = folder / name
            place.mkdir()
            settings = f"{setting}\n{_PATIENT}"
            running[name] = await contestants.triptych("fused", backends, place, settings, live=True)
            stack.callback(running[name].stop)
        for number in range(ROUNDS + 1):
            for name, each in running.items():
                async with _counted(backends, late=number > 0) as calls:
                    cpu = used_seconds(each.process.pid)
                    readers = READERS if number else len(CUSTOMERS) // 4
                    load = await apply_load(f"{each.url}/", each.headers, readers, 0, below=CUSTOMERS, patient=True)
                    cpu = used_seconds(each.process.pid) - cpu
                if number:  # the first is for warming up
                    figures.setdefault(name, Figures()).add(load, cpu, calls[0])
    return figures


async def _system_api(backends: Backends) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    async with _crm(backends, 0.0) as apart, _crm(backends, 3.0) as together:
        for _ in range(ROUNDS):
            answers: list[list[object]] = []
            for name, crm in (("apart", apart), ("together", together)):
                async with _counted(backends, late=True) as calls:
                    load, cpu = Load(), time.process_time()
                    answers.append(await asyncio.gather(*(_read(crm, number, load) for number in range(READERS))))
                    cpu = time.process_time() - cpu
                figures.setdefault(name, Figures()).add(load, cpu, calls[0])
            if answers[0] != answers[1]:
                raise SystemExit("Coalesced answers differ from the others.")
    return figures


async def _read(crm: SalesforceCrm, number: int, load: Load) -> object:
    began = time.perf_counter()
    answer = await crm.get_customer_overview(CUSTOMERS[number % len(CUSTOMERS)])
    load.latencies.append(time.perf_counter() - began)
    return answer


async def _lone(backends: Backends) -> tuple[float, float]:
    """Microseconds of processor time that a read costs which meets no other: the least of all rounds, each way."""
    least = [float("inf"), float("inf")]
    async with _crm(backends, 0.0) as apart, _crm(backends, 3.0) as together:
        for _ in range(ROUNDS + 2):
            for at, crm in enumerate((apart, together)):
                cpu = time.process_time()
                for number in range(LONE_READS):
                    await crm.get_customer_overview(CUSTOMERS[number % 8])
                least[at] = min(least[at], (time.process_time() - cpu) / LONE_READS * 1e6)
    return least[0], least[1]


@asynccontextmanager
async def _crm(backends: Backends, milliseconds: float) -> AsyncGenerator[SalesforceCrm]:
    settings = SalesforceSettings(
        url=backends.origins["salesforce"],
        username="integration@tarn-gauge.example",
        private_key=Secret(f"file:{backends.state / 'salesforce' / 'private.pem'}"),
        coalesce_milliseconds=milliseconds,
        max_waiting=2000,
        max_wait=10.0,
        timeout=20.0,
    )
    wire = open_wire()
    try:
        crm = SalesforceCrm(SalesforceConnector(settings, Outbound(wire)))
        await crm.get_customer_overview(CUSTOMERS[0])
        yield crm
    finally:
        await wire.aclose()


class _Asked(msgspec.Struct):
    path: str


class _Log(msgspec.Struct):
    requests: list[_Asked]


@asynccontextmanager
async def _counted(backends: Backends, *, late: bool) -> AsyncGenerator[list[int]]:
    """The calls of the REST API that Salesforce notes during the block, in a list that is filled at its end."""
    control = f"{backends.origins['salesforce']}/__sandbox__"
    fault = {"fault": "latency", "path": "/services/data/*", "seconds": LATENCY_SECONDS, "times": None}
    calls: list[int] = []
    async with httpx.AsyncClient(timeout=30) as http:
        if late:
            (await http.post(f"{control}/faults", json=fault)).raise_for_status()
        before = await _noted(http, control)
        yield calls
        calls.append(await _noted(http, control) - before)
        await http.delete(f"{control}/faults")


async def _noted(http: httpx.AsyncClient, control: str) -> int:
    log = msgspec.json.decode((await http.get(f"{control}/requests", params={"limit": 10_000})).content, type=_Log)
    return sum(each.path.startswith("/services/data/") for each in log.requests)


def _table(title: str, figures: dict[str, Figures]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column else "left")
    apart = figures["apart"]
    for name, found in figures.items():
        table.add_row(
            name,
            f"{statistics.median(found.calls):,.0f}",
            f"{statistics.median(found.calls) / statistics.median(apart.calls):.1%}",
            f"{statistics.median(found.p50):,.0f}",
            f"{statistics.median(found.p99):,.0f}",
            f"{min(found.cpu):,.0f}",
            f"{min(found.cpu) / min(apart.cpu):.2f}",
            f"{statistics.median(found.refusals):,.0f}",
            f"{statistics.median(found.failures):,.0f}",
        )
    return table
