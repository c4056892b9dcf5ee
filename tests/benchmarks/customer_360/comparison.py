"""customer-360 on every contestant in one run: the same three backend calls, the same answer, the same core."""

import statistics
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
from customer_360 import contestants
from customer_360.backends import Backends, running_backends
from customer_360.budgets import Budget
from customer_360.contestants import Contestant
from customer_360.cores import LOAD_CORE, SERVER_CORE, can_pin, kept_to, move, used_seconds
from customer_360.load import Load, apply_load
from customer_360.plan import Plan, PlannedCall
from customer_360.replay import Exchange
from rich.console import Console
from rich.table import Table

CONCURRENCY = 32
MANY = 100
WARM_UP_SECONDS = 1.0
ROUND_SECONDS = 1.2
ROUNDS = 5
LATENCY_SECONDS = 0.005
NUMBER_FIELD = "ERP_Customer_Number__c"
_NOT_OF_THE_CALL = ("host", "traceparent", "content-length", "connection")


@dataclass
class Figures:
    """What was measured of one contestant, round by round."""

    rates: list[float] = field(default_factory=list[float])
    cpu_us: list[float] = field(default_factory=list[float])
    busy: list[float] = field(default_factory=list[float])
    p99_ms: list[float] = field(default_factory=list[float])
    calls: list[float] = field(default_factory=list[float])

    def add(self, load: Load, cpu_seconds: float, calls: int) -> None:
        """Another round."""
        self.rates.append(load.rate)
        self.cpu_us.append(cpu_seconds / max(load.answers, 1) * 1e6)
        self.busy.append(cpu_seconds / load.seconds)
        self.p99_ms.append(load.latency_ms(0.99))
        self.calls.append(calls / max(len(load.latencies), 1))

    @property
    def cost(self) -> float:
        """What a request costs in processor time: the least of all rounds, since what else runs only adds to it.

        Where processor time is unknown, the time between two answers.
        """
        return min(self.cpu_us) or 1e6 / max(self.rates)


async def compare(console: Console) -> list[Budget]:
    """Measure, show, and return the budgets that hang on it."""
    with kept_to(LOAD_CORE):
        async with _everything(console) as (backends, running, customer):
            budgets: list[Budget] = []
            for concurrency in (CONCURRENCY, MANY):
                figures = await _rounds(console, backends, running, customer, ROUNDS, concurrency)
                console.print(_table(f"customer-360, {concurrency} requests under way", figures))
                budgets += _budgets(figures, concurrency)
            await backends.control(f"/latency/{LATENCY_SECONDS}")
            slow = await _rounds(console, backends, running, customer, 2, CONCURRENCY)
            late = f"each backend answers after {LATENCY_SECONDS * 1000:g} ms"
            console.print(_table(f"customer-360, {CONCURRENCY} requests under way, {late}", slow))
            await backends.control("/latency/0")
            await _unpinned(console, running, customer)
            return budgets


