"""What happens in the database of cross-references.

The two unique constraints are the promise: a thing has one key in a system, and a key is that of one thing. Who loses
a race for either reads what won it. Every change leaves a row that says who made it; nothing removes those.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from shared.contracts.canonical.identity import (
    EntityKind,
    Identity,
    IdentityRecord,
    KeyChange,
    KeyClaim,
    KeyCorrection,
    ResolvedIdentity,
)
from shared.contracts.system.cross_references import IdentityNotFound, KeyChanged, KeysDisagree, KeyTaken
from shared.sql.transaction import Rows, Statement, Transaction

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS cross_reference (
        kind text NOT NULL, canonical_id text NOT NULL, system text NOT NULL, key text NOT NULL,
        noted_at timestamp with time zone NOT NULL,
        PRIMARY KEY (kind, canonical_id, system), UNIQUE (system, kind, key))""",
    "CREATE INDEX IF NOT EXISTS cross_reference_key ON cross_reference (key)",
    "CREATE INDEX IF NOT EXISTS cross_reference_canonical_id ON cross_reference (canonical_id)",
    """CREATE TABLE IF NOT EXISTS cross_reference_change (
        kind text NOT NULL, canonical_id text NOT NULL, at timestamp with time zone NOT NULL, act text NOT NULL,
        system text NOT NULL, changed_by text NOT NULL, key text NOT NULL, was text NOT NULL, reason text NOT NULL,
        correlation_id text NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS cross_reference_changes ON cross_reference_change (kind, canonical_id, at)",
)
_KEYS = "SELECT system, key FROM cross_reference WHERE kind = $1 AND canonical_id = $2 ORDER BY system"
_OWNER = "SELECT canonical_id FROM cross_reference WHERE system = $1 AND kind = $2 AND key = $3"
_NOTE = """INSERT INTO cross_reference (kind, canonical_id, system, key, noted_at) VALUES {rows}
    ON CONFLICT DO NOTHING RETURNING kind, canonical_id, system, key"""
_FORGET = "DELETE FROM cross_reference WHERE kind = $1 AND canonical_id = $2 AND system = $3 RETURNING key"
_FORGET_THIS = """DELETE FROM cross_reference WHERE kind = $1 AND canonical_id = $2 AND system = $3 AND key = $4
    RETURNING key"""
_TELL = """INSERT INTO cross_reference_change
    (kind, canonical_id, system, key, at, act, changed_by, was, reason, correlation_id) VALUES {rows}"""
_CHANGES = """SELECT at, act, system, changed_by, key, was, reason, correlation_id FROM cross_reference_change
    WHERE kind = $1 AND canonical_id = $2 ORDER BY at"""
_PAGE = """SELECT r.kind, r.canonical_id, r.system, r.key FROM cross_reference AS r JOIN (
        SELECT kind, canonical_id FROM cross_reference WHERE (kind, canonical_id) > ($1, $2) {only}
        GROUP BY kind, canonical_id ORDER BY kind, canonical_id LIMIT $3
    ) AS p ON r.kind = p.kind AND r.canonical_id = p.canonical_id
    ORDER BY r.kind, r.canonical_id, r.system"""


class KeyRow(NamedTuple):
    """One key of one thing."""

    kind: EntityKind
    canonical_id: str
    system: str
    key: str


class Author(NamedTuple):
    """Who makes a change, and on behalf of which order or onboarding."""

    subject: str
    correlation_id: str


def identity(kind: EntityKind, canonical_id: str) -> Transaction[Identity]:
    """A thing with its keys, if it has any. Reads only."""
    rows = yield Statement(_KEYS, (kind, canonical_id))
    return Identity(kind, canonical_id, dict(_pairs(rows)))


def record(kind: EntityKind, canonical_id: str) -> Transaction[IdentityRecord | None]:
    """A thing with its keys and what was done to them; None for one that never had any. Reads only."""
    known = yield from identity(kind, canonical_id)
    rows = yield Statement(_CHANGES, (kind, canonical_id))
    changes = [_change(*row) for row in rows]
    return IdentityRecord(kind, canonical_id, known.keys, changes) if known.keys or changes else None


def owner(system: str, kind: EntityKind, key: str) -> Transaction[Identity | None]:
    """What a key is of; None if it is nobody's. Reads only."""
    rows = yield Statement(_OWNER, (system, kind, key))
    return (yield from identity(kind, rows[0][0])) if rows else None


def page(called: str | None, kind: str | None, after: tuple[str, str], limit: int) -> Transaction[list[Identity]]:
    """Things by kind and canonical id, after one of them. Reads only."""
    values, only = [*after, limit], ""
    for clause, value in (("kind = $n", kind), ("(canonical_id = $n OR key = $n)", called)):
        if value is not None:
            values.append(value)
            only += f" AND {clause.replace('$n', f'${len(values)}')}"
    rows = yield Statement(_PAGE.format(only=only), tuple(values))
    found: dict[tuple[EntityKind, str], Identity] = {}
    for each_kind, canonical_id, system, key in rows:
        known = found.setdefault((each_kind, canonical_id), Identity(each_kind, canonical_id, {}))
        known.keys[system] = key
    return list(found.values())


def resolve(claim: KeyClaim) -> Transaction[ResolvedIdentity]:
    """The keys that are noted and said of a thing; raises KeysDisagree. Reads only."""
    kind, canonical_id, said = claim.kind, claim.canonical_id, claim.keys
    noted = (yield from identity(kind, canonical_id)).keys
    for system, key in said.items():
        if noted.get(system, key) != key:
            raise _disagreement(claim, system, canonical_id, noted[system])
    unnoted = [system for system in said if system not in noted]
    for system in unnoted:
        rows = yield Statement(_OWNER, (system, kind, said[system]))
        if rows and rows[0][0] != canonical_id:  # noted meanwhile, if it is its own
            raise _disagreement(claim, system, rows[0][0], said[system])
    return ResolvedIdentity(kind, canonical_id, {**said, **noted}, unnoted)


