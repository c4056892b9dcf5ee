"""The catalogue as each user sees it: what they may not read is not there."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec.structs import replace

from sandboxes.salesforce.access.permissions import VERBS, PermissionSet, of_tree, together
from sandboxes.salesforce.faults import ApiError, unknown_entity
from sandboxes.salesforce.schema import Catalogue, Field, SObject
from sandboxes.salesforce.schema.expressible import needs_grant
from sandboxes.salesforce.storage import Store

_FOR_ALL = frozenset({"organization", "user"})
_READ_ONLY = frozenset(VERBS) - {"Read"}


class Access:
    """Rights of the users of one org.

    Args:
        store: Keeps permission sets, as components, and who has them.
        catalogue: All there is.
    """

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store, self._everything = store, catalogue
        self._views: dict[str, Catalogue] = {}
        self._granted: dict[str, PermissionSet | None] = {}
        self._user_id = ""

    @contextmanager
    def acting(self, user_id: str) -> Generator[None]:
        """Inside, the org is as this user sees it. Don't await inside."""
        before, self._user_id = self._user_id, user_id
        try:
            yield
        finally:
            self._user_id = before

    @property
    def catalogue(self) -> Catalogue:
        """The objects and fields there are for whoever acts now; all of them when the org itself does."""
        return self.of(self._user_id) if self._user_id else self._everything

    @property
    def viewer(self) -> str:
        """Who acts now, if they see less than everything."""
        return "" if self.catalogue is self._everything else self._user_id

    def of(self, user_id: str) -> Catalogue:
        """The objects and fields there are for a user."""
        view = self._views.get(user_id)
        if view is None:
            granted = self._of(user_id)
            view = self._everything if granted is None else self._view(granted)
            self._views[user_id] = view
        return view

    def readable(self, user_id: str) -> list[SObject]:
        """The objects a user may read, with all that they have: schemas of events are the same for everybody."""
        seen = self.of(user_id)
        return [each for each in self._everything if seen.get(each.name) is not None]

    def sees_all_records(self, user_id: str, sobject: str) -> bool:
        """Whether a user may read every record of an object, whoever owns it."""
        granted = self._of(user_id)
        return granted is None or granted.sees_all_records(sobject.lower())

    def has(self, user_id: str, *permissions: str) -> bool:
        """Whether a user has one of these permissions that are of no object."""
        granted = self._of(user_id)
        return granted is None or not granted.system.isdisjoint(permissions)

    def demand(self, verb: str, sobject: SObject, user_id: str) -> SObject:
        """The object as the user sees it; ApiError if they may not do this to its records."""
        seen = self.of(user_id).get(sobject.name)
        if seen is None:
            raise ApiError(400, "INVALID_TYPE", unknown_entity(sobject.name), [])
        if verb in seen.denied:
            message = "insufficient access rights on object id"
            raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", message, [])
        return seen

    def assign(self, user_id: str, name: str) -> None:
        """Give a permission set to a user; from the first one on they have only what theirs grant."""
        self._store.execute("INSERT OR IGNORE INTO _permission_assignment VALUES (?, ?)", (user_id, name))
        self.forget()

    def withdraw(self, user_id: str, name: str) -> None:
        """Take a permission set from a user."""
        self._store.execute("DELETE FROM _permission_assignment WHERE user = ? AND name = ?", (user_id, name))
        self.forget()

    def forget(self) -> None:
        """Objects or permission sets may have changed: what was worked out of them is no longer good."""
        self._views.clear()
        self._granted.clear()

    def _of(self, user_id: str) -> PermissionSet | None:
        """What a user's permission sets grant together; None for everything."""
        if user_id not in self._granted:
            sets = self._sets(user_id)
            self._granted[user_id] = together(sets) if sets else None
        return self._granted[user_id]

    def _sets(self, user_id: str) -> list[PermissionSet]:
        sql = (
            "SELECT component FROM _permission_assignment LEFT JOIN _component "
            "ON type = 'PermissionSet' AND _component.name = _permission_assignment.name WHERE user = ?"
        )
        rows = self._store.select(sql, (user_id,))
        # A set that was deleted grants nothing, but whoever had it does not become an administrator by that.
        return [of_tree(msgspec.json.decode(row[0])["body"] if row[0] else {}) for row in rows]

    def _view(self, granted: PermissionSet) -> Catalogue:
        seen: list[SObject] = []
        readable = {name for name in self._everything.sobjects if "Read" in _verbs(granted, name)}
        for name in readable:
            sobject = self._everything.sobjects[name]
            fields: dict[str, Field] = {}
            for key, field in sobject.fields.items():
                allowed = field if name in _FOR_ALL else _allowed(granted, sobject, field)
                if allowed is not None:
                    fields[key] = allowed
            parents: dict[str, Any] = {
                key: fields[field.name.lower()]
                for key, field in sobject.parents.items()
                if field.name.lower() in fields and any(to.lower() in readable for to in field.to)
            }
            denied = frozenset(VERBS) - _verbs(granted, name)
            seen.append(replace(sobject, fields=fields, parents=parents, children={}, references=(), denied=denied))
        return Catalogue(sorted(seen, key=lambda each: each.name))


def _verbs(granted: PermissionSet, name: str) -> frozenset[str]:
    return frozenset({"Read"}) if name in _FOR_ALL else granted.verbs(name)


def _allowed(granted: PermissionSet, sobject: SObject, field: Field) -> Field | None:
    """The field as it may be used: as it is, read only, or not at all."""
    if not needs_grant(sobject, field) and not field.components:
        return field
    parts = [field.name, field.compound, *(name for _, name in field.components)]
    names = [f"{sobject.name}.{name}".lower() for name in parts if name]
    rights = [granted.fields[name] for name in names if name in granted.fields]
    if not rights:
        return None
    return field if any(rights) else replace(field, createable=False, updateable=False)
