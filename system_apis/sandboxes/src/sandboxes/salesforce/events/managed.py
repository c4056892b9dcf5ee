"""Managed subscriptions: the org remembers for a client how far it came."""

from msgspec import Struct

from sandboxes.salesforce.storage import Store


class Managed(Struct):
    """A managed subscription; `replay` is None until something was committed."""

    name: str
    topic: str
    replay: int | None


class ManagedSubscriptions:
    """The managed subscriptions of one org.

    Args:
        store: Keeps them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, name: str, topic: str) -> None:
        """Add a subscription, or leave a known one as it is."""
        self._store.execute("INSERT INTO _managed VALUES (?, ?, NULL) ON CONFLICT DO NOTHING", (name, topic))

    def find(self, name: str) -> Managed | None:
        """The subscription of this name."""
        rows = self._store.select("SELECT name, topic, replay FROM _managed WHERE name = ?", (name,))
        return Managed(*rows[0]) if rows else None

    def commit(self, name: str, replay: int) -> None:
        """Remember that everything up to here was processed."""
        self._store.execute("UPDATE _managed SET replay = ? WHERE name = ?", (replay, name))
