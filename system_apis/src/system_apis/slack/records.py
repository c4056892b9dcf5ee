"""Slack's objects as its Web API sends them (docs.slack.dev), as far as we use them."""

from typing import Annotated

import msgspec

Timestamp = Annotated[str, msgspec.Meta(pattern=r"^\d{10}\.\d{6}$")]
"""Seconds since the epoch; with its channel a message's id."""


class OutcomeRecord(msgspec.Struct, frozen=True):
    """Whether a call did what it should, and the code of why not."""

    ok: bool
    error: str = ""


class PostedRecord(msgspec.Struct, frozen=True):
    """chat.postMessage: the message as it stands in the channel."""

    channel: str
    ts: Timestamp


class MetadataRecord(msgspec.Struct, frozen=True):
    """What an app attached to its message."""

    event_type: str = ""
    event_payload: dict[str, object] = {}


class MessageRecord(msgspec.Struct, frozen=True):
    """One message."""

    ts: Timestamp
    metadata: MetadataRecord | None = None


class CursorRecord(msgspec.Struct, frozen=True):
    """Where the next page begins; empty at the end."""

    next_cursor: str = ""


class HistoryRecord(msgspec.Struct, frozen=True):
    """conversations.history: a page of messages, newest first."""

    messages: list[MessageRecord]
    response_metadata: CursorRecord | None = None
