"""Places one order as the field-sales app would, over HTTP with a token, and tells a person what happened."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.binding.problems import BackendFault, NotFound, Problem, ProblemDetails
from shared.contracts.experience.field_sales import CreditCard, Customer360, QuoteCard
from shared.host.runtime import Runtime
from shared.host.tokens import app_token
from shared.host.topology import load_topology

CLIENT = "field-sales-app"
CUSTOMERS = "/experience/field-sales/v1/customers"
ORDERS = "/experience/field-sales/v1/orders"
TAX_ALLOWANCE = Decimal("1.3")
_MARKS = {"done": "[green]✓[/]", "undone": "[yellow]↺[/]", "failed": "[red]✗[/]", "waiting": "[yellow]…[/]"}


class _Phone:
    """The app's side: one HTTP client, one token, the trace id of the last answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.trace_id = ""

    async def ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        try:
            answer = await self._http.request(method, path, json=body, params=query)
        except httpx.HTTPError as error:
            raise BackendFault(f"The suite does not answer at {path} ({type(error).__name__}).") from None
        self.trace_id = answer.headers.get("trace-id", "")
        if answer.is_success:
            return answer.json()
        raise Problem.from_details(msgspec.json.decode(answer.content, type=ProblemDetails))


async def order_and_tell(runtime: Runtime, console: Console, quote_id: str | None) -> dict[str, Any]:
    """Order a quote and describe it; returns the summary that goes out as JSON.

    Args:
        runtime: The running suite.
        console: Where the story goes.
        quote_id: Which quote; by default the first approved one whose lines are in stock.
    """
    topology = load_topology(Path(runtime.topology))
    edge = next(runtime.processes[name] for name, placement in topology.processes.items() if placement.edge)
    headers = {"authorization": f"Bearer {await app_token(runtime, CLIENT)}", "prefer": "wait=20"}
    async with httpx.AsyncClient(base_url=edge, headers=headers, timeout=40.0) as http:
        phone = _Phone(http)
        name, chosen = await _choose(phone) if quote_id is None else ("", quote_id)
        console.print(f"\nOrdering quote [bold]{chosen}[/]{f' for {escape(name)}' if name else ''} …\n", soft_wrap=True)
        began = time.perf_counter()
        try:
            order = await phone.ask("POST", ORDERS, {"quoteId": chosen})
        except Problem as refusal:
            return _tell_refusal(console, refusal, chosen, began)
        duration_ms = round((time.perf_counter() - began) * 1000, 1)
        _tell(console, runtime, edge, order, phone.trace_id, duration_ms)
        return _summary(order, duration_ms, phone.trace_id)


async def _choose(phone: _Phone) -> tuple[str, str]:
    """The first quote that should go through, found by leafing through customers as a rep would."""
    query: dict[str, str] = {"limit": "100"}
    while True:
        page = await phone.ask("GET", CUSTOMERS, query=query)
        for card in page["items"]:
            view = msgspec.convert(await phone.ask("GET", f"{CUSTOMERS}/{card['customerId']}"), Customer360)
            for quote in view.quotes:
                if _promising(quote, view.credit):
                    return view.name, quote.quote_id
        if "nextCursor" not in page:
            raise NotFound("No approved quote is left that stock and credit allow; a new state directory has new ones.")
        query["cursor"] = page["nextCursor"]


def _promising(quote: QuoteCard, credit: CreditCard | None) -> bool:
    """Approved, in stock and, tax included, probably within the customer's credit."""
    if quote.state != "approved" or not quote.in_stock or credit is None or credit.blocked:
        return False
    if quote.expires is not None and quote.expires < datetime.now(UTC).date():
        return False
    return credit.available is None or credit.available.amount > quote.total.amount * TAX_ALLOWANCE


def _tell(
    console: Console, runtime: Runtime, edge: str, order: dict[str, Any], trace_id: str, duration_ms: float
) -> None:
    steps = Table(box=None, show_header=False, padding=(0, 1))
    for step in order.get("steps", []):
        milliseconds = f"{step['ms']} ms" if "ms" in step else ""
        steps.add_row(_MARKS.get(step["state"], "·"), step["text"], milliseconds)
    console.print(steps)
    total = order.get("total")
    console.print(f"\n{order['message']} ({duration_ms / 1000:.2f} s)\n")
    ids = Table(box=None, show_header=False, padding=(0, 1))
    for label, key in (
        ("order", "orderId"), ("ERP order", "erpOrderId"), ("CRM order", "crmOrderId"),
        ("shipment", "shipmentId"), ("tracking code", "trackingCode"), ("carrier", "carrier"),
    ):  # fmt: skip
        ids.add_row(f"  {label}", order.get(key, ""))
    if total:
        ids.add_row("  total", f"{total['amount']} {total['currency']}")
    console.print(ids)
    console.print(f"\n  order status   {edge}{ORDERS}/{order['orderId']}", soft_wrap=True)
    if runtime.development:
        console.print(f"  whole trace    {edge}/traces/{trace_id}   (or: triptych trace {trace_id})", soft_wrap=True)


def _tell_refusal(console: Console, refusal: Problem, quote_id: str, began: float) -> dict[str, Any]:
    console.print(f"[red]✗[/] {escape(refusal.title)}: {escape(refusal.detail)}", soft_wrap=True)
    duration_ms = round((time.perf_counter() - began) * 1000, 1)
    return {
        "order_id": refusal.extensions.get("orderId"),
        "quote_id": quote_id,
        "status": "refused",
        "problem": refusal.type_uri(),
        "detail": refusal.detail,
        "duration_ms": duration_ms,
    }


def _summary(order: dict[str, Any], duration_ms: float, trace_id: str) -> dict[str, Any]:
    return {
        "order_id": order["orderId"],
        "erp_order_id": order.get("erpOrderId"),
        "crm_order_id": order.get("crmOrderId"),
        "shipment_id": order.get("shipmentId"),
        "tracking_code": order.get("trackingCode"),
        "status": order["state"],
        "duration_ms": duration_ms,
        "trace_id": trace_id,
    }
