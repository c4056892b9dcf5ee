"""The commerce contract over Shopify."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import BackendFault, FieldError, Invalid
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.commerce import (
    ProductToSave,
    ShopOrder,
    ShopOrderSummary,
    ShopProduct,
    StockSet,
    StockToSet,
)
from shared.contracts.canonical.event_feed import EventFeed, MessageTaken
from shared.contracts.system.commerce import Commerce, ShopOrderNotFound, ShopProductNotFound
from shared.messaging.message_store import MessageStore
from shared.security.signature import SignatureVerifier
from shared.security.signature_schemes import SHOPIFY
from system_apis.shopify.connector import Shopify, gid
from system_apis.shopify.records import LineRecord, VariantRecord
from system_apis.shopify.translator import (
    changed_since,
    handle_of,
    items_of,
    key_of,
    only_variant,
    problem_of_product,
    problem_of_stock,
    product_input,
    quantities_input,
    to_order,
    to_product,
    to_summary,
    told_change,
)


class ShopifyCommerce(Commerce):
    """A web shop at Shopify."""

    signature = SHOPIFY

    def __init__(self, shopify: Shopify) -> None:
        self._shopify = shopify
        self._settings = shopify.settings
        self._messages = MessageStore(
            Path(self._settings.webhook_store), "shopify",
            keep_days=self._settings.keep_days, known_days=self._settings.known_days,
        )  # fmt: skip

    async def aclose(self) -> None:
        """Close the file of messages."""
        await self._messages.aclose()

    def signatures(self) -> SignatureVerifier:
        """By the app's client secret, and those besides it while it is replaced."""
        secrets = (self._settings.webhook_secret, *self._settings.other_webhook_secrets)
        return SignatureVerifier(SHOPIFY, secrets)

    async def get_order(self, order_id: str) -> ShopOrder:
        """As promised by `Commerce`, a hundred lines a call."""
        lines: list[LineRecord] = []
        after: str | None = None
        while True:
            record = await self._shopify.order(order_id, after) if order_id.isdecimal() else None
            if record is None or record.line_items is None:
                raise ShopOrderNotFound(f"The shop has no order {order_id}; check the id, which is not its number.")
            lines += record.line_items.nodes
            after = record.line_items.page_info.end_cursor
            if not record.line_items.page_info.has_next_page:
                return to_order(record, lines)

    async def list_orders(
        self, since: datetime | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[ShopOrderSummary]:
        """As promised by `Commerce`."""
        try:
            query = changed_since(since) if since is not None else None
        except OverflowError:
            error = FieldError("No date of the calendar in UTC.", parameter="since")
            raise Invalid("The moment cannot be asked for; correct it.", errors=[error]) from None
        after = decode_cursor(cursor, str) if cursor is not None else None
        page = await self._shopify.orders(query, after, limit)
        end = page.page_info.end_cursor if page.page_info.has_next_page else None
        return Page([to_summary(order) for order in page.nodes], encode_cursor(end) if end else None)

    async def get_product(self, sku: str) -> ShopProduct:
        """As promised by `Commerce`."""
        variant = await self._variant(sku)
        if variant is None:
            raise ShopProductNotFound(f"The shop sells nothing under the SKU {sku}.")
        return to_product(variant, self._settings.currency)

    async def save_product(self, sku: str, product: ProductToSave) -> ShopProduct:
        """As promised by `Commerce`. A new product has a handle made of its SKU, so a repeat finds it by that."""
        known = await self._variant(sku)
        wanted = product_input(sku, product, known, self._settings.currency)
        identifier = {"handle": handle_of(sku)} if known is None else {"id": known.product.id}
        answer = await self._shopify.set_product(identifier, wanted)
        if answer.user_errors:
            raise problem_of_product(answer.user_errors)
        variant = only_variant(answer.product.variants.nodes, sku) if answer.product else None
        if variant is None:
            raise BackendFault("shopify did not answer with the product that was saved; read it.")
        return to_product(variant, self._settings.currency)

    async def set_stock(self, stock: StockToSet) -> StockSet:
        """As promised by `Commerce`. Shopify remembers the idempotency key, which is made of the reference."""
        variants = await self._shopify.variants([level.sku for level in stock.levels])
        items = items_of(stock.levels, variants)
        location = gid("Location", self._settings.location)
        wanted = quantities_input(stock.reference, stock.levels, items, location)
        answer = await self._shopify.set_quantities(wanted, key_of(stock.reference))
        if answer.user_errors:
            raise problem_of_stock(answer.user_errors, stock.reference)
        return StockSet(stock.reference, stock.levels)

    async def receive_webhook(self, message: SignedMessage) -> MessageTaken:
        """As promised by `Commerce`. Which record it is about is kept, and nothing that it says of people.

        Shopify signs the body and nothing else, so a message is known again by its body alone.
        """
        kind, payload = told_change(message, self._settings.webhook_topics)
        kept = await self._messages.add(None, kind, payload, message.content)
        return MessageTaken(message.message_id, "kept" if kept else "repeated")

    async def list_events(
        self,
        channel: str = "all",
        after: str | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: int = 100,
    ) -> EventFeed:
        """As promised by `Commerce`."""
        return await self._messages.feed(channel, after, begin, limit)

    async def _variant(self, sku: str) -> VariantRecord | None:
        """The variant of a SKU: found by search, or, where the index is behind, by the handle that we gave it."""
        found = only_variant(await self._shopify.variants([sku]), sku)
        return found or only_variant(await self._shopify.by_handle(handle_of(sku)), sku)
