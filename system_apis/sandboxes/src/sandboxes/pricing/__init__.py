"""A pricing service over JSON: list prices, quantity scales, agreements with customers, of the seed company.

`GET /v1/prices?customer=&currency=&date=&sku=&quantity=…` (sku and quantity once for each line) and
`GET /v1/customers/{number}/agreements`, with the key in `X-API-Key`. Prices carry `ETag` and `Cache-Control`.
Controls: `agreement` (adds one), `max-age` (`{"seconds": n}`) and `rate-limit` (`{"requests": n}`: so many more
are answered in this minute).
"""

from sandboxes.kit import Sandbox
from sandboxes.pricing.api import API_KEY, create_app

__all__ = ["API_KEY", "sandbox"]

sandbox = Sandbox(name="pricing", create=create_app, deferred=True)
