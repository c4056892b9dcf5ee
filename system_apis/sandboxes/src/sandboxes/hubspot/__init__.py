"""HubSpot CRM API v3: contacts and notes of one portal that holds the seed company's people, with v4 associations.

- E-mail addresses are unique and kept in lower case; a batch reports each refused input by itself (207) where every
  input has an `objectWriteTraceId`, and is refused whole (400) otherwise.
- Search reads an index that may lag behind; reads by id do not.
- Only properties that exist are taken. Notes have one that an administrator made, `NOTE_REFERENCE`; more are made at
  `POST /crm/v3/properties/{objectType}`.

A private app's token opens it: `TOKEN`, or what SANDBOX_HUBSPOT_TOKEN says. Controls: `rate-limit`
(`{"per_ten_seconds", "per_day"}`, null for none), `index` (`{"lag_seconds"}`).
"""

from sandboxes.hubspot.api import TOKEN, create_app
from sandboxes.hubspot.portal import NOTE_REFERENCE
from sandboxes.kit import Sandbox

__all__ = ["NOTE_REFERENCE", "TOKEN", "sandbox"]

sandbox = Sandbox(name="hubspot", create=create_app, deferred=True)
