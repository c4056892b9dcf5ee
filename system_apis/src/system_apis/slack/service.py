"""The notifications contract over Slack."""

import time

from shared.binding.problems import FieldError
from shared.contracts.canonical.notification import NewNotification, Notification
from shared.contracts.system.notifications import ChannelUnknown, NotificationNotFound, Notifications
from system_apis.slack.connector import Slack
from system_apis.slack.records import PostedRecord
from system_apis.slack.translator import carries, to_message, to_notification

_HOUR = 3600.0


class SlackNotifications(Notifications):
    """Notifications as messages of our app in Slack's channels."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def send_notification(self, notification: NewNotification) -> Notification:
        """As promised by `Notifications`. Looks before it posts, and again where the outcome is in doubt."""
        name, reference = notification.channel, notification.reference
        channel = self._slack.settings.channels.get(name)
        if channel is None:
            raise ChannelUnknown(
                f"No channel is called {name}; use one of those in the settings.",
                errors=[FieldError("There is no such channel.", pointer="/channel")],
            )
        message = to_message(notification, channel)
        posted = await self._slack.once.make(
            f"{channel}:{reference}", lambda: self._found(channel, reference), lambda: self._slack.post(message)
        )
        return to_notification(posted, name, reference)

    async def get_notification(self, channel: str, reference: str) -> Notification:
        """As promised by `Notifications`."""
        known = self._slack.settings.channels.get(channel)
        found = await self._found(known, reference) if known is not None else None
        if found is None:
            raise NotificationNotFound(f"Nothing was sent to {channel} as {reference}; check both, or send it.")
        return to_notification(found, channel, reference)

    async def _found(self, channel: str, reference: str) -> PostedRecord | None:
        """The message of this reference among the newest of its channel."""
        settings = self._slack.settings
        oldest = time.time() - settings.look_back_hours * _HOUR
        seen, cursor = 0, ""
        while seen < settings.look_back_messages:
            page = await self._slack.history(channel, oldest, cursor)
            for message in page.messages:
                if carries(message, reference):
                    return PostedRecord(channel, message.ts)
            seen += len(page.messages)
            cursor = page.response_metadata.next_cursor if page.response_metadata else ""
            if not (cursor and page.messages):
                break
        return None
