"""The event bus: platform events and change data capture, whichever door a change came through."""

from sandboxes.salesforce.events.bus import Bus, Event
from sandboxes.salesforce.events.changes import Changes

__all__ = ["Bus", "Changes", "Event"]
