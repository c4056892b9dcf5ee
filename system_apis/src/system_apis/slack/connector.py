"""Slack's Web API: who we are there, and the methods we use."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from shared.resilience.once import Once
from shared.resilience.outbound import Outbound
from shared.resilience.outbound_faults import decode_json
from system_apis.slack.faults import NAME, problem_of_reply
from system_apis.slack.records import HistoryRecord, PostedRecord
from system_apis.slack.settings import SlackSettings

_PAGE = 200  # the most that Slack recommends


class Slack:
    """One app in one workspace.

    Args:
        settings: `[backends.slack]`.
        outbound: Makes the backend with its policies.

    Attributes:
        settings: The same.
        once: Posts messages of which Slack would post two.
    """

    def __init__(self, settings: SlackSettings, outbound: Outbound) -> None:
        self.settings = settings
        self.once: Once[PostedRecord] = Once(outbound.doubts, NAME, "message", settings.settle_seconds)
        self._backend = outbound.backend(NAME, settings, credentials=None, classify=problem_of_reply)

    async def post(self, message: dict[str, Any]) -> PostedRecord:
        """Post a message (chat.postMessage). Never repeated here: Slack would post it twice."""
        headers = self._headers() | {"content-type": "application/json; charset=utf-8"}
        reply = await self._backend.send(
            "POST", "/api/chat.postMessage", headers=headers, body=msgspec.json.encode(message), repeatable=False,
            operation="send_notification",
        )  # fmt: skip
        return decode_json(reply, PostedRecord, backend=NAME, repeatable=False)

    async def history(self, channel: str, oldest: float, cursor: str) -> HistoryRecord:
        """A page of a channel's messages with their metadata (conversations.history).

        Args:
            channel: Its id.
            oldest: Seconds since the epoch; only what came later.
            cursor: Of the page before; empty for the newest messages.
        """
        query = {"channel": channel, "oldest": f"{oldest:.6f}", "limit": _PAGE, "include_all_metadata": "true"}
        path = f"/api/conversations.history?{urlencode(query | ({'cursor': cursor} if cursor else {}))}"
        reply = await self._backend.send("GET", path, headers=self._headers(), operation="find_notification")
        return decode_json(reply, HistoryRecord, backend=NAME)

    def _headers(self) -> dict[str, str]:
        return {"accept": "application/json", "authorization": f"Bearer {self.settings.token.reveal()}"}
