"""Slack's Web API for one app in one workspace: `auth.test`, `chat.postMessage`, `conversations.history` and `.list`.

The app `TOKEN` belongs to is in `orders` and `approvals`, not in `board`; `retired` is archived. The ledger lists
each message with the control sequences (`<...>`: mentions, links) that Slack would act upon.
Control `rate-limit` (`{"seconds": n}`) makes everything 429 for so long.
"""

from sandboxes.kit import Sandbox
from sandboxes.slack.api import TOKEN, create_app
from sandboxes.slack.workspace import CHANNELS

__all__ = ["CHANNELS", "TOKEN", "sandbox"]

sandbox = Sandbox(name="slack", create=create_app, deferred=True)
