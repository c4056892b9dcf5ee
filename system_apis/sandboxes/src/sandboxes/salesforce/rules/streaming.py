"""PushTopics and generic channels: what they may be called and ask."""

from sandboxes.salesforce.events.generic import GENERIC
from sandboxes.salesforce.events.topic_queries import topic_query
from sandboxes.salesforce.faults import bad_field
from sandboxes.salesforce.rules.ruling import Change, Rules

_OLDEST = 20.0


def _topic(change: Change) -> None:
    if change.row["ApiVersion"] < _OLDEST:
        raise bad_field("INVALID_FIELD", f"ApiVersion must be {_OLDEST} or later", "ApiVersion")
    if change.changed("Query"):
        topic_query(change.store.catalogue, change.row["Query"])


def _channel(change: Change) -> None:
    if not change.row["Name"].startswith(GENERIC):
        raise bad_field("INVALID_FIELD", f"Streaming Channel Name must begin with {GENERIC}", "Name")


PUSH_TOPIC, STREAMING_CHANNEL = Rules(before=_topic), Rules(before=_channel)
