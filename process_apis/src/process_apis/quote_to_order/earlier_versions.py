"""How quotes were ordered before, for runs that began then.

Each version is served until no run of it is unfinished: `triptych flows list --kind order-quote@1` says so. Until then
its calls, and those of `OrderQuote.place` around them, stay as they are.
"""

from process_apis.quote_to_order.flow import OrderQuote
from shared.contracts.canonical.inventory import Availability, AvailabilityRequest
from shared.contracts.canonical.order import NewErpOrder, OrderSimulation
from shared.contracts.canonical.party import Customer
from shared.contracts.process.quote_to_order import OrderRequest, PlacedOrder


class OrderQuoteV2(OrderQuote, version=2, name=OrderQuote.name):
    """As it was before keys were compared and noted."""

    async def erp_number(self, customer: Customer) -> str | None:
        """The customer's number in the ERP as the CRM says."""
        return customer.erp_number

    async def tried(
        self,
        customer: Customer,  # noqa: ARG002 - of no interest then
        order: NewErpOrder,
        wanted: AvailabilityRequest,
    ) -> tuple[OrderSimulation, Availability]:
        """What ERP and warehouse say of the order."""
        return await self.together(self.erp.simulate_order(order), self.warehouse.check_availability(wanted))

    async def confirm(self, order: PlacedOrder, customer_id: str, erp_number: str) -> None:  # noqa: ARG002 - as above
        """Have the goods shipped."""
        await self.warehouse.confirm_reservation(order.reservation_id)


class OrderQuoteV1(OrderQuoteV2, version=1, name=OrderQuote.name):
    """As it was before orders were told of."""

    async def run(self, request: OrderRequest) -> PlacedOrder:
        """Order the quote, or refuse and leave nothing behind."""
        return await self.place(request)
