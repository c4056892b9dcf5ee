"""The cross-references contract over SQL."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from shared.binding.call_context import current_context
from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
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
from shared.contracts.system.cross_references import CrossReferences, IdentityNotFound
from shared.sql.transaction import Transaction
from system_apis.cross_references import transactions
from system_apis.cross_references.connector import CrossReferenceDatabase
from system_apis.cross_references.remembered import RememberedKeys
from system_apis.cross_references.transactions import Author, KeyRow

_T = TypeVar("_T")


class SqlCrossReferences(CrossReferences):
    """Cross-references as two tables hold them; each call is one transaction.

    Args:
        database: Where the tables are.
        remembered: What was asked lately.
    """

    def __init__(self, database: CrossReferenceDatabase, remembered: RememberedKeys) -> None:
        self._database = database
        self._remembered = remembered

    async def resolve(self, claim: KeyClaim) -> ResolvedIdentity:
        """As promised by `CrossReferences`."""
        if known := self._remembered.of(claim):
            return known
        changes = self._remembered.changes
        resolved = await self._database.read("resolve", lambda: transactions.resolve(claim))
        self._remembered.keep(claim, resolved, changes)
        return resolved

    async def list_identities(
        self,
        called: SystemKey | None = None,
        kind: EntityKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Identity]:
        """As promised by `CrossReferences`."""
        after = decode_cursor(cursor, tuple[str, str]) if cursor is not None else ("", "")
        found = await self._database.read("list_identities", lambda: transactions.page(called, kind, after, limit + 1))
        last = found[limit - 1] if len(found) > limit else None
        return Page(found[:limit], encode_cursor((last.kind, last.canonical_id)) if last is not None else None)

    async def note_keys(self, keys: KeysToNote) -> list[Identity]:
        """As promised by `CrossReferences`."""
        things: list[tuple[EntityKind, str]] = list(
            dict.fromkeys((each.kind, each.canonical_id) for each in keys.things)
        )
        author = _author()
        rows = [KeyRow(each.kind, each.canonical_id, *pair) for each in keys.things for pair in each.keys.items()]

        def noting() -> Transaction[list[Identity]]:
            yield from transactions.note(rows, author)
            noted: list[Identity] = []
            for kind, canonical_id in things:
                noted.append((yield from transactions.identity(kind, canonical_id)))
            return noted

        return await self._change("note_keys", things, noting)

    async def get_identity(self, kind: EntityKind, canonical_id: Id) -> IdentityRecord:
        """As promised by `CrossReferences`."""
        found = await self._database.read("get_identity", lambda: transactions.record(kind, canonical_id))
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
        author = _author()

        def noting() -> Transaction[Identity]:
            yield from transactions.note([KeyRow(kind, canonical_id, system, noted.key)], author)
            return (yield from transactions.identity(kind, canonical_id))

        return await self._change("note_key", [(kind, canonical_id)], noting)

    async def correct_key(
        self, kind: EntityKind, canonical_id: Id, system: SystemName, correction: KeyCorrection
    ) -> IdentityRecord:
        """As promised by `CrossReferences`."""
        author = _author()

        def correcting() -> Transaction[IdentityRecord]:
            yield from transactions.correct(kind, canonical_id, system, correction, author)
            record = yield from transactions.record(kind, canonical_id)
            return record or IdentityRecord(kind, canonical_id, {}, [])

        return await self._change("correct_key", [(kind, canonical_id)], correcting)

    async def remove_key(self, kind: EntityKind, canonical_id: Id, system: SystemName) -> None:
        """As promised by `CrossReferences`."""
        author = _author()

        def forgetting() -> Transaction[None]:
            yield from transactions.forget(kind, canonical_id, system, author)

        await self._change("remove_key", [(kind, canonical_id)], forgetting)

    async def _change(
        self, operation: str, things: Iterable[tuple[str, str]], work: Callable[[], Transaction[_T]]
    ) -> _T:
        """The outcome of a write; nothing that was read before it is remembered after it."""
        changed = list(things)
        try:
            return await self._database.write(operation, work)
        finally:
            self._remembered.forget(changed)


def _author() -> Author:
    """Of the call; the transaction itself may run in another thread, which knows of none."""
    context = current_context()
    return Author(context.principal.subject if context.principal else "", context.correlation_id)
