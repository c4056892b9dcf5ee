"""Who may hear of what (Change Data Capture Developer Guide, "Required Permissions"; Streaming API, "Permissions")."""

from typing import Any

from sandboxes.salesforce.access.views import Access
from sandboxes.salesforce.events import Event
from sandboxes.salesforce.events.channels import Channels
from sandboxes.salesforce.events.generic import GENERIC, GenericChannels
from sandboxes.salesforce.events.push_topics import TOPICS, PushTopics
from sandboxes.salesforce.schema import SObject

Payload = dict[str, Any]
_HEADER = "ChangeEventHeader"
_FIELD_LISTS = ("nulledFields", "diffFields", "changedFields")


class EventRights:
    """Which events of an org each user hears of.

    A channel of one thing is refused at the subscription. Channels of several may be subscribed to by everybody, and
    bring what the user may see.

    Args:
        access: Rights of users.
        channels: Channels of platform events and changes.
        push_topics: Those of PushTopics.
        generic: Those that texts are pushed into.
    """

    def __init__(
        self, access: Access, channels: Channels, push_topics: PushTopics, generic: GenericChannels
    ) -> None:  # fmt: skip
        self._access, self._channels, self._push_topics, self._generic = access, channels, push_topics, generic

    def topics(self, channel: str, user_id: str) -> list[str] | None:
        """The topics behind a channel that the user may hear; None when there is no such channel."""
        if channel.startswith((TOPICS, GENERIC)):
            known = self._push_topics.find(channel) is not None or self._generic.has(channel)
            found = [channel] if known else None
        else:
            found = self._channels.topics(channel)
        return None if found is None else [topic for topic in found if self._may_hear(topic, user_id)]

    def refuses(self, channel: str, user_id: str) -> bool:
        """Whether the user may not subscribe to a channel that there is."""
        return self._channels.topics(channel) in (None, [channel]) and not self.topics(channel, user_id)

    def may_publish(self, sobject: SObject, user_id: str) -> bool:
        """Whether the user may publish a platform event."""
        seen = self._access.of(user_id).get(sobject.name)
        return seen is not None and "Create" not in seen.denied

    def told(self, event: Event, user_id: str) -> Payload | None:
        """What the user hears of an event on one of their topics: fields they may read; None for nothing."""
        payload = event.payload
        if event.topic.startswith(GENERIC):
            meant: list[str] = payload["userIds"]
            return payload if not meant or user_id in meant else None
        if event.topic.startswith(TOPICS):
            topic = self._push_topics.find(event.topic)
            seen = self._access.of(user_id).get(topic.query.plan.sobject.name) if topic else None
            return None if seen is None else payload | {"sobject": _readable(payload["sobject"], seen)}
        sobject = self._channels.sobject(event.topic)
        seen = self._access.of(user_id).get(sobject.name) if sobject else None
        if seen is None or seen is sobject or _HEADER not in payload:
            return payload if seen is not None else None
        lists = {name: [each for each in payload[_HEADER][name] if _has(seen, each)] for name in _FIELD_LISTS}
        return _readable(payload, seen) | {_HEADER: payload[_HEADER] | lists}

    def _may_hear(self, topic: str, user_id: str) -> bool:
        catalogue = self._access.of(user_id)
        if topic.startswith(GENERIC):
            return catalogue.get("StreamingChannel") is not None
        if topic.startswith(TOPICS):
            query = found.query if (found := self._push_topics.find(topic)) else None
            seen = catalogue.get(query.plan.sobject.name) if query and catalogue.get("PushTopic") else None
            return seen is not None and query is not None and all(_has(seen, name) for name in query.tested)
        sobject = self._channels.sobject(topic)
        if sobject is None or catalogue.get(sobject.name) is None:
            return False
        return sobject.event or self._access.sees_all_records(user_id, sobject.name)


def _has(sobject: SObject, path: str) -> bool:
    return path.partition(".")[0].lower() in sobject.fields


def _readable(values: Payload, sobject: SObject) -> Payload:
    return {name: value for name, value in values.items() if _has(sobject, name)}
