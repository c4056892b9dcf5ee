"""PushTopics and generic channels, which only the Streaming API has (Streaming API Developer Guide)."""

from typing import Any, Final

import msgspec

from shared.binding.problems import BackendFault
from shared.contracts.system.salesforce_events import RecordNotice, TextNotice
from system_apis.salesforce.events.position import position_of
from system_apis.salesforce.events.received import Received

_TOPIC: Final = "/topic/"
_GENERIC: Final = "/u/"


class _Event(msgspec.Struct, rename="camel"):
    replay_id: int
    created_date: str
    type: str = ""


class _OfTopic(msgspec.Struct):
    event: _Event
    sobject: dict[str, Any]


class _OfChannel(msgspec.Struct):
    event: _Event
    payload: str


def is_streamed_only(channel: str) -> bool:
    """Whether the Pub/Sub API does not know such a channel, whatever door is set."""
    return channel.startswith((_TOPIC, _GENERIC))


def received_of(message: dict[str, Any], channel: str) -> Received:
    """A message of such a channel.

    Raises:
        BackendFault: It has no replay id, or not the shape of its kind.
    """
    try:
        if channel.startswith(_TOPIC):
            told = msgspec.convert(message["data"], _OfTopic)
            notice = RecordNotice(told.event.type, str(told.sobject.pop("Id")), told.sobject)
        else:
            told = msgspec.convert(message["data"], _OfChannel)
            notice = TextNotice(told.payload)
    except (KeyError, msgspec.ValidationError):
        raise BackendFault(f"Salesforce's streaming API sent what is no event of {channel}.") from None
    replay = str(told.event.replay_id)
    payload: dict[str, Any] = msgspec.to_builtins(notice)
    name = channel.removeprefix(_TOPIC).removeprefix(_GENERIC).replace("/", "_")
    return Received(f"{channel}/{replay}", name, payload, position_of(replay.encode()), at=told.event.created_date)
