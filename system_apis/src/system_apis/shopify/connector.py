"""One Shopify shop over the Admin GraphQL API."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from shared.binding.problems import BackendFault
from shared.resilience.outbound import BackendSettings, Outbound
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret
from system_apis.shopify import queries
from system_apis.shopify.faults import NAME, envelope_of, problem_of
from system_apis.shopify.pacing import CostBucket
from system_apis.shopify.records import (
    FoundByHandle,
    FoundOrder,
    FoundOrders,
    FoundVariants,
    OrderRecord,
    OrdersRecord,
    ProductSet,
    QuantitiesPayload,
    QuantitiesSet,
    SetPayload,
    VariantRecord,
)

TOPICS = (
    "orders/create", "orders/updated", "orders/paid", "orders/fulfilled", "orders/partially_fulfilled",
    "orders/cancelled", "orders/delete", "products/create", "products/update", "products/delete",
    "inventory_levels/update",
)  # fmt: skip
"""Of what `Commerce` reads: orders, products, stock."""

_T = TypeVar("_T")


class ShopifySettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.shopify]` of a topology; what every backend has, and:

    Attributes:
        url: `https://<shop>.myshopify.com`.
        token: Reference to the Admin API access token. The app needs `read_orders`, `write_products`,
            `write_inventory` and `read_locations`.
        webhook_secret: Reference to the app's client secret, which signs webhooks.
        other_webhook_secrets: References to further ones that count as well, while the secret is replaced.
        webhook_store: The SQLite file that keeps what webhooks told.
        api_version: Of the Admin API; from 2026-04 on stock is set under idempotency keys.
        location: Numeric id of the place whose stock we set.
        currency: The shop's.
        max_cost_wait: Seconds to wait for the bucket of query costs at most.
        webhook_topics: What may be told of; other topics are refused, since Shopify does not sign which it is.
        keep_days: How long what webhooks told is kept.
        known_days: How long a message is known again, so that one that was caught tells nothing new.
    """  # noqa: D415 - a heading that the list completes

    token: Secret
    webhook_secret: Secret
    webhook_store: str
    location: str
    api_version: str = "2026-04"
    currency: str = "EUR"
    max_cost_wait: float = 5.0
    webhook_topics: tuple[str, ...] = TOPICS
    keep_days: float = 30.0
    known_days: float = 730.0
    other_webhook_secrets: tuple[Secret, ...] = ()


class _AccessToken:
    """The app's token, read anew for each request, so that a rotated one needs no restart."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def headers(self) -> Mapping[str, str]:
        """`X-Shopify-Access-Token`."""
        return {"x-shopify-access-token": self._token.reveal()}

    def refused(self, reply: WireReply) -> bool:
        """Never: there is no other token."""
        del reply
        return False

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Nothing to renew."""
        del used
        return False


class Shopify:
    """One shop. Every request may be repeated: writes are upserts, or carry an idempotency key."""

    def __init__(self, settings: ShopifySettings, outbound: Outbound) -> None:
        self.settings = settings
        self._bucket = CostBucket(settings.max_cost_wait)
        self._path = f"/admin/api/{settings.api_version}/graphql.json"
        self._backend = outbound.backend(NAME, settings, credentials=_AccessToken(settings.token), classify=problem_of)

    async def order(self, number: str, after: str | None) -> OrderRecord | None:
        """The order of this numeric id, with a page of its lines."""
        wanted = {"id": gid("Order", number), "lines": queries.LINES_A_PAGE, "after": after}
        return (await self._ask(queries.ORDER, wanted, FoundOrder, "get_order")).order

    async def orders(self, query: str | None, after: str | None, first: int) -> OrdersRecord:
        """A page of orders by their latest change, oldest first."""
        wanted = {"first": first, "after": after, "query": query}
        return (await self._ask(queries.ORDERS, wanted, FoundOrders, "list_orders")).orders

    async def variants(self, skus: Sequence[str]) -> list[VariantRecord]:
        """The variants of these SKUs, by a search whose index may be seconds behind; others may be among them."""
        query = " OR ".join(f'sku:"{_escaped(sku)}"' for sku in skus)
        wanted = {"first": min(250, len(skus) * queries.VARIANTS_A_SKU), "query": query}
        return (await self._ask(queries.VARIANTS, wanted, FoundVariants, "find_variants")).product_variants.nodes

    async def by_handle(self, handle: str) -> list[VariantRecord]:
        """The variants of the product with this handle; never behind."""
        found = await self._ask(queries.BY_HANDLE, {"handle": handle}, FoundByHandle, "get_product")
        return found.product_by_identifier.variants.nodes if found.product_by_identifier else []

    async def set_product(self, identifier: Mapping[str, str], product: Mapping[str, Any]) -> SetPayload:
        """Make a product be so, new or not."""
        wanted = {"identifier": identifier, "input": product}
        return (await self._ask(queries.PRODUCT_SET, wanted, ProductSet, "save_product")).product_set

    async def set_quantities(self, quantities: Mapping[str, Any], key: str) -> QuantitiesPayload:
        """Set stock, once for each key."""
        wanted = {"input": quantities, "key": key}
        answer = await self._ask(queries.SET_QUANTITIES, wanted, QuantitiesSet, "set_stock")
        return answer.inventory_set_quantities

    async def _ask(self, document: str, variables: Mapping[str, Any], kind: type[_T], operation: str) -> _T:
        body = msgspec.json.encode({"query": document, "variables": variables})
        headers = {"accept": "application/json", "content-type": "application/json"}

        def classify(reply: WireReply) -> Any:
            problem = problem_of(reply)
            if reply.status == 200 and (cost := envelope_of(reply).extensions.cost):  # noqa: PLR2004 - HTTP
                self._bucket.observe(operation, cost)
            return problem

        async with self._bucket.share(operation):
            reply = await self._backend.send(
                "POST", self._path, headers=headers, body=body, repeatable=True, operation=operation, classify=classify
            )
        try:
            return msgspec.json.decode(envelope_of(reply).data, type=kind)
        except msgspec.DecodeError:
            raise BackendFault("shopify answered with data of another shape than agreed.") from None


def gid(kind: str, number: str) -> str:
    """A global id."""
    return f"gid://shopify/{kind}/{number}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
