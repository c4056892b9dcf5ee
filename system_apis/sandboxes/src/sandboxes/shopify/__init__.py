"""Shopify's Admin GraphQL API of one shop that sells the seed company's products, and its webhooks.

Products, variants, `productSet`, orders, `inventorySetQuantities` under `@idempotent` keys, webhook subscriptions; the
rest of the schema is not there. Queries cost what the documentation says and draw on a bucket. Searches know `sku:` and
`updated_at:`. Webhooks are signed, sent on real changes and repeated until they are answered with 2xx.

A token opens it: `TOKEN`, or SANDBOX_SHOPIFY_TOKEN; webhooks are signed with `WEBHOOK_SECRET`, or
SANDBOX_SHOPIFY_WEBHOOK_SECRET. Controls: `bucket` (`{"available", "maximum", "restore_rate"}`), `order` (`{"lines"}`:
somebody buys), `webhooks` (`{"retry_seconds"}`).
"""

from pathlib import Path

from sandboxes.kit import Clock, Sandbox, SandboxApp
from sandboxes.shopify.account import LOCATION, TOKEN, WEBHOOK_SECRET

__all__ = ["LOCATION", "TOKEN", "WEBHOOK_SECRET", "sandbox"]


def _create(state: Path | None, clock: Clock) -> SandboxApp:
    from sandboxes.shopify.app import create_app  # noqa: PLC0415 - see `account`

    return create_app(state, clock)


sandbox = Sandbox(name="shopify", create=_create, deferred=True)
