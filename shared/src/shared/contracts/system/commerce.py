"""The commerce capability."""

from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post, put, webhook
from shared.binding.problems import Conflict, NotFound, Refused
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.commerce import (
    Moment,
    ProductToSave,
    ShopOrder,
    ShopOrderSummary,
    ShopProduct,
    StockSet,
    StockToSet,
)
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed, MessageTaken, MessageUnreadable
from shared.contracts.canonical.values import Id, Sku

Channel = Annotated[
    str,
    msgspec.Meta(
        max_length=80,
        pattern=r"^[a-z][a-z\-]*$",
        examples=["orders-create"],
        description="What happened, orders-create, orders-updated, …; orders for all of these; or all",
    ),
]


class ShopOrderNotFound(NotFound):
    """The shop has no order of this id."""


class ShopProductNotFound(NotFound):
    """The shop sells nothing under this SKU."""


class ShopProductRefused(Refused):
    """The shop does not take the product as it is; `errors` names the field."""


class ShopProductVaries(Conflict):
    """The SKU is one of several variants of a product, or of several products; a person must say which is meant."""


class UnknownStock(Refused):
    """The shop does not keep stock of some of the SKUs; `errors` says of which. Nothing was changed."""


class ReferenceReused(Conflict):
    """The reference belongs to other figures, set earlier."""


class Commerce(Contract, tier="system", version="v1"):
    """A web shop: its orders, products and stock, and what it tells of them."""

    @get("/orders", scope="commerce:read")
    async def list_orders(
        self, since: Moment | None = None, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[ShopOrderSummary]:
        """List orders by their latest change, oldest first.

        Args:
            since: Only those changed at this moment or later.
            cursor: Where the previous page ended; give the same `since` with it.
            limit: Orders a page.
        """
        ...

    @get("/orders/{order_id}", scope="commerce:read", raises=[ShopOrderNotFound])
    async def get_order(self, order_id: Id) -> ShopOrder:
        """Return an order with all its lines."""
        ...

    @get("/products/{sku}", scope="commerce:read", raises=[ShopProductNotFound, ShopProductVaries])
    async def get_product(self, sku: Sku) -> ShopProduct:
        """Return a product as the shop sells it."""
        ...

    @put("/products/{sku}", scope="commerce:write", raises=[ShopProductRefused, ShopProductVaries])
    async def save_product(self, sku: Sku, product: ProductToSave) -> ShopProduct:
        """Enter a product, or change it to be so; a repeat changes nothing more."""
        ...

    @post(
        "/stock",
        scope="commerce:write",
        repeatable=True,
        status=200,
        raises=[UnknownStock, ReferenceReused, ShopProductVaries],
    )
    async def set_stock(self, stock: StockToSet) -> StockSet:
        """Set how many pieces may be sold, whatever the shop thought before; once for each reference."""
        ...

    @webhook("/webhooks", scope="commerce:receive", raises=[MessageUnreadable])
    async def receive_webhook(self, message: SignedMessage) -> MessageTaken:
        """Take in what the shop tells, each message once; an answer of 200 says that it is on disk."""
        ...

    @get("/events", scope="commerce:read", raises=[CursorExpired], timeout=30.0, waits=True)
    async def list_events(
        self,
        channel: Channel = "all",
        after: Cursor | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: PageSize = 100,
    ) -> EventFeed:
        """Return what the shop told, oldest first, each as `ShopRecordChanged`.

        With `Prefer: wait=n` an answer without any event waits for the first.

        Args:
            channel: Of which topic, with a hyphen for its slash; or of all topics that begin so, `orders`. A shop may
                say in one message that an order was made and paid, so follow these unless you know better.
            after: The `cursor` of the previous answer.
            begin: Where to begin without a cursor: with the oldest that is kept, or with the next to come.
            limit: At most so many.
        """
        ...