def _disagreement(claim: KeyClaim, system: str, canonical_id: str, key: str) -> KeysDisagree:
    said = claim.keys[system]
    return KeysDisagree(
        f"The {claim.said_by} says that the {claim.kind} {claim.canonical_id} is {said} in {system}; noted is that the "
        f"{claim.kind} {canonical_id} is {key} there. Correct the {claim.said_by}, or what is noted.",
        extensions={
            "system": system, "saidBy": claim.said_by, "said": {"canonicalId": claim.canonical_id, "key": said},
            "noted": {"canonicalId": canonical_id, "key": key},
        },
    )  # fmt: skip


def note(rows: Iterable[KeyRow], author: Author) -> Transaction[None]:
    """Note keys; raises KeyTaken when another stands in the place of one."""
    wanted = sorted(set(rows))  # in one order everywhere, so that two writers do not wait for each other
    if not wanted:
        return
    values = [value for row in wanted for value in row]
    places = ", ".join(f"(${n + 1}, ${n + 2}, ${n + 3}, ${n + 4}, now())" for n in range(0, len(values), 4))
    fresh = yield Statement(_NOTE.format(rows=places), tuple(values))
    made = {KeyRow(*row) for row in fresh}
    for row in wanted:
        if row not in made:
            yield from _require_standing(row)
    yield from _tell([(row, "noted", "", "") for row in wanted if row in made], author)


def _require_standing(row: KeyRow) -> Transaction[None]:
    kind, canonical_id, system, key = row
    stands = (yield from identity(kind, canonical_id)).keys.get(system)
    if stands == key:
        return
    if stands is not None:
        raise KeyTaken(
            f"The {kind} {canonical_id} is {stands} in {system} already, not {key}; remove that key if it is wrong.",
            extensions={"canonicalId": canonical_id, "key": stands},
        )
    other = yield Statement(_OWNER, (system, kind, key))
    canonical = other[0][0] if other else "another one"
    raise KeyTaken(
        f"{key} is the {kind} {canonical} in {system} already; remove it there if that is wrong.",
        extensions={"canonicalId": canonical, "key": key},
    )


def forget(kind: EntityKind, canonical_id: str, system: str, author: Author) -> Transaction[None]:
    """Forget a key."""
    rows = yield Statement(_FORGET, (kind, canonical_id, system))
    yield from _tell([(KeyRow(kind, canonical_id, system, ""), "removed", key, "") for (key,) in rows], author)


def correct(
    kind: EntityKind, canonical_id: str, system: str, correction: KeyCorrection, author: Author
) -> Transaction[None]:
    """Put one key, or none, in the place of another; raises IdentityNotFound, KeyChanged, KeyTaken."""
    keys, key = (yield from identity(kind, canonical_id)).keys, correction.key
    stands = keys.get(system)
    if stands == key:
        return
    if not keys and correction.stands is not None:
        raise IdentityNotFound(f"No key of the {kind} {canonical_id} is noted; there is none to correct.")
    row = KeyRow(kind, canonical_id, system, key or "")
    if stands != correction.stands:
        raise _changed(row, stands, correction)
    if (yield from _replaced(row, correction)):
        act = "removed" if key is None else "corrected" if stands else "noted"
        yield from _tell([(row, act, stands or "", correction.reason)], author)


def _replaced(row: KeyRow, correction: KeyCorrection) -> Transaction[bool]:
    """Whether this transaction made the change; false if another made the same one since the key was read.

    At PostgreSQL another may have committed since then: only the key that was read is taken away.
    """
    kind, canonical_id, system, _ = row
    seen, key = correction.stands, correction.key
    taken = seen is None or bool((yield Statement(_FORGET_THIS, (kind, canonical_id, system, seen))))
    if taken and (key is None or (yield Statement(_NOTE.format(rows="($1, $2, $3, $4, now())"), tuple(row)))):
        return True
    stands = (yield from identity(kind, canonical_id)).keys.get(system)
    if stands == key:
        return False
    if not taken or stands is not None:
        raise _changed(row, stands, correction)
    yield from _require_standing(row)  # the key is that of another thing
    return False


def _changed(row: KeyRow, stands: str | None, correction: KeyCorrection) -> KeyChanged:
    return KeyChanged(
        f"The {row.kind} {row.canonical_id} is {stands or 'nothing'} in {row.system}, not "
        f"{correction.stands or 'nothing'}; look at it again.",
        extensions={"canonicalId": row.canonical_id, "key": stands},
    )


def _tell(changes: list[tuple[KeyRow, str, str, str]], author: Author) -> Transaction[None]:
    if not changes:
        return
    values: list[str] = [author.subject, author.correlation_id]
    places: list[str] = []
    for row, act, was, reason in changes:
        n = len(values)
        places.append(f"(${n + 1}, ${n + 2}, ${n + 3}, ${n + 4}, now(), ${n + 5}, $1, ${n + 6}, ${n + 7}, $2)")
        values += [*row, act, was, reason]
    yield Statement(_TELL.format(rows=", ".join(places)), tuple(values))


def _pairs(rows: Rows) -> Iterator[tuple[str, str]]:
    return ((system, key) for system, key in rows)


def _change(at: object, *told: object) -> KeyChange:
    act, system, by, key, was, reason, correlation_id = told
    fields = (at, act, system, by, key, was, reason, correlation_id)
    return msgspec.convert(dict(zip(_FIELDS, fields, strict=True)), KeyChange)


_FIELDS: Final = ("at", "act", "system", "by", "key", "was", "reason", "correlationId")
