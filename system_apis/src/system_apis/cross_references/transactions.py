"""What happens in the database of cross-references.

The two unique constraints are the promise: a thing has one key in a system, and a key is that of one thing. Who loses
a race for either reads what won it.
"""

from collections.abc import Iterator
from typing import Final

from shared.contracts.canonical.identity import EntityKind, Identity
from shared.contracts.system.cross_references import KeyTaken
from shared.sql.transaction import Rows, Statement, Transaction

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS cross_reference (
        kind text NOT NULL, canonical_id text NOT NULL, system text NOT NULL, key text NOT NULL,
        noted_at timestamp with time zone NOT NULL,
        PRIMARY KEY (kind, canonical_id, system), UNIQUE (system, kind, key))""",
)
_KEYS = "SELECT system, key FROM cross_reference WHERE kind = $1 AND canonical_id = $2 ORDER BY system"
_OWNER = "SELECT canonical_id FROM cross_reference WHERE system = $1 AND kind = $2 AND key = $3"
_NOTE = """INSERT INTO cross_reference (kind, canonical_id, system, key, noted_at)
    VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING"""
_FORGET = "DELETE FROM cross_reference WHERE kind = $1 AND canonical_id = $2 AND system = $3"


def identity(kind: EntityKind, canonical_id: str) -> Transaction[Identity | None]:
    """A thing with its keys; None without any. Reads only."""
    rows = yield Statement(_KEYS, (kind, canonical_id))
    return Identity(kind, canonical_id, dict(_pairs(rows))) if rows else None


def _pairs(rows: Rows) -> Iterator[tuple[str, str]]:
    return ((system, key) for system, key in rows)


def owner(system: str, kind: EntityKind, key: str) -> Transaction[Identity | None]:
    """What a key is of; None if it is nobody's. Reads only."""
    rows = yield Statement(_OWNER, (system, kind, key))
    return (yield from identity(kind, rows[0][0])) if rows else None


def note(kind: EntityKind, canonical_id: str, system: str, key: str) -> Transaction[Identity]:
    """Note a key; raises KeyTaken when another stands in its place."""
    yield Statement(_NOTE, (kind, canonical_id, system, key))
    noted = yield from identity(kind, canonical_id)
    if noted is not None and noted.keys.get(system) == key:
        return noted
    stands = noted.keys.get(system) if noted is not None else None
    if stands is not None:
        raise KeyTaken(
            f"The {kind} {canonical_id} is {stands} in {system} already, not {key}; remove that key if it is wrong.",
            extensions={"canonicalId": canonical_id, "key": stands},
        )
    other = yield from owner(system, kind, key)
    canonical = other.canonical_id if other is not None else "another one"
    raise KeyTaken(
        f"{key} is the {kind} {canonical} in {system} already; remove it there if that is wrong.",
        extensions={"canonicalId": canonical, "key": key},
    )


def forget(kind: EntityKind, canonical_id: str, system: str) -> Transaction[None]:
    """Forget a key."""
    yield Statement(_FORGET, (kind, canonical_id, system))
