"""The identity capability: which key in one system is which in another."""

from shared.binding.declare import Contract, Cursor, Page, PageSize, delete, get, post, put
from shared.binding.problems import Conflict, NotFound
from shared.contracts.canonical.identity import (
    EntityKind,
    Identity,
    IdentityRecord,
    KeyClaim,
    KeyCorrection,
    KeyInSystem,
    KeysToNote,
    ResolvedIdentity,
    SystemKey,
    SystemName,
)
from shared.contracts.canonical.values import Id


class IdentityNotFound(NotFound):
    """Nothing is noted under this id or key, and nothing ever was."""


class KeyTaken(Conflict):
    """This key is that of another thing, or this thing has another key there; `extensions` says which stands.

    Two records of one thing are for people to merge: remove the key that is wrong, then note the right one.
    """


class KeysDisagree(Conflict):
    """What one system says of a key is not what is noted; `extensions` says who says what.

    Nothing was done. Find out which is right, then correct that system, or what is noted.
    """


class KeyChanged(Conflict):
    """Another key stands than the one that was to be corrected; look again."""


class CrossReferences(Contract, tier="system", version="v1"):
    """Keeps what each thing is called in every system, so that nobody has to guess or to look it up by hand.

    The canonical id of a customer, contact, product or quote is that of the system of record, of an order or a return
    that of the flow that made it. One thing has one key in each system, and one key in a system is that of one thing.
    """

    @post("/resolutions", scope="cross-references:read", safe=True, raises=[KeysDisagree])
    async def resolve(self, claim: KeyClaim) -> ResolvedIdentity:
        """Return what a thing is called in every system; what is noted and what is said must agree.

        What is said and nobody noted is returned as said, unless it is noted as the key of another thing: verify it
        and note it. Nothing is noted by asking.
        """
        ...

    @get("/identities", scope="cross-references:read")
    async def list_identities(
        self,
        called: SystemKey | None = None,
        kind: EntityKind | None = None,
        cursor: Cursor | None = None,
        limit: PageSize = 50,
    ) -> Page[Identity]:
        """List things with their keys, by kind and canonical id.

        Args:
            called: Only what has this canonical id, or this key in any system.
            kind: Only things of this kind.
            cursor: Where the previous page ended.
            limit: Things a page.
        """
        ...

    @post("/identities", scope="cross-references:write", repeatable=True, status=200, raises=[KeyTaken])
    async def note_keys(self, keys: KeysToNote) -> list[Identity]:
        """Note keys of several things, all or none; repeating changes nothing."""
        ...

    @get("/identities/{kind}/{canonical_id}", scope="cross-references:read", raises=[IdentityNotFound])
    async def get_identity(self, kind: EntityKind, canonical_id: Id) -> IdentityRecord:
        """Return every key that is noted of a thing, and who noted, corrected or removed what, and why."""
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

    @post(
        "/identities/{kind}/{canonical_id}/keys/{system}/correction", scope="cross-references:correct",
        repeatable=True, status=200, raises=[IdentityNotFound, KeyTaken, KeyChanged],
    )  # fmt: skip
    async def correct_key(
        self, kind: EntityKind, canonical_id: Id, system: SystemName, correction: KeyCorrection
    ) -> IdentityRecord:
        """Put right by hand what a thing is called in a system; repeating changes nothing."""
        ...

    @delete("/identities/{kind}/{canonical_id}/keys/{system}", scope="cross-references:write")
    async def remove_key(self, kind: EntityKind, canonical_id: Id, system: SystemName) -> None:
        """Forget the key of a thing in a system, if one is noted."""
        ...
