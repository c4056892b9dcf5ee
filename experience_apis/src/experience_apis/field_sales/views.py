"""Content Filter: what the phone needs of what the systems know. Pure functions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from shared.binding.declare import Page
from shared.binding.problems import Problem
from shared.contracts.canonical.identity import KeyClaim, ResolvedIdentity
from shared.contracts.canonical.inventory import Availability, AvailabilityRequest, WantedLine
from shared.contracts.canonical.order import CrmOrder, ErpOrder
from shared.contracts.canonical.party import Contact, CreditStanding, Customer
from shared.contracts.canonical.quote import Quote
from shared.contracts.canonical.shipment import Shipment
from shared.contracts.canonical.values import Capability, Stamp
from shared.contracts.experience.field_sales import (
    ContactCard,
    CreditCard,
    Customer360,
    CustomerCard,
    MissingPart,
    OrderCard,
    OrderStatus,
    OrderStep,
    Part,
    PartStamp,
    QuoteCard,
    StockCard,
)
from shared.contracts.process.progress import TimelineEntry
from shared.contracts.process.quote_to_order import OrderProgress
from shared.contracts.system.crm import CustomerOverview
from shared.contracts.system.warehouse import UnknownSku

MAX_TRACKED = 3
"""Parcels looked up for one view; older ones are history."""

_STEPS = {
    "crm.get_quote": "Quote read",
    "crm.get_customer": "Customer read",
    "cross_references.resolve": "Customer's number compared",
    "erp.simulate_order": "Price and credit checked",
    "warehouse.check_availability": "Stock checked",
    "logistics.get_rates": "Carriers asked",
    "warehouse.reserve": "Stock held",
    "erp.create_order": "Order placed in the ERP",
    "logistics.purchase_label": "Shipping booked",
    "crm.record_order": "Order recorded in the CRM",
    "warehouse.confirm_reservation": "Warehouse told to ship",
    "cross_references.note_keys": "Order's numbers noted",
    "warehouse.release_reservation": "Stock given back",
    "erp.cancel_order": "Order in the ERP cancelled",
    "logistics.refund_label": "Shipping refunded",
    "crm.cancel_order": "Order in the CRM cancelled",
}
_MESSAGES = {
    "pending": "The order waits to be placed.",
    "running": "The order is being placed.",
    "waiting": "A system does not answer; the order goes on by itself as soon as it does.",
    "compensating": "The order was refused; what was done is being undone.",
    "completed": "The order stands in every system and shipping is booked.",
    "refused": "The order was refused; nothing is left of it.",
    "cancelled": "The order was cancelled; nothing is left of it.",
    "dead": "The order cannot go on by itself; an operator has been told.",
    "discarded": "The order was given up; an operator has settled what was left of it.",
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the systems answered: a result, a Problem, or None where there was nothing to ask."""

    overview: CustomerOverview
    identity: ResolvedIdentity | Problem | None
    credit: CreditStanding | Problem | None
    orders: Page[ErpOrder] | Problem | None
    stock: Availability | Problem | None
    shipments: list[Shipment] | Problem | None


def customer_card(customer: Customer) -> CustomerCard:
    """A customer in a list."""
    address = customer.billing_address
    return CustomerCard(
        customer.customer_id,
        customer.name,
        address.city if address else "",
        (address.country if address else None) or "",
    )


def erp_claim(overview: CustomerOverview) -> KeyClaim:
    """What the CRM says the customer is called in the ERP."""
    number = overview.customer.erp_number
    return KeyClaim("customer", overview.customer.customer_id, "crm", {} if number is None else {"erp": number})


def erp_number(overview: CustomerOverview, noted: ResolvedIdentity | Problem | None) -> str | None:
    """The customer's number in the ERP as the CRM says, or else as it is noted."""
    return overview.customer.erp_number or (noted.keys.get("erp") if isinstance(noted, ResolvedIdentity) else None)


def wanted_stock(overview: CustomerOverview) -> AvailabilityRequest | None:
    """What all open quotes together ask for, by product; None if nothing."""
    wanted: dict[str, Decimal] = {}
    for quote in overview.open_quotes:
        for line in quote.lines:
            if line.quantity > 0:
                wanted[line.sku] = wanted.get(line.sku, Decimal(0)) + line.quantity
    lines = [WantedLine(sku, quantity) for sku, quantity in list(wanted.items())[:200]]
    return AvailabilityRequest(lines) if lines else None


def without_unknown(wanted: AvailabilityRequest, problem: UnknownSku) -> AvailabilityRequest | None:
    """The question without the lines that the warehouse does not know; None if it knows none, or all."""
    unknown = {error.pointer for error in problem.errors}
    lines = [line for place, line in enumerate(wanted.lines) if f"/lines/{place}/sku" not in unknown]
    return AvailabilityRequest(lines) if lines and len(lines) < len(wanted.lines) else None


