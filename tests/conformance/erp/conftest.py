"""Every ERP that fills the contract, each called in the same process and over HTTP, with a stand-in of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sandboxes.company import Company, Customer, company
from shared.binding.call_context import CallContext, calling
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import Erp
from shared.host.api import installed_apis
from shared.host.placement import Placement
from shared.host.process import Process
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import load_topology

TOPOLOGY = Path(__file__).parents[3] / "deploy" / "topologies" / "fused.toml"
PROCESSES = """[processes.edge]
tiers = ["experience", "process"]
edge = true
issuer = true

[processes.system]
tiers = ["system"]
"""
VENDORS = sorted(api.vendor for api in installed_apis() if api.contract is Erp)
INTERFACES: dict[str, str] = {
    "sap-bapi": 'interfaces = { create_order = "bapi", cancel_order = "bapi", simulate_order = "bapi" }',
    "sap-idoc": 'interfaces = { create_order = "idoc" }',
    "oracle-ebs": 'interfaces = { create_order = "ebs", get_order = "ebs", cancel_order = "ebs" }\n'
    'ebs = { url = "sandbox:oracle_ebs", username = "TRIPTYCH", password = "file:{state}/oracle/ebs_password", '
    "settle_seconds = 1.0 }",
}
"""SAP and Oracle once more, with orders by other doors: in one process, and over HTTP too what differs by the door."""
STAND_INS = {"oracle-ebs": "oracle_ebs"}
"""Who keeps the orders, where that is not the vendor's own stand-in."""
LIST_NO_ORDERS = ("oracle-ebs",)
NOT_BY_THIS_DOOR = {
    "oracle-ebs": (
        "test_orders_are_listed_newest_first_page_by_page",
        "test_simulation_prices_checks_schedules_and_saves_nothing",
        "test_a_refused_credit_is_an_answer",
        "test_short_stock_shows_in_what_is_confirmed",
    )
}
"""What the door does not do, or Fusion does as without it."""
BY_BOTH_WAYS = (
    "test_a_blocked_customer_gets_no_order",
    "test_the_same_reference_is_the_same_order_also_at_once",
)
ORDER_DOORS = {
    "sap": "*/A_SalesOrder",
    "sap-bapi": "/sap/bc/*rfc*",
    "sap-idoc": "/sap/bc/*idoc*",
    "oracle": "*/salesOrdersForOrderHub",
    "oracle-ebs": "*/process_order/",
    "netsuite": "*/record/v1/salesOrder*",
}
"""Where each takes new orders in."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Orders by every interface; everything else once for each vendor."""
    if "erps" in metafunc.fixturenames:
        everywhere = metafunc.module.__name__.endswith("test_orders")
        metafunc.parametrize("erps", [*VENDORS, *(INTERFACES if everywhere else ())], indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The way between the tiers is the same for every door, so it is not walked again for each."""
    items[:] = [one for one in items if not _walked_already(one)]


def _walked_already(item: pytest.Item) -> bool:
    case = getattr(item, "callspec", None)
    if not isinstance(item, pytest.Function) or case is None or item.originalname in BY_BOTH_WAYS:
        return False
    if item.originalname in NOT_BY_THIS_DOOR.get(str(case.params.get("erps")), ()):
        return True
    return case.params.get("erps") in INTERFACES and case.params.get("erp") == "http"


class Asked:
    """A client of the contract whose calls are made as a caller who may do everything."""

    def __init__(self, client: Any, context: CallContext) -> None:
        self._client, self._context = client, context

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: Any) -> Any:
            with calling(self._context):
                return await getattr(self._client, name)(*arguments)

        return ask


@dataclass
class Erps:
    """One ERP by both ways, and its stand-in's control path."""

    name: str
    ways: dict[str, Asked]
    stand_in: httpx.AsyncClient

    async def control(self, name: str, **body: Any) -> Any:
        answer = await self.stand_in.post(f"/__sandbox__/{name}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def fault(self, fault: str, **more: Any) -> None:
        """Strike the next order that comes in."""
        for method in ("POST", "PUT"):
            looks = 1 if self.name == "oracle-ebs" else 0  # the look before an order goes by the same door
            await self.control("faults", method=method, path=ORDER_DOORS[self.name], fault=fault, after=looks, **more)

    async def fault_everywhere(self, fault: str, **more: Any) -> None:
        """Strike whatever is asked, until mended."""
        await self.control("faults", fault=fault, times=None, **more)

    async def mend(self) -> None:
        (await self.stand_in.delete("/__sandbox__/faults")).raise_for_status()


@pytest.fixture(scope="session")
async def erps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, running: Any) -> Any:
    state = tmp_path_factory.mktemp(request.param)
    vendor = request.param.partition("-")[0]
    stand_in = STAND_INS.get(request.param, vendor)
    text = TOPOLOGY.read_text().replace('erp = "sap"', f'erp = "{vendor}"')
    before, _, after = text.partition("[processes.suite]")
    text = f"subscriptions = false\n{before}{PROCESSES}[clients{after.partition('[clients')[2]}"
    text = text.replace("[backends.sap]\n", "[backends.sap]\nsettle_seconds = 1.0\n")
    section = f"[backends.{vendor}]\n"
    never_open = "breaker_min_calls = 1000000\n"  # faults follow one another here; tests/faults proves circuits
    text = text.replace(section, f"{section}{never_open}{INTERFACES.get(request.param, '')}\n")
    path = state / "erp.toml"
    path.write_text(text)
    topology = load_topology(path)
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(running_topology(path, topology, state, free_port()))
        found = {}
        for way, name in (("http", "edge"), ("fused", "system")):
            process = Process(runtime, Placement.of(runtime, name), journal=f"{way}.db")
            await process.start()
            stack.push_async_callback(process.stop)
            caller = next(api for api in process.placement.chosen if api.contract.slug == "field_sales")
            found[way] = running(way, runtime, process, caller)
            stack.push_async_callback(found[way]._wire.aclose)
        context = await found["http"].context()
        ways = {way: Asked(each.client(Erp), context) for way, each in found.items()}
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=runtime.sandboxes[stand_in], timeout=60.0))
        for name in {vendor, stand_in}:  # made when first asked, which must not count against a call's deadline
            (await http.get(f"{runtime.sandboxes[name]}/__sandbox__/ledger")).raise_for_status()
        yield Erps(request.param, ways, http)


