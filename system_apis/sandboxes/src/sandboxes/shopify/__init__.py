"""Shopify's Admin GraphQL API of one shop that sells the seed company's products, and its webhooks.

Products, variants, `productSet`, orders, `inventorySetQuantities` under `@idempotent` keys, webhook subscriptions; the
rest of the schema is not there. Queries cost what the documentation says and draw on a bucket. Searches know `sku:` and
`updated_at:`. Webhooks are signed, sent on real changes and repeated until they are answered with 2xx.

A token opens it: `TOKEN`, or SANDBOX_SHOPIFY_TOKEN; webhooks are signed with `WEBHOOK_SECRET`, or
SANDBOX_SHOPIFY_WEBHOOK_SECRET. Controls: `bucket` (`{"available", "maximum", "restore_rate"}`), `order` (`{"lines"}`:
somebody buys), `webhooks` (`{"retry_seconds"}`).
"""

from sandboxes.kit import Sandbox
from sandboxes.shopify.app import TOKEN, create_app
from sandboxes.shopify.shop import LOCATION
from sandboxes.shopify.webhooks import WEBHOOK_SECRET

__all__ = ["LOCATION", "TOKEN", "WEBHOOK_SECRET", "sandbox"]

sandbox = Sandbox(name="shopify", create=create_app, deferred=True)
