"""The business of turning a quote into an order, step by step. Every contract call is durable.

What the CRM says the customer is called in the ERP is compared with what is noted of it, beside the ERP's own trial of
the order. Once the order stands, its numbers are noted, and the customer's, which the ERP took. Those of an order that
is undone stay noted: its documents stay too, cancelled.
"""

from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal

from shared.contracts.canonical.identity import KeyClaim, KeysOfThing, KeysToNote
from shared.contracts.canonical.inventory import Availability, AvailabilityRequest, NewReservation, WantedLine
from shared.contracts.canonical.order import NewCrmOrder, NewCrmOrderLine, NewErpOrder, NewOrderLine, OrderSimulation
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.quote import Quote
from shared.contracts.canonical.shipment import LabelPurchase, Parcel, Rate, RateRequest, Rates
from shared.contracts.canonical.values import Address
from shared.contracts.process.events import OrderPlaced
from shared.contracts.process.quote_to_order import (
    CreditRefused,
    CustomerNotInErp,
    NoCarrier,
    OrderRequest,
    PlacedOrder,
    QuoteNotApproved,
)
from shared.contracts.system.crm import Crm, OrderCancellation
from shared.contracts.system.cross_references import CrossReferences
from shared.contracts.system.erp import Erp, ErpCancellation
from shared.contracts.system.logistics import Logistics
from shared.contracts.system.warehouse import ShortStock, Warehouse, ZeroQuantity
from shared.durable.flow import Flow

HOLD_SECONDS = 3600
"""How long stock is held while the order is placed: longer than all retries of all steps."""

DEFAULT_UNIT_WEIGHT_GRAMS = Decimal(1000)
MAX_PARCEL_GRAMS = 1_000_000
UNDONE = "The order could not be completed and was undone."


class OrderQuote(Flow[OrderRequest, PlacedOrder], version=3):
    """Check, hold stock, order, book shipping, record; a refusal anywhere undoes what was done."""

    def __init__(
        self, crm: Crm, erp: Erp, warehouse: Warehouse, logistics: Logistics, cross_references: CrossReferences
    ) -> None:
        self.crm = crm
        self.erp = erp
        self.warehouse = warehouse
        self.logistics = logistics
        self.keys = cross_references

    async def run(self, request: OrderRequest) -> PlacedOrder:
        """Order the quote and tell of it, or refuse and leave nothing behind."""
        placed = await self.place(request)
        self.publish(
            OrderPlaced(
                order_id=self.flow_id,
                quote_id=placed.quote_id,
                erp_order_id=placed.erp_order_id,
                crm_order_id=placed.crm_order_id,
                shipment_id=placed.shipment_id,
                total=placed.total,
            )
        )
        return placed

    async def place(self, request: OrderRequest) -> PlacedOrder:
        """Order the quote, or refuse and leave nothing behind."""
        quote = await self.crm.get_quote(request.quote_id)
        require_approved(quote, self.now())
        wanted = wanted_lines(quote)
        customer = await self.crm.get_customer(quote.customer_id)
        order = erp_order(self.flow_id, request, quote, require_number(customer, await self.erp_number(customer)))

        simulation, stock = await self.tried(customer, order, AvailabilityRequest(wanted))
        require_credit(simulation)
        require_stock(stock)
        rates = await self.logistics.get_rates(rate_request(self.flow_id, quote, customer, stock))
        rate = chosen_rate(rates, request)

        reservation = await self.undoable(
            self.warehouse.reserve(NewReservation(self.flow_id, wanted, HOLD_SECONDS)),
            lambda held: self.warehouse.release_reservation(held.reservation_id),
        )
        placed = await self.undoable(
            self.erp.create_order(order),
            lambda made: self.erp.cancel_order(made.erp_order_id, ErpCancellation(UNDONE)),
        )
        shipment = await self.undoable(
            self.logistics.purchase_label(LabelPurchase(rates.shipment_id, rate.rate_id, self.flow_id)),
            lambda bought: self.logistics.refund_label(bought.shipment_id),
        )
        recorded = await self.undoable(
            self.crm.record_order(crm_order(self.flow_id, quote, placed.erp_order_id, shipment.tracking_code)),
            lambda kept: self.crm.cancel_order(kept.crm_order_id, OrderCancellation(UNDONE)),
        )
        order_placed = PlacedOrder(
            quote_id=quote.quote_id,
            erp_order_id=placed.erp_order_id,
            crm_order_id=recorded.crm_order_id,
            reservation_id=reservation.reservation_id,
            shipment_id=shipment.shipment_id,
            tracking_code=shipment.tracking_code,
            carrier=shipment.carrier,
            total=placed.net,
            shipping_price=shipment.price,
        )
        await self.confirm(order_placed, quote.customer_id, order.erp_number)
        return order_placed

    async def erp_number(self, customer: Customer) -> str | None:
        """The customer's number in the ERP as the CRM says, or else as it is noted."""
        if customer.erp_number is not None:
            return customer.erp_number
        return (await self.keys.resolve(KeyClaim("customer", customer.customer_id, "crm"))).keys.get("erp")

    async def tried(
        self, customer: Customer, order: NewErpOrder, wanted: AvailabilityRequest
    ) -> tuple[OrderSimulation, Availability]:
        """What ERP and warehouse say of the order; raises KeysDisagree for another customer than the one noted."""
        claim = KeyClaim("customer", customer.customer_id, "crm", {"erp": order.erp_number})
        _, simulation, stock = await self.together(
            self.keys.resolve(claim), self.erp.simulate_order(order), self.warehouse.check_availability(wanted)
        )
        return simulation, stock

    async def confirm(self, order: PlacedOrder, customer_id: str, erp_number: str) -> None:
        """Note what order and customer are called, and have the goods shipped: last, as nothing brings them back."""
        things = [
            order.known_as(self.flow_id),
            KeysOfThing("customer", customer_id, {"erp": erp_number}),
        ]
        await self.keys.note_keys(KeysToNote(things))
        await self.warehouse.confirm_reservation(order.reservation_id)


