"""Commerce over Shopify's Admin GraphQL API and its webhooks.

`pacing` waits for the bucket of calculated query costs.
"""

from shared.host.api import Api
from system_apis.shopify.service import ShopifyCommerce

__all__ = ["ShopifyCommerce", "api"]

api = Api(service=ShopifyCommerce, vendor="shopify")
