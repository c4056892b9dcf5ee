"""The notifications capability."""

from shared.binding.declare import Contract, get, post
from shared.binding.problems import NotFound, Refused
from shared.contracts.canonical.notification import Channel, NewNotification, Notification
from shared.contracts.canonical.values import Id


class ChannelUnknown(Refused):
    """The operator gave no channel this name."""


class ChannelClosed(Refused):
    """The channel exists in the settings, and the messaging system does not let us in."""


class NotificationNotFound(NotFound):
    """Nothing was sent under this reference in this channel, or too long ago."""


class Notifications(Contract, tier="system", version="v1"):
    """Messages to people, each sent once."""

    @post(
        "/notifications",
        scope="notifications:write",
        repeatable=True,
        status=200,
        raises=[ChannelUnknown, ChannelClosed],
    )
    async def send_notification(self, notification: NewNotification) -> Notification:
        """Tell people something, once for each reference and channel.

        A reference that was sent already answers with that message and leaves it as it is; so a repeat is harmless,
        for as long as the messaging system is looked back through (a day, unless the operator says otherwise).
        """
        ...

    @get(
        "/channels/{channel}/notifications/{reference}",
        scope="notifications:read",
        raises=[NotificationNotFound, ChannelClosed],
    )
    async def get_notification(self, channel: Channel, reference: Id) -> Notification:
        """Return what was sent under a reference."""
        ...