def require_approved(quote: Quote, now: datetime) -> None:
    """Raises QuoteNotApproved unless the quote may be ordered today."""
    if quote.state != "approved":
        raise QuoteNotApproved(f"Quote {quote.number} is {quote.state}; have it approved first.")
    if quote.expires is not None and quote.expires < now.astimezone(UTC).date():
        raise QuoteNotApproved(f"Quote {quote.number} expired on {quote.expires}; renew it first.")


def wanted_lines(quote: Quote) -> list[WantedLine]:
    """What the quote's lines ask for; raises ZeroQuantity for a line without quantity, or no line at all."""
    if not quote.lines:
        raise ZeroQuantity(f"Quote {quote.number} has no lines; add what is to be ordered.")
    for number, line in enumerate(quote.lines, 1):
        if line.quantity <= 0:
            raise ZeroQuantity(
                f"Line {number} ({line.sku}) of quote {quote.number} has no quantity; correct or drop it."
            )
    return [WantedLine(line.sku, line.quantity) for line in quote.lines]


def require_number(customer: Customer, erp_number: str | None) -> str:
    """The number; raises CustomerNotInErp when there is none."""
    if erp_number is None:
        raise CustomerNotInErp(f"{customer.name} has no number in the ERP yet; onboard the customer first.")
    return erp_number


def erp_order(reference: str, request: OrderRequest, quote: Quote, erp_number: str) -> NewErpOrder:
    """The order for the ERP at the quoted prices."""
    return NewErpOrder(
        reference=reference,
        erp_number=erp_number,
        currency=quote.total.currency,
        lines=[NewOrderLine(line.sku, line.quantity, line.unit_price) for line in quote.lines],
        purchase_order=request.purchase_order,
    )


def require_credit(simulation: OrderSimulation) -> None:
    """Raises CreditRefused when the ERP's credit check says no."""
    if simulation.credit == "refused":
        raise CreditRefused(
            f"The customer's credit does not cover {simulation.net.amount} {simulation.net.currency} net; "
            "reduce the order or have the limit raised."
        )


def require_stock(stock: Availability) -> None:
    """Raises ShortStock naming every line that cannot be served."""
    short = [level for level in stock.lines if not level.enough]
    if short:
        lines = ", ".join(f"{level.sku} ({level.available} of {level.wanted})" for level in short)
        raise ShortStock(f"Not enough stock for {lines}; order less or wait for a delivery.")


def rate_request(reference: str, quote: Quote, customer: Customer, stock: Availability) -> RateRequest:
    """The parcel to be shipped, addressed to the quote's ship-to or else to the customer."""
    weight = sum(
        (level.wanted * (level.unit_weight_grams or DEFAULT_UNIT_WEIGHT_GRAMS) for level in stock.lines), Decimal(0)
    )
    grams = int(weight.to_integral_value(ROUND_UP))
    address = quote.ship_to or customer.shipping_address or customer.billing_address or Address()
    return RateRequest(
        reference, quote.ship_to_name or customer.name, address, Parcel(min(max(grams, 1), MAX_PARCEL_GRAMS))
    )


def chosen_rate(rates: Rates, request: OrderRequest) -> Rate:
    """The cheapest offer, or the fastest if that is preferred; rates come cheapest first.

    Raises NoCarrier when nobody offers to take the parcel.
    """
    if not rates.rates:
        raise NoCarrier("No carrier takes this parcel to this address; split the order or ship it another way.")
    if request.shipping_preference == "fastest":
        return min(rates.rates, key=lambda rate: (rate.days is None, rate.days or 0))
    return rates.rates[0]


def crm_order(reference: str, quote: Quote, erp_order_id: str, tracking_code: str) -> NewCrmOrder:
    """The order as the CRM is to record it."""
    lines = [
        NewCrmOrderLine(line.price_book_entry_id, line.quantity, line.unit_price, line.line_id)
        for line in quote.lines
        if line.price_book_entry_id is not None
    ]
    return NewCrmOrder(
        reference=reference,
        customer_id=quote.customer_id,
        quote_id=quote.quote_id,
        erp_order_id=erp_order_id,
        currency=quote.total.currency,
        lines=lines,
        opportunity_id=quote.opportunity_id,
        price_book_id=quote.price_book_id,
        tracking_number=tracking_code,
    )
