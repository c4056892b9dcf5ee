"""The identity capability: which key in one system is which in another."""

from shared.binding.declare import Contract, delete, get, put
from shared.binding.problems import Conflict, NotFound
from shared.contracts.canonical.identity import EntityKind, Identity, KeyInSystem, SystemKey, SystemName
from shared.contracts.canonical.values import Id


class IdentityNotFound(NotFound):
    """Nothing is noted under this id or key."""


class KeyTaken(Conflict):
    """This key is that of another thing, or this thing has another key there; `extensions` says which stands.

    Two records of one thing are for people to merge: remove the key that is wrong, then note the right one.
    """


class CrossReferences(Contract, tier="system", version="v1"):
    """Keeps what each thing is called in every system, so that nobody has to guess or to look it up by hand.

    The canonical id of a customer, contact, product or quote is that of the system of record. One thing has one key in
    each system, and one key in a system is that of one thing.
    """

    @get("/identities/{kind}/{canonical_id}", scope="cross-references:read", raises=[IdentityNotFound])
    async def get_identity(self, kind: EntityKind, canonical_id: Id) -> Identity:
        """Return every key that is noted of a thing."""
        ...

    @get("/systems/{system}/{kind}/{key}", scope="cross-references:read", raises=[IdentityNotFound])
    async def find_identity(self, system: SystemName, kind: EntityKind, key: SystemKey) -> Identity:
        """Return what a key in a system is the key of."""
        ...

    @put(
        "/identities/{kind}/{canonical_id}/keys/{system}", scope="cross-references:write", raises=[KeyTaken]
    )  # fmt: skip
    async def note_key(self, kind: EntityKind, canonical_id: Id, system: SystemName, noted: KeyInSystem) -> Identity:
        """Note the key of a thing in a system; repeating changes nothing."""
        ...

    @delete("/identities/{kind}/{canonical_id}/keys/{system}", scope="cross-references:write")
    async def remove_key(self, kind: EntityKind, canonical_id: Id, system: SystemName) -> None:
        """Forget the key of a thing in a system, if one is noted."""
        ...
