"""Change data capture: what a transaction did to records of the selected entities, as events."""

from itertools import groupby
from typing import Any
from uuid import uuid4

from msgspec import Struct

from sandboxes.kit import Clock
from sandboxes.salesforce.events.bus import Bus
from sandboxes.salesforce.events.shape import change_topic, shown, top_level
from sandboxes.salesforce.schema import SObject
from sandboxes.salesforce.storage import Row, Store

SELECTED = frozenset({"Account", "Contact", "Opportunity", "Order", "Quote"})
_MOST_CHANGES = 100_000
_NO_RECORD = "000000000000000AAA"
Body = dict[str, Any]


class Change(Struct):
    """One record saved or deleted, in a transaction that is not over.

    Attributes:
        kind: CREATE, UPDATE, DELETE or UNDELETE.
        body: The fields to tell.
        changed: Their names; of those set to nothing also in `nulled`.
    """

    kind: str
    sobject: SObject
    record_id: str
    user_id: str
    body: Body
    changed: list[str] = []
    nulled: list[str] = []


class Changes:
    """Collects changes and publishes them when their transaction commits.

    Args:
        store: Tells when a transaction commits, and numbers commits.
        bus: Where they go.
        clock: Dates them.
    """

    def __init__(self, store: Store, bus: Bus, clock: Clock) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self.selected = set(SELECTED)
        self.origin = ""
        """Who is saving: `com/salesforce/api/rest/66.0;client=…`, set by the door for the call it serves."""
        store.before_commit, store.after_commit = self._publish, bus.announce

    def note(self, kind: str, sobject: SObject, row: Row, before: Row | None, user_id: str) -> None:
        """A record was saved or deleted."""
        if sobject.name not in self.selected:
            return
        if kind == "UPDATE" and before is not None:
            changed = [field for field in top_level(sobject) if _differs(field.columns, row, before)]
            body = {field.name: shown(field, row) for field in changed}
            names = [name for field in changed for name in field.changed(row, before)]
            nulled = [name for field in changed for name in field.nulled(row, before)]
            self._store.note(Change(kind, sobject, row["Id"], user_id, body, names, nulled))
        elif kind == "DELETE":
            self._store.note(Change(kind, sobject, row["Id"], user_id, {}))
        else:
            told = {field.name: value for field in top_level(sobject) if (value := shown(field, row)) is not None}
            self._store.note(Change(kind, sobject, row["Id"], user_id, told))

    def gap(self, kind: str, sobject: SObject, record_ids: list[str], user_id: str) -> None:
        """Say that something changed, without saying what: GAP_UPDATE and its kin."""
        self.origin = ""  # no call of a client caused it
        with self._store.savepoint():
            self._emit(f"GAP_{kind}", sobject, record_ids, user_id, {}, [], [], _Commit(self._store, self._clock))

    def _publish(self, notes: list[Any]) -> None:
        changes = [note for note in notes if isinstance(note, Change)]
        commit = _Commit(self._store, self._clock) if changes else None
        if commit is None:
            return
        for _, group in groupby(changes[:_MOST_CHANGES], key=_alike):
            same = list(group)
            first = same[0]
            ids = [change.record_id for change in same]
            self._emit(first.kind, first.sobject, ids, first.user_id, first.body, first.changed, first.nulled, commit)
        lost = {change.sobject.name: change for change in changes[_MOST_CHANGES:]}
        for change in lost.values():
            self._emit("GAP_OVERFLOW", change.sobject, [_NO_RECORD], change.user_id, {}, [], [], commit)

    def _emit(
        self, kind: str, sobject: SObject, ids: list[str], user_id: str, body: Body,
        changed: list[str], nulled: list[str], commit: "_Commit",
    ) -> None:  # fmt: skip
        commit.sequence += 1
        header = {
            "entityName": sobject.name, "recordIds": ids, "changeType": kind, "changeOrigin": self.origin,
            "transactionKey": commit.key, "sequenceNumber": commit.sequence, "commitTimestamp": commit.at,
            "commitNumber": commit.number, "commitUser": user_id, "nulledFields": nulled, "diffFields": [],
            "changedFields": changed,
        }  # fmt: skip
        self._bus.publish(change_topic(sobject), {"ChangeEventHeader": header, **body}, counted=False)


class _Commit:
    """One commit as its events name it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.key = str(uuid4())
        self.at = int(clock.timestamp() * 1000)
        self.number = store.next_number("commit")
        self.sequence = 0


def _differs(columns: tuple[str, ...], row: Row, before: Row) -> bool:
    return any(row.get(name) != before.get(name) for name in columns)


def _alike(change: Change) -> tuple[Any, ...]:
    """Changes in a row that one event can tell: the same to several records of an object."""
    if change.kind in ("CREATE", "UNDELETE"):
        return (change.record_id,)
    told = [(name, value) for name, value in change.body.items() if name != "LastModifiedDate"]
    return change.kind, change.sobject.name, change.user_id, repr(told)
