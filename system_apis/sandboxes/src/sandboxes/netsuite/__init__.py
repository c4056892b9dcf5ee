"""NetSuite: SuiteTalk REST (records, SuiteQL, async), SOAP and RESTlets of one account that holds the seed company.

- A customer's `entityId` is the company's customer number; its address book labels each place with the place's number.
- An item's `itemId` and `externalId` are the SKU, a location's `externalId` the warehouse code.
- Customers whose orders are blocked are on credit hold: saving an order for one is refused with USER_ERROR. An order
  beyond the credit limit is kept as Pending Approval. A line without quantity is refused.
- The idempotency key is refused outside asynchronous requests.
- Credit memos may be made in advance of the goods.

Sign in with the token (`CONSUMER_KEY`, `CONSUMER_SECRET`, `TOKEN_ID`, `TOKEN_SECRET` of `ACCOUNT`), or with an
assertion of `CLIENT_ID` under `CERTIFICATE_ID`. Whoever starts the sandbox chooses the secrets by
SANDBOX_NETSUITE_CONSUMER_SECRET, SANDBOX_NETSUITE_TOKEN_SECRET and SANDBOX_NETSUITE_PUBLIC_KEY_FILE.

Controls: `concurrency` (`{"limit", "others", "seconds", "own"}`), `async` (`{"delay_seconds"}`), `certificate`
(`{"certificate_id", "public_key"}`), `contend` (`{"times"}`), `expire-tokens`, `fulfil` (`{"order", "until"}`),
`customer` (`{"entityId", "creditHoldOverride", ...}`).
"""

from sandboxes.kit import Sandbox
from sandboxes.netsuite.app import create_app
from sandboxes.netsuite.auth.credentials import (
    ACCOUNT,
    CERTIFICATE_ID,
    CLIENT_ID,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    TOKEN_ID,
    TOKEN_SECRET,
)

__all__ = [
    "ACCOUNT",
    "CERTIFICATE_ID",
    "CLIENT_ID",
    "CONSUMER_KEY",
    "CONSUMER_SECRET",
    "TOKEN_ID",
    "TOKEN_SECRET",
    "sandbox",
]

sandbox = Sandbox(name="netsuite", create=create_app, deferred=True)