@pytest.fixture(params=["fused", "http"])
def erp(request: pytest.FixtureRequest, erps: Erps) -> Asked:
    return erps.ways[request.param]


@pytest.fixture
def standing(erps: Erps, erp: Asked) -> Callable[[NewErpOrder], Awaitable[list[str]]]:
    """Asks for the numbers of the orders that stand under a reference, in any state."""

    async def of(order: NewErpOrder) -> list[str]:
        if erps.name in LIST_NO_ORDERS:
            kept = (await erps.stand_in.get("/__sandbox__/ledger")).json()["orders"]
            return [str(one["HEADER_ID"]) for one in kept if one["ORIG_SYS_DOCUMENT_REF"] == order.reference]
        found: list[str] = []
        cursor = None
        while True:
            page = await erp.list_orders(order.erp_number, date(2000, 1, 1), cursor, 200)
            found += [one.erp_order_id for one in page.items if one.reference == order.reference]
            if not (cursor := page.next_cursor):
                return found

    return of


@pytest.fixture
async def unharmed(erps: Erps) -> AsyncIterator[None]:
    """No fault outlives the test."""
    yield
    await erps.mend()


@pytest.fixture(scope="session")
def firm() -> Company:
    return company()


@pytest.fixture(scope="session")
def buyer(firm: Company) -> Customer:
    """Who may order, in euro, and has credit."""
    return firm.customer_by_number[next(q.customer for q in firm.quotes_for("plain") if q.currency == "EUR")]


def fresh() -> str:
    """A reference that no test used."""
    return f"c{uuid4().hex[:15]}"


@pytest.fixture
def reference() -> Callable[[], str]:
    return fresh


@pytest.fixture
def new_order(firm: Company) -> Callable[..., NewErpOrder]:
    """An order for the first quote of a scenario, under a reference of its own."""

    def made(scenario: str = "plain", place: int = 0, **changed: Any) -> NewErpOrder:
        quote = firm.quotes_for(scenario)[place]
        lines = [
            NewOrderLine(firm.product_by_number[one.product].sku, one.quantity, Money(one.unit_price, quote.currency))
            for one in quote.lines
        ]
        customer = firm.customer_by_number[quote.customer]
        values = {"reference": fresh(), "erp_number": customer.sap_customer, "currency": quote.currency, "lines": lines}
        return NewErpOrder(**{**values, **changed})

    return made


@pytest.fixture
async def invoiced(erps: Erps, erp: Asked, new_order: Callable[..., NewErpOrder]) -> ErpOrder:
    """An order of two pieces and more that went out and was billed."""
    placed = await erp.create_order(new_order())
    assert placed.lines[0].quantity >= Decimal(2)
    await erps.control("fulfil", order=placed.erp_order_id)
    return await erp.get_order(placed.erp_order_id)
