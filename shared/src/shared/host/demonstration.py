"""Places one order as the field-sales app would, over HTTP with a token, and tells a person what happened."""

import shutil
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from shared.binding.problem_document import read_problem
from shared.binding.problems import BackendFault, BackendUnavailable, NotFound, Problem
from shared.contracts.experience.field_sales import CreditCard, Customer360, OrderStatus, QuoteCard
from shared.contracts.process.quote_to_order import CreditRefused, NoCarrier
from shared.contracts.system.erp import CustomerBlocked, OrderRejected
from shared.contracts.system.warehouse import ShortStock
from shared.host.runtime import STATE_VARIABLE, Runtime, state_directory
from shared.host.tokens import app_token
from shared.host.topology import edge_url, load_topology

CLIENT = "field-sales-app"
CUSTOMERS = "/experience/field-sales/v1/customers"
ORDERS = "/experience/field-sales/v1/orders"
_BUSINESS = {kind.type_uri() for kind in (CreditRefused, CustomerBlocked, NoCarrier, ShortStock, OrderRejected)}
"""Refusals of one quote that say nothing about the next."""

TAX_ALLOWANCE = Decimal("1.3")
_MARKS = {"done": ("✓", "green"), "undone": ("↺", "yellow"), "failed": ("✗", "red"), "waiting": ("…", "yellow")}


class _Phone:
    """The app's side: one HTTP client, one token, the trace id of the last answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.trace_id = ""

    async def ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        try:
            answer = await self._http.request(method, path, json=body, params=query)
        except httpx.HTTPError as error:
            raise BackendUnavailable(f"The suite does not answer at {path} ({type(error).__name__}).") from None
        self.trace_id = answer.headers.get("trace-id", "")
        if answer.is_success:
            return answer.json()
        try:
            details = read_problem(answer.content)
        except msgspec.MsgspecError:
            raise BackendFault(f"{path} answered {answer.status_code} and no problem document.") from None
        raise Problem.from_details(details)


async def order_and_tell(runtime: Runtime, quote_id: str | None) -> dict[str, Any]:
    """Order a quote and describe it on standard output; returns the summary that goes out as JSON.

    Args:
        runtime: The running suite.
        quote_id: Which quote; by default the first approved one that stock and credit allow. Credit may say no
            only when it is asked, so a business refusal then leads to the next.

    A refusal is told and summarised like a success: its `status` is `refused`. Raises what `app_token` raises.
    """
    edge = edge_url(runtime.processes, load_topology(Path(runtime.topology)))
    headers = {"authorization": f"Bearer {await app_token(runtime, CLIENT)}", "prefer": "wait=25"}
    async with httpx.AsyncClient(base_url=edge, headers=headers, timeout=40.0) as http:
        phone = _Phone(http)
        if quote_id is not None:
            return await _order(runtime, edge, phone, quote_id, "")
        try:
            async with aclosing(_promising_quotes(phone)) as promising:
                async for chosen, title in promising:
                    summary = await _order(runtime, edge, phone, chosen, title)
                    if summary.get("problem") not in _BUSINESS:
                        return summary
            raise NotFound("No approved quote is left that stock and credit allow; a new state directory has new ones.")
        except Problem as refusal:
            await _tell_refusal(phone, edge, refusal)
            return _refused(refusal, None, 0.0, phone.trace_id)


async def _order(runtime: Runtime, edge: str, phone: _Phone, quote_id: str, title: str) -> dict[str, Any]:
    click.echo(f"\nOrdering quote {quote_id}{f': {title}' if title else ''}\n")
    began = time.perf_counter()
    try:
        answer = await phone.ask("POST", ORDERS, {"quoteId": quote_id})
    except Problem as refusal:
        trace_id, duration_ms = phone.trace_id, _since(began)
        await _tell_refusal(phone, edge, refusal)
        _tell_where(runtime, edge, refusal.extensions.get("orderId"), trace_id)
        return _refused(refusal, quote_id, duration_ms, trace_id)
    order, duration_ms = msgspec.convert(answer, OrderStatus), _since(began)
    _tell(order, duration_ms)
    _tell_where(runtime, edge, order.order_id, phone.trace_id)
    return _summary(order, duration_ms, phone.trace_id)


async def _promising_quotes(phone: _Phone) -> AsyncGenerator[tuple[str, str]]:
    """Quotes that should go through, with their names, found by leafing through customers as a rep would."""
    query: dict[str, str] = {"limit": "100"}
    while True:
        page = await phone.ask("GET", CUSTOMERS, query=query)
        for card in page["items"]:
            view = msgspec.convert(await phone.ask("GET", f"{CUSTOMERS}/{card['customerId']}"), Customer360)
            for quote in view.quotes:
                if _promising(quote, view.credit):
                    yield quote.quote_id, quote.name
        if "nextCursor" not in page:
            return
        query["cursor"] = page["nextCursor"]


def _promising(quote: QuoteCard, credit: CreditCard | None) -> bool:
    """Approved, in stock and, tax included, probably within the customer's credit."""
    if quote.state != "approved" or not quote.in_stock or credit is None or credit.blocked:
        return False
    if quote.expires is not None and quote.expires < datetime.now(UTC).date():
        return False
    return credit.available is None or credit.available.amount > quote.total.amount * TAX_ALLOWANCE


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def _tell(order: OrderStatus, duration_ms: float) -> None:
    _tell_steps(order)
    color = "green" if order.state == "completed" else "yellow"
    click.echo(f"\n{click.style(order.message, fg=color, bold=True)} ({duration_ms / 1000:.2f} s)\n")
    parcel = f"{order.shipment_id}, {order.carrier} {order.tracking_code}" if order.shipment_id else ""
    total = f"{order.total.amount:,} {order.total.currency}" if order.total else ""
    for label, text in (
        ("order", order.order_id), ("total", total), ("in the ERP", order.erp_order_id),
        ("in the CRM", order.crm_order_id), ("shipment", parcel),
    ):  # fmt: skip
        if text:
            click.echo(f"  {label:<14} {text}")


