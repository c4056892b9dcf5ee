"""From an approved quote to an order that stands everywhere."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Conflict, NotFound, ProblemDetails, Refused
from shared.contracts.canonical.identity import KeyClaim, KeysOfThing
from shared.contracts.canonical.values import Id, Money, ShortText
from shared.contracts.process.flow_operations import FlowArchived
from shared.contracts.process.progress import FlowState, TimelineEntry
from shared.contracts.system.crm import QuoteNotFound
from shared.contracts.system.cross_references import KeysDisagree, KeyTaken
from shared.contracts.system.erp import CustomerBlocked, ErpOrderNotFound, OrderRejected
from shared.contracts.system.warehouse import ShortStock, UnknownSku, ZeroQuantity

OrderableId = Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:\-]*$")]
"""An `Id` that leaves room: the order's own id is made of it."""


class QuoteNotApproved(Refused):
    """Only an approved, unexpired quote can be ordered."""


class CustomerNotInErp(Refused):
    """The quote's customer has no number in the ERP yet; onboard it first."""


class CreditRefused(Refused):
    """The customer's credit does not cover the order."""


class NoCarrier(Refused):
    """No carrier offers to take the parcel to this address."""


class OrderNotFound(NotFound):
    """No order flow has this id."""


class OrderAlreadyComplete(Conflict):
    """The order stands; it can be returned, not cancelled."""


class OrderNotStanding(Conflict):
    """The order is still being placed, or came to nothing; only one that stands can be cancelled or followed."""


class OrderNotCancelled(Conflict):
    """The order still stands in the ERP; its quote cannot be ordered again before it is cancelled there."""


class OrderRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Which quote to order, and how to ship it."""

    quote_id: OrderableId
    shipping_preference: Literal["cheapest", "fastest"] = "cheapest"
    purchase_order: Annotated[str, msgspec.Meta(max_length=35)] = ""


class PlacedOrder(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The order as it stands in every system."""

    quote_id: Id
    erp_order_id: Id
    crm_order_id: Id
    reservation_id: Id
    shipment_id: Id
    tracking_code: str
    carrier: str
    total: Money
    shipping_price: Money | None = None

    def keys(self) -> dict[str, str]:
        """What the order is called in each system, as cross-references name them."""
        return {
            "erp": self.erp_order_id,
            "crm": self.crm_order_id,
            "warehouse": self.reservation_id,
            "logistics": self.shipment_id,
        }

    def claim(self, order_id: str) -> KeyClaim:
        """What we say that the order is called, for cross-references to compare with what is noted."""
        return KeyClaim("order", order_id, "quote-to-order", self.keys())

    def known_as(self, order_id: str) -> KeysOfThing:
        """What the order is called, for cross-references to note."""
        return KeysOfThing("order", order_id, self.keys())


class OrderProgress(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How far an order has come. `order` is there once it stands, `problem` once it failed.

    One that stood and was cancelled since is `cancelled` and keeps `order`: what was cancelled where.
    """

    order_id: Id
    quote_id: Id
    state: FlowState
    created: datetime
    updated: datetime
    correlation_id: str = ""
    order: PlacedOrder | None = None
    problem: ProblemDetails | None = None
    timeline: list[TimelineEntry] = []

    def standing(self) -> PlacedOrder:
        """The order as it was placed; raises OrderNotStanding unless it was."""
        if self.order is None or self.state != "completed":
            raise OrderNotStanding(
                f"Order {self.order_id} does not stand (it is {self.state}); wait for it, or order the quote again."
            )
        return self.order


class Cancellation(msgspec.Struct, frozen=True, rename="camel"):
    """Why an order is cancelled."""

    reason: ShortText


class QuoteToOrder(Contract, tier="process", version="v1"):
    """Turns an approved quote into an order in CRM, ERP and warehouse with shipping booked, or into nothing at all."""

    @post(
        "/orders", scope="quote-to-order:write", repeatable=True, long_running="/orders/{order_id}", timeout=30.0,
        raises=[
            QuoteNotFound, QuoteNotApproved, CustomerNotInErp, CustomerBlocked, CreditRefused, ShortStock,
            UnknownSku, ZeroQuantity, NoCarrier, OrderRejected, KeysDisagree, KeyTaken,
        ],
    )  # fmt: skip
    async def place_order(self, request: OrderRequest) -> OrderProgress:
        """Order a quote.

        A quote is ordered at most once: asking again while it runs, or after it succeeded, answers with the
        same order; once that was cancelled, with a new one. A refusal that comes within the wait is answered as
        that problem.
        """
        ...

    @get("/orders/{order_id}", scope="quote-to-order:read", raises=[OrderNotFound, FlowArchived])
    async def get_order(self, order_id: Id) -> OrderProgress:
        """Return how far an order has come, with its timeline."""
        ...

    @post(
        "/orders/{order_id}/cancellation", scope="quote-to-order:write", status=200, repeatable=True,
        raises=[OrderNotFound, OrderAlreadyComplete],
    )  # fmt: skip
    async def cancel_order(self, order_id: Id, cancellation: Cancellation) -> OrderProgress:
        """Stop an order at its next step and undo what was done; repeating changes nothing."""
        ...

    @post(
        "/orders/{order_id}/retirement", scope="quote-to-order:retire", status=200, repeatable=True,
        raises=[OrderNotFound, OrderNotStanding, OrderNotCancelled, ErpOrderNotFound],
    )  # fmt: skip
    async def retire_order(self, order_id: Id, cancellation: Cancellation) -> OrderProgress:
        """Say of an order that stood that it was cancelled everywhere, so that its quote can be ordered again.

        The ERP is asked whether that is true. Nothing is cancelled here: see `OrderCancellations`. Repeating
        changes nothing.
        """
        ...
