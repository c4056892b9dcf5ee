"""EasyPost API v2: addresses, parcels, shipments, labels, refunds and trackers of a test account.

Rates are invented but stable; customs forms are kept, not checked. Trackers move with the sandbox's clock:
pre_transit, after 4 hours in_transit, 6 hours before arrival out_for_delivery, then delivered.
Webhooks are signed and tell of every scan; the secret is that of `POST /webhooks`, or SANDBOX_EASYPOST_WEBHOOK_SECRET.
Control `rate-limit` (`{"per_minute": n}`) makes 429 happen, `webhooks` (`{"retry_seconds": n}`) hurries repeats.
"""

from sandboxes.easypost.api import API_KEY, create_app
from sandboxes.kit import Sandbox

__all__ = ["API_KEY", "sandbox"]

sandbox = Sandbox(name="easypost", create=create_app)
