"""What hearing of an org's events and publishing there asks for, by the channels that the settings name."""

import re
from collections.abc import Iterable
from typing import Final, Self

from shared.governance.access import Access, ObjectAccess, together
from shared.security.secrets import Secret
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.permission_set import permission_set

_CHANGES = re.compile(r"/data/([A-Za-z0-9_]+?)(__)?ChangeEvent")
_SET_BY_PUBLISHERS: Final = frozenset({"CreatedById", "CreatedDate"})
_BY_PREFIX: Final = (("/topic/", "PushTopic"), ("/u/", "StreamingChannel"))


class EventsAccess:
    """What `OrgEvents` needs in an org (Change Data Capture Developer Guide, "Required Permissions").

    Change events are told of every record, so they ask for View All Records of their object, and hold only fields that
    the user may read: those that other APIs of the suite declare. What a channel of several brings
    (`/data/ChangeEvents`, `…__chn`) cannot be seen from its name: name the channels of its members. Nor can it be seen
    which object a PushTopic asks.

    Args:
        settings: They name the channels and the published events.
    """

    def __init__(self, settings: SalesforceSettings) -> None:
        self._settings = settings

    @classmethod
    def usual(cls) -> Self:
        """For an org of which nobody subscribes to anything."""
        return cls(SalesforceSettings(url="", username="triptych", private_key=Secret("env:NONE", checked=False)))

    def operations(self) -> dict[str, Access]:
        """What each operation touches."""
        published = ObjectAccess(create=_SET_BY_PUBLISHERS)
        return {
            "list_events": heard(self._settings.event_channels),
            "publish_event": dict.fromkeys(self._settings.published_events, published),
        }

    def undeclared(self) -> list[str]:
        """Nothing: what is sent follows from a channel's name."""
        return []

    def permission_set(self, access: Access) -> str:
        """The PermissionSet that grants this access (Metadata API Developer Guide, "PermissionSet")."""
        return permission_set(access)


def heard(channels: Iterable[str]) -> dict[str, ObjectAccess]:
    """The objects that subscribers of these channels must be able to read."""
    return together(_of(channel) for channel in channels)


def _of(channel: str) -> Access:
    changes = _CHANGES.fullmatch(channel)
    if changes is not None:
        name = changes[1] + ("__c" if changes[2] else "")
        return {name: ObjectAccess(all_records=True)}
    if channel.startswith("/event/") and channel.endswith("__e"):
        return {channel.removeprefix("/event/"): ObjectAccess()}
    return {sobject: ObjectAccess() for prefix, sobject in _BY_PREFIX if channel.startswith(prefix)}
