"""Generic streaming: texts that are pushed into a channel `/u/…` (Streaming API, "Generic Streaming")."""

from collections.abc import Callable, Sequence

from sandboxes.kit import Clock
from sandboxes.salesforce.events.bus import Bus
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.storage import Store

GENERIC = "/u/"
_TO_ALL = -1


class GenericChannels:
    """The StreamingChannel records of one org.

    Args:
        store: The records.
        bus: Where texts go.
        clock: Dates them.

    Attributes:
        listening: The ids of the users who listen to a channel now; the streaming door says.
    """

    def __init__(self, store: Store, bus: Bus, clock: Clock) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self.listening: Callable[[str], set[str]] = _nobody

    def has(self, channel: str) -> bool:
        """Whether there is such a channel; case counts."""
        sql = 'SELECT "Name" FROM "StreamingChannel" WHERE "Name" = ? AND "IsDeleted" = 0'
        return any(row[0] == channel for row in self._store.select(sql, (channel,)))

    def push(self, channel: str, payload: str, user_ids: Sequence[str]) -> dict[str, object]:
        """Push a text to everybody who listens, or to some; returns how many of those listen, and who."""
        moment = stored_moment(self._clock.now()).removesuffix("+0000") + "Z"
        with self._store.savepoint():
            told = {"payload": payload, "event": {"createdDate": moment}, "userIds": list(user_ids)}
            self._bus.publish(channel, told, counted=False)
            self._store.note(channel)
        if not user_ids:
            return {"fanoutCount": _TO_ALL, "userOnlineStatus": {}}
        listening = self.listening(channel)
        online = {user_id: user_id in listening for user_id in user_ids}
        return {"fanoutCount": sum(online.values()), "userOnlineStatus": online}


def _nobody(channel: str) -> set[str]:
    del channel
    return set()