@asynccontextmanager
async def _everything(console: Console) -> AsyncGenerator[tuple[Backends, list[Contestant], str]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triptych-benchmark-")))
        with console.status("Starting stand-in backends and contestants …"):
            backends = await stack.enter_async_context(running_backends(folder / "backends", folder / "replay"))
            running: list[Contestant] = []
            stack.callback(lambda: [each.stop() for each in running])
            running.append(await contestants.triptych("fused", backends, folder))
            customer, plan = await _planned(backends, running[0], folder)
            running.append(await contestants.fastapi("httpx", plan, folder))
            running.append(await contestants.fastapi("aiohttp", plan, folder))
            node = await contestants.fastify(plan, folder)
            if isinstance(node, Contestant):
                running.append(node)
            running.append(await contestants.triptych("split", backends, folder))
        if isinstance(node, str):
            console.print(f"[yellow]{node}[/]")
        if not can_pin():
            console.print("[yellow]Fewer than two cores, or no way to choose: servers and load share what there is.[/]")
        await _same_answers(running, customer)
        yield backends, running, customer


async def _planned(backends: Backends, suite: Contestant, folder: Path) -> tuple[str, Path]:
    """A customer whose view takes exactly three HTTP calls, and those calls as the suite made them."""
    async with httpx.AsyncClient(headers=suite.headers) as http:
        page = (await http.get(suite.url, params={"limit": "100"})).raise_for_status().json()
        for card in page["items"]:
            url = f"{suite.url}/{card['customerId']}"
            view = (await http.get(url)).json()
            if not _fits(view):
                continue
            await backends.control("/forget")
            await http.get(url)
            asked = (await backends.control()).exchanges
            if len(asked) == 3:
                path = folder / "plan.json"
                path.write_bytes(msgspec.json.encode(_plan(asked, backends, card["customerId"])))
                return card["customerId"], path
    raise SystemExit("No customer's view takes exactly three backend calls; the seed company has changed.")


def _fits(view: dict[str, Any]) -> bool:
    parts = {source["part"] for source in view.get("sources", [])}
    plain = parts == {"customer", "credit", "erp-orders"} and not view.get("missing") and not view.get("quotes")
    return plain and bool(view.get("orders")) and bool(view.get("contacts"))


def _plan(asked: list[Exchange], backends: Backends, customer: str) -> Plan:
    overview = next(each for each in asked if each.backend == "salesforce")
    credit = next(each for each in asked if "Credit" in each.url.partition("?")[0])
    orders = next(each for each in asked if "SoldToParty" in each.url)
    number = orders.url.partition("SoldToParty")[2].partition("'")[2].partition("'")[0]
    partner = credit.url.partition("('")[2].partition("')")[0]
    return Plan(
        _call(overview, backends, customer, "{customer}"),
        _call(credit, backends, f"('{partner}')", "('{partner}')"),
        _call(orders, backends, number, "{number}"),
        NUMBER_FIELD,
        {number: partner},
    )


def _call(asked: Exchange, backends: Backends, value: str, place: str) -> PlannedCall:
    headers = {name: text for name, text in asked.headers.items() if name not in _NOT_OF_THE_CALL}
    return PlannedCall(backends.addresses[asked.backend] + asked.url.replace(value, place), headers)


async def _same_answers(running: list[Contestant], customer: str) -> None:
    async with httpx.AsyncClient() as http:
        answers = [(await http.get(f"{each.url}/{customer}", headers=each.headers)).json() for each in running]
    for each, answer in zip(running, answers, strict=True):
        if _timeless(answer) != _timeless(answers[0]):
            raise SystemExit(f"{each.name} answers otherwise:\n{answer}\nand {running[0].name}:\n{answers[0]}")


def _timeless(answer: dict[str, Any]) -> dict[str, Any]:
    sources = [(each["part"], each["source"]["system"]) for each in answer.get("sources", [])]
    return {**answer, "sources": sources}


async def _rounds(
    console: Console, backends: Backends, running: list[Contestant], customer: str, rounds: int, concurrency: int
) -> dict[str, Figures]:
    figures = {each.name: Figures() for each in running}
    with console.status("Warming up …") as status:
        for each in running:
            await _load(each, customer, WARM_UP_SECONDS, concurrency)
        for number in range(rounds):
            for each in running:
                status.update(f"{concurrency} under way, round {number + 1} of {rounds}: {each.name}")
                await backends.control("/forget")
                cpu = used_seconds(each.process.pid)
                load = await _load(each, customer, ROUND_SECONDS, concurrency)
                cpu = used_seconds(each.process.pid) - cpu
                figures[each.name].add(load, cpu, (await backends.control()).calls)
    return figures


async def _load(each: Contestant, customer: str, seconds: float, concurrency: int) -> Load:
    load = await apply_load(f"{each.url}/{customer}", each.headers, concurrency, seconds)
    if load.failures:
        raise SystemExit(f"{each.name} failed: {load.failures}")
    return load


async def _unpinned(console: Console, running: list[Contestant], customer: str) -> None:
    """Split into processes pays off only when they have cores of their own; shown, not budgeted."""
    split = next(each for each in running if each.name == "Triptych split")
    if not can_pin():
        return
    move(split.process.pid, {SERVER_CORE, LOAD_CORE})
    with console.status("Triptych split over both cores …"):
        await _load(split, customer, WARM_UP_SECONDS, CONCURRENCY)
        load = await _load(split, customer, ROUND_SECONDS, CONCURRENCY)
    move(split.process.pid, {SERVER_CORE})
    console.print(f"Triptych split on both cores, beside the load: {load.rate:,.0f} requests/s")


def _table(title: str, figures: dict[str, Figures]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("", no_wrap=True)
    for column in ("CPU µs a request", "median", "against httpx", "requests/s", "core busy", "p99 ms", "backend calls"):
        table.add_column(column, justify="right")
    dearest = figures["FastAPI + httpx"].cost
    for name, found in sorted(figures.items(), key=lambda item: item[1].cost):
        table.add_row(
            name,
            f"{found.cost:,.0f}",
            f"{statistics.median(found.cpu_us):,.0f}",
            f"{dearest / found.cost:.1f} times",
            f"{statistics.median(found.rates):,.0f}",
            f"{statistics.median(found.busy):.0%}",
            f"{statistics.median(found.p99_ms):.1f}",
            f"{statistics.median(found.calls):.2f}",
        )
    return table


def _budgets(figures: dict[str, Figures], concurrency: int) -> list[Budget]:
    """Capacity of one core, from processor time a request: the load is on a core that others use too."""
    fused, split = figures["Triptych fused"].cost, figures["Triptych split"].cost
    rivals = [("FastAPI + httpx", 10.0), ("fastify + undici", 0.5)]
    budgets = [
        Budget(f"customer-360, against {name}, {concurrency} under way", times, figures[name].cost / fused, "times")
        for name, times in rivals
        if name in figures
    ]
    what = f"split into three processes, against fused, {concurrency} under way"
    return [*budgets, Budget(what, 0.333, fused / split, "times")]
