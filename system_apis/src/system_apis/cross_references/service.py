"""The cross-references contract over SQL."""

from shared.contracts.canonical.identity import EntityKind, Identity, KeyInSystem, SystemKey, SystemName
from shared.contracts.canonical.values import Id
from shared.contracts.system.cross_references import CrossReferences, IdentityNotFound
from system_apis.cross_references import transactions
from system_apis.cross_references.connector import CrossReferenceDatabase


class SqlCrossReferences(CrossReferences):
    """Cross-references as one table holds them; each call is one transaction.

    Args:
        database: Where the table is.
    """

    def __init__(self, database: CrossReferenceDatabase) -> None:
        self._database = database

    async def get_identity(self, kind: EntityKind, canonical_id: Id) -> Identity:
        """As promised by `CrossReferences`."""
        found = await self._database.read("get_identity", lambda: transactions.identity(kind, canonical_id))
        if found is None:
            raise IdentityNotFound(f"No key of the {kind} {canonical_id} is noted.")
        return found

    async def find_identity(self, system: SystemName, kind: EntityKind, key: SystemKey) -> Identity:
        """As promised by `CrossReferences`."""
        found = await self._database.read("find_identity", lambda: transactions.owner(system, kind, key))
        if found is None:
            raise IdentityNotFound(f"{key} is noted as no {kind} in {system}.")
        return found

    async def note_key(self, kind: EntityKind, canonical_id: Id, system: SystemName, noted: KeyInSystem) -> Identity:
        """As promised by `CrossReferences`."""
        return await self._database.write("note_key", lambda: transactions.note(kind, canonical_id, system, noted.key))

    async def remove_key(self, kind: EntityKind, canonical_id: Id, system: SystemName) -> None:
        """As promised by `CrossReferences`."""
        await self._database.write("remove_key", lambda: transactions.forget(kind, canonical_id, system))
