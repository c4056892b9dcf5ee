"""Scatter-Gather over the System APIs, shaped small for a phone."""

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from experience_apis.field_sales.views import (
    Gathered,
    customer_360,
    customer_card,
    erp_claim,
    erp_number,
    order_status,
    shipped_references,
    wanted_stock,
    without_unknown,
)
from shared.binding.call_context import calling, current_context
from shared.binding.declare import Page
from shared.binding.problems import DeadlineExceeded, NotFound, Problem
from shared.contracts.canonical.inventory import Availability, AvailabilityRequest
from shared.contracts.canonical.shipment import Shipment
from shared.contracts.experience.field_sales import Customer360, CustomerCard, FieldSales, OrderStatus, Part
from shared.contracts.process.quote_to_order import OrderRequest, QuoteToOrder
from shared.contracts.system.crm import Crm
from shared.contracts.system.cross_references import CrossReferences, KeysDisagree
from shared.contracts.system.erp import Erp
from shared.contracts.system.logistics import Logistics
from shared.contracts.system.warehouse import UnknownSku, Warehouse

_T = TypeVar("_T")

PART_SECONDS = 1.5
"""How long a part of the view may take before the rest is shown without it."""


class FieldSalesApp(FieldSales):
    """The field-sales app's own API."""

    def __init__(
        self,
        crm: Crm,
        erp: Erp,
        warehouse: Warehouse,
        logistics: Logistics,
        orders: QuoteToOrder,
        cross_references: CrossReferences,
    ) -> None:
        self._crm = crm
        self._erp = erp
        self._warehouse = warehouse
        self._logistics = logistics
        self._orders = orders
        self._keys = cross_references

    async def list_customers(
        self, search: str | None = None, cursor: str | None = None, limit: int = 25
    ) -> Page[CustomerCard]:
        """See FieldSales."""
        page = await self._crm.list_customers(search, cursor, limit)
        return Page([customer_card(customer) for customer in page.items], page.next_cursor)

    async def get_customer(self, customer_id: str) -> Customer360:
        """See FieldSales."""
        overview = await self._crm.get_customer_overview(customer_id)
        claim, wanted, references = erp_claim(overview), wanted_stock(overview), shipped_references(overview)
        noted = None if claim.keys else await _part("identity", self._keys.resolve(claim))
        number = erp_number(overview, noted)
        identity, credit, orders, stock, shipments = await asyncio.gather(
            _part("identity", self._keys.resolve(claim)) if claim.keys else _answered(noted),
            _part("credit", self._erp.get_credit(number)) if number else _answered(None),
            _part("erp-orders", self._erp.list_orders(number, None, None, 20)) if number else _answered(None),
            self._stock(wanted) if wanted else _answered(None),
            self._shipments(references) if references else _answered(None),
        )
        if isinstance(identity, KeysDisagree):
            credit = orders = identity  # perhaps another customer's
        return customer_360(Gathered(overview, identity, credit, orders, stock, shipments))

    async def place_order(self, request: OrderRequest) -> OrderStatus:
        """See FieldSales."""
        return order_status(await self._orders.place_order(request))

    async def get_order(self, order_id: str) -> OrderStatus:
        """See FieldSales."""
        return order_status(await self._orders.get_order(order_id))

    async def _stock(self, wanted: AvailabilityRequest) -> Availability | Problem:
        """Stock of what the warehouse knows: an open quote may name a product that is no longer stocked."""
        answer = await _part("stock", self._warehouse.check_availability(wanted))
        if isinstance(answer, UnknownSku) and (known := without_unknown(wanted, answer)):
            return await _part("stock", self._warehouse.check_availability(known))
        return answer

    async def _shipments(self, references: list[str]) -> list[Shipment] | Problem:
        found = await asyncio.gather(*(_part("shipments", self._logistics.get_shipment(ref)) for ref in references))
        failed = [each for each in found if isinstance(each, Problem) and not isinstance(each, NotFound)]
        return failed[0] if failed else [each for each in found if isinstance(each, Shipment)]


async def _answered(answer: _T) -> _T:
    """A part for which there is nothing more to ask."""
    return answer


async def _part(part: Part, call: Awaitable[_T]) -> _T | Problem:
    """A part of the view, or why it is missing; never later than its share of the deadline."""
    context = current_context()
    latest = time.monotonic() + PART_SECONDS
    try:
        with calling(context.replace(deadline=min(latest, context.deadline or latest))):
            async with asyncio.timeout(PART_SECONDS):
                return await call
    except Problem as problem:
        return problem
    except TimeoutError:
        return DeadlineExceeded(f"{part} did not come in time; the rest is shown without it.")
