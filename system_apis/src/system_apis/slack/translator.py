"""Notifications → Slack's messages, in which callers' text stays text; and back. Pure functions."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.canonical.notification import Fact, NewNotification, Notification, NotificationLink
from system_apis.slack.records import MessageRecord, PostedRecord

EVENT_TYPE = "triptych_notification"
"""Of the metadata that carries our reference."""

_SECTION_LIMIT = 3000  # docs.slack.dev/reference/block-kit/blocks/section-block
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Document = dict[str, Any]


def escaped(text: str) -> str:
    """Text without Slack's control characters: `<!channel>`, `<@U…>` and `<https://…>` are read, not acted upon."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def to_message(notification: NewNotification, channel: str) -> Document:
    """A message for chat.postMessage; `text` is what screens and pop-ups show in place of blocks."""
    return {
        "channel": channel,
        "text": escaped(notification.text),
        "blocks": list(_blocks(notification)),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"reference": notification.reference}},
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _blocks(notification: NewNotification) -> Iterator[Document]:
    for piece in pieces(notification.text):
        yield {"type": "section", "text": _text(piece)}
    if notification.facts:
        yield {"type": "section", "fields": [_text(_fact(fact)) for fact in notification.facts]}
    if notification.link is not None:
        yield {"type": "section", "text": _text(_link(notification.link))}


def pieces(text: str) -> list[str]:
    """Escaped text in pieces that a section holds, none of them blank; no character is torn apart."""
    found, piece = list[str](), ""
    for character in map(escaped, text):
        if len(piece) + len(character) > _SECTION_LIMIT:
            found.append(piece)
            piece = ""
        piece += character
    return [one for one in (*found, piece) if one.strip()]


def _text(text: str) -> Document:
    """`verbatim` keeps Slack from making links of what looks like an address or a channel's name."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fact(fact: Fact) -> str:
    return f"*{escaped(fact.label)}*\n{escaped(fact.value)}"


def _link(link: NotificationLink) -> str:
    return f"<{escaped(link.url)}|{escaped(link.label)}>"


def carries(message: MessageRecord, reference: str) -> bool:
    """Whether a message is the one that was sent under this reference."""
    metadata = message.metadata
    return (
        metadata is not None
        and metadata.event_type == EVENT_TYPE
        and metadata.event_payload.get("reference") == reference
    )


def to_notification(posted: PostedRecord, channel: str, reference: str) -> Notification:
    """What stands in the channel, under the channel's name here."""
    seconds, _, microseconds = posted.ts.partition(".")
    sent = _EPOCH + timedelta(seconds=int(seconds), microseconds=int(microseconds))
    return Notification(reference, channel, posted.ts, sent)
