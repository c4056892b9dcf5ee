"""An order on its way: from delivery over shipment to invoice."""

from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Conflict, NotFound
from shared.contracts.canonical.order import OrderState
from shared.contracts.canonical.shipment import ShipmentState
from shared.contracts.canonical.values import Id
from shared.contracts.process.flow_operations import FlowArchived, FlowId
from shared.contracts.process.progress import FlowProgress
from shared.contracts.process.quote_to_order import OrderNotFound, OrderNotStanding
from shared.contracts.system.crm import CrmOrderNotFound
from shared.contracts.system.cross_references import KeysDisagree, KeyTaken
from shared.contracts.system.erp import ErpOrderNotFound
from shared.contracts.system.logistics import ShipmentNotFound

SecondsBetweenLooks = Annotated[int, msgspec.Meta(ge=1, le=86_400)]


class FulfilmentNotFound(NotFound):
    """No order is followed under this id."""


class FulfilmentEnded(Conflict):
    """The order is not followed any more."""


class OrderToFollow(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Which order to follow, and how many seconds to rest between looks; after 720 looks it ends."""

    order_id: Id
    look_every_seconds: SecondsBetweenLooks = 3600


class OrderNews(msgspec.Struct, frozen=True, rename="camel"):
    """Word that something happened to an order; `reference` names it, and the same is heard once."""

    reference: Annotated[
        str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[!-~]+$", examples=["SHPCON-80000001"])
    ]


class FollowedOrder(msgspec.Struct, frozen=True, rename="camel"):
    """How following an order ended.

    `outcome` is fulfilled once the order is delivered and invoiced, out-of-time when it never was. `notes` counts
    the writes to the CRM.
    """

    outcome: Literal["fulfilled", "cancelled", "out-of-time"]
    order_state: OrderState
    shipment_state: ShipmentState
    notes: int


class FulfilmentProgress(FlowProgress, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How far following an order has come: its latest 50 steps, and `followed` once it has ended."""

    fulfilment_id: FlowId
    order_id: Id
    followed: FollowedOrder | None = None


class OrderFulfilment(Contract, tier="process", version="v1"):
    """Follows orders from delivery over shipment to invoice and keeps the CRM told, writing only what changed."""

    @post(
        "/fulfilments", scope="order-fulfilment:write", repeatable=True,
        long_running="/fulfilments/{fulfilment_id}",
        raises=[
            OrderNotFound, OrderNotStanding, CrmOrderNotFound, ErpOrderNotFound, ShipmentNotFound, KeysDisagree,
            KeyTaken,
        ],
    )  # fmt: skip
    async def follow_order(self, order: OrderToFollow) -> FulfilmentProgress:
        """Follow an order until it is delivered and invoiced, or cancelled, or 720 looks are over.

        An order is followed once: asking again answers with how far that has come. After it was stopped, it
        begins anew.
        """
        ...

    @get("/fulfilments/{fulfilment_id}", scope="order-fulfilment:read", raises=[FulfilmentNotFound, FlowArchived])
    async def get_fulfilment(self, fulfilment_id: FlowId) -> FulfilmentProgress:
        """Return how far following an order has come."""
        ...

    @post(
        "/orders/{order_id}/news", scope="order-fulfilment:write", status=200, repeatable=True,
        raises=[FulfilmentNotFound, FulfilmentEnded],
    )  # fmt: skip
    async def hear_of_order(self, order_id: Id, news: OrderNews) -> FulfilmentProgress:
        """Have a followed order looked at at once, and not at its next look; repeating changes nothing."""
        ...

    @post(
        "/fulfilments/{fulfilment_id}/cancellation", scope="order-fulfilment:write", status=200, repeatable=True,
        raises=[FulfilmentNotFound, FulfilmentEnded],
    )  # fmt: skip
    async def stop_following(self, fulfilment_id: FlowId) -> FulfilmentProgress:
        """Follow an order no longer; what the CRM was told stays. Repeating changes nothing."""
        ...