def shipped_references(overview: CustomerOverview) -> list[str]:
    """The references of the newest orders that were given to a carrier."""
    shipped = [order.reference for order in overview.recent_orders if order.reference and order.tracking_number]
    return shipped[:MAX_TRACKED]


def customer_360(found: Gathered) -> Customer360:
    """The whole view; parts that failed are named in `missing`."""
    now = datetime.now(UTC)
    customer = found.overview.customer
    return Customer360(
        customer_id=customer.customer_id,
        name=customer.name,
        phone=customer.phone,
        website=customer.website,
        industry=customer.industry,
        address=customer.billing_address,
        credit=_credit(found.credit),
        contacts=[_contact(contact) for contact in found.overview.contacts],
        quotes=[_quote(quote, found.stock) for quote in found.overview.open_quotes],
        orders=_orders(found),
        stock=_stock(found.stock),
        sources=_sources(found, now),
        missing=_missing(found),
    )


def order_status(progress: OrderProgress) -> OrderStatus:
    """An order's progress in the phone's words."""
    order = progress.order
    return OrderStatus(
        order_id=progress.order_id,
        state=progress.state,
        message=_MESSAGES[progress.state],
        updated=progress.updated,
        erp_order_id=order.erp_order_id if order else "",
        crm_order_id=order.crm_order_id if order else "",
        shipment_id=order.shipment_id if order else "",
        tracking_code=order.tracking_code if order else "",
        carrier=order.carrier if order else "",
        total=order.total if order else None,
        steps=[_step(entry) for entry in progress.timeline],
        problem=progress.problem,
    )


def _step(entry: TimelineEntry) -> OrderStep:
    ms = None if entry.duration_ms is None else round(entry.duration_ms)
    return OrderStep(_STEPS.get(entry.step, entry.step), entry.state, ms)


def _contact(contact: Contact) -> ContactCard:
    return ContactCard(f"{contact.first_name} {contact.last_name}".strip(), contact.title, contact.email, contact.phone)


def _credit(credit: CreditStanding | Problem | None) -> CreditCard | None:
    if not isinstance(credit, CreditStanding):
        return None
    return CreditCard(credit.limit, credit.available, credit.blocked)


def _quote(quote: Quote, stock: Availability | Problem | None) -> QuoteCard:
    in_stock = None
    if isinstance(stock, Availability) and quote.lines:
        available = {level.sku: level.available for level in stock.lines}
        in_stock = all(line.quantity <= available.get(line.sku, Decimal(0)) for line in quote.lines)
    return QuoteCard(quote.quote_id, quote.number, quote.name, quote.state, quote.total, quote.expires, in_stock)


def _orders(found: Gathered) -> list[OrderCard]:
    in_erp = {order.erp_order_id: order for order in found.orders.items} if isinstance(found.orders, Page) else {}
    parcels = {parcel.reference: parcel for parcel in found.shipments} if isinstance(found.shipments, list) else {}
    return [
        _order(order, in_erp.pop(order.erp_order_id or "", None), parcels) for order in found.overview.recent_orders
    ] + [
        OrderCard(order.erp_order_id, order.erp_order_id, order.state, order.net, order.erp_order_id)
        for order in in_erp.values()
    ]


def _order(order: CrmOrder, in_erp: ErpOrder | None, parcels: dict[str, Shipment]) -> OrderCard:
    parcel = parcels.get(order.reference)
    return OrderCard(
        order_id=order.crm_order_id,
        number=order.number,
        state=in_erp.state if in_erp else order.status,
        total=order.total,
        erp_order_id=order.erp_order_id or "",
        tracking_code=order.tracking_number,
        shipment=parcel.state if parcel else "",
    )


def _stock(stock: Availability | Problem | None) -> list[StockCard]:
    if not isinstance(stock, Availability):
        return []
    return [StockCard(level.sku, level.wanted, level.available, level.enough) for level in stock.lines]


def _parts(found: Gathered) -> list[tuple[Part, Capability, object]]:
    return [
        ("customer", "crm", found.overview),
        ("credit", "erp", found.credit),
        ("erp-orders", "erp", found.orders),
        ("stock", "warehouse", found.stock),
        ("shipments", "logistics", found.shipments),
    ]


def _sources(found: Gathered, now: datetime) -> list[PartStamp]:
    return [
        PartStamp(part, _stamp(system, answer, now))
        for part, system, answer in _parts(found)
        if answer is not None and not isinstance(answer, Problem)
    ]


def _stamp(system: Capability, answer: object, now: datetime) -> Stamp:
    """Read just now, unless the system itself says how old its answer is."""
    as_of = answer.as_of if isinstance(answer, Availability) else now
    return Stamp(system, as_of, max((now - as_of).total_seconds(), 0.0))


def _missing(found: Gathered) -> list[MissingPart]:
    asked: dict[Part, object] = {part: answer for part, _, answer in _parts(found)}
    asked["identity"] = found.identity
    return [
        MissingPart(part, answer.type_uri(), answer.detail)
        for part, answer in asked.items()
        if isinstance(answer, Problem)
    ]
