"""Marketo Engage's REST API: people and their activities in one subscription that holds the seed company's people.

- Refusals are 200 with `success` false and a number; records of a batch are refused one by one with reasons.
- `createOrUpdate` looks first and writes later: two requests about one address that overlap make two people.
- Custom activities of the approved type `ACTIVITY_TYPE` are added as often as they are sent.
- Ten requests at once; further ones are refused (615).

`CLIENT_ID` and `CLIENT_SECRET`, or what SANDBOX_MARKETO_CLIENT_SECRET says, get tokens, which `expire-tokens` ends.
Controls: `limits` (`{"per_window", "per_day", "at_once"}`, null for none), `work` (`{"seconds"}` that a search or a
write takes).
"""

from sandboxes.kit import Sandbox
from sandboxes.marketo.api import CLIENT_ID, CLIENT_SECRET, create_app
from sandboxes.marketo.subscription import ACTIVITY_TYPE

__all__ = ["ACTIVITY_TYPE", "CLIENT_ID", "CLIENT_SECRET", "sandbox"]

sandbox = Sandbox(name="marketo", create=create_app, deferred=True)