def _tell_steps(order: OrderStatus) -> None:
    width = max((len(step.text) for step in order.steps), default=0)
    for step in order.steps:
        mark, color = _MARKS.get(step.state, ("·", "white"))
        took = "" if step.ms is None else f"{step.ms:>6,} ms"
        click.echo(f"  {click.style(mark, fg=color)} {step.text:<{width}}{took}".rstrip())


async def _tell_refusal(phone: _Phone, edge: str, refusal: Problem) -> None:
    """What was done and undone, if it came that far; then why, in one line, and where that is explained."""
    if order_id := refusal.extensions.get("orderId"):
        _tell_steps(msgspec.convert(await phone.ask("GET", f"{ORDERS}/{order_id}"), OrderStatus))
        click.echo()
    click.echo(f"{click.style(f'✗ {refusal.title}:', fg='red', bold=True)} {refusal.detail}")
    for error in refusal.errors if len(refusal.errors) > 1 else ():
        click.echo(f"  {error.parameter or error.pointer or 'body'}: {error.detail}")
    click.echo(f"\n  {'what it means':<14} {edge}{refusal.type_uri()}")


def _tell_where(runtime: Runtime, edge: str, order_id: Any, trace_id: str) -> None:
    if order_id:
        click.echo(f"  {'its status':<14} {edge}{ORDERS}/{order_id}")
    if runtime.development and trace_id:
        elsewhere = "" if Path(runtime.state) == state_directory().resolve() else f"{STATE_VARIABLE}={runtime.state} "
        command = "triptych" if shutil.which("triptych") else sys.argv[0]
        click.echo(f"  {'every call':<14} {elsewhere}{command} trace {trace_id}")


def _refused(refusal: Problem, quote_id: str | None, duration_ms: float, trace_id: str) -> dict[str, Any]:
    return {
        "order_id": refusal.extensions.get("orderId"),
        "quote_id": quote_id,
        "status": "refused",
        "problem": refusal.type_uri(),
        "detail": refusal.detail,
        "duration_ms": duration_ms,
        "trace_id": trace_id,
    }


def _summary(order: OrderStatus, duration_ms: float, trace_id: str) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "erp_order_id": order.erp_order_id or None,
        "crm_order_id": order.crm_order_id or None,
        "shipment_id": order.shipment_id or None,
        "tracking_code": order.tracking_code or None,
        "status": order.state,
        "duration_ms": duration_ms,
        "trace_id": trace_id,
    }
