"""What can be subscribed to: `/event/Order_Status__e`, `/data/AccountChangeEvent`, `/data/ChangeEvents`, own ones."""

from sandboxes.salesforce.events.changes import Changes
from sandboxes.salesforce.events.shape import change_entity, change_topic
from sandboxes.salesforce.schema import Catalogue, SObject

ALL_CHANGES = "/data/ChangeEvents"


class Channels:
    """The channels of one org.

    Args:
        catalogue: The objects whose events there are.
        changes: Says which entities are selected for change data capture.
    """

    def __init__(self, catalogue: Catalogue, changes: Changes) -> None:
        self._catalogue, self._changes = catalogue, changes
        self.own: dict[str, list[str]] = {}
        """Channels that an administrator made, `/data/Sales__chn`: the topics of their members."""

    def topics(self, channel: str) -> list[str] | None:
        """The topics behind a channel; None when there is no such channel."""
        if channel == ALL_CHANGES:
            return [change_topic(each) for each in self._catalogue if each.name in self._changes.selected]
        if channel in self.own:
            return self.own[channel]
        return None if self.sobject(channel) is None else [channel]

    def sobject(self, topic: str) -> SObject | None:
        """The object whose events a topic carries: a platform event, or the object that changes."""
        kind, _, name = topic.removeprefix("/").partition("/")
        if kind == "event":
            found = self._catalogue.get(name)
            return found if found is not None and found.event and found.name == name else None
        if kind == "data":
            return next((each for each in self._catalogue if not each.event and change_entity(each) == name), None)
        return None
