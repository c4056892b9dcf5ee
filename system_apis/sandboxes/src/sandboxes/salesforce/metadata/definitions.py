"""The components an administrator made: kept in the org's database, and part of its catalogue at once."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sandboxes.kit import Clock
from sandboxes.salesforce.events import Changes
from sandboxes.salesforce.events.changes import SELECTED
from sandboxes.salesforce.events.channels import Channels
from sandboxes.salesforce.events.shape import change_entity
from sandboxes.salesforce.ids import new_id, to_18
from sandboxes.salesforce.metadata.fields import body_of, facts_of, name_facts
from sandboxes.salesforce.metadata.kinds import DEFAULT_CHANNEL, KINDS
from sandboxes.salesforce.metadata.markup import Tree, inner, members, text
from sandboxes.salesforce.metadata.refusals import ComponentError, unknown
from sandboxes.salesforce.saving import Saving
from sandboxes.salesforce.schema import Catalogue, SObject
from sandboxes.salesforce.schema.catalogue import ObjectFile, object_files, sobject_of
from sandboxes.salesforce.schema.model import STORED_AS
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.soql.execution import Queries
from sandboxes.salesforce.storage import Store

_CHANGED = "schema changed at"
_BORN = "2026-01-05T08:00:00.000+0000"


class Component(Struct):
    """A component as it was saved.

    Attributes:
        kind: A name in `KINDS`.
        name: `Site__c`, `Site__c.Code__c`, `Sales__chn`.
        body: Its members but the full name.
        key_prefix: How ids of the object's records begin.
    """

    kind: str
    name: str
    id: str
    body: Tree
    created: str
    modified: str
    user_id: str
    key_prefix: str = ""


class Definitions:
    """The components of one org.

    Args:
        store: Keeps them.
        catalogue: Follows them.
        changes: Told which entities are selected for change data capture.
        channels: Told which channels there are.
        queries: Forgets what it knew of objects that change.
        saving: The same.
        clock: Dates them.
    """

    def __init__(
        self, store: Store, catalogue: Catalogue, changes: Changes, channels: Channels, queries: Queries,
        saving: Saving, clock: Clock,
    ) -> None:  # fmt: skip
        self.store, self.catalogue = store, catalogue
        self._changes, self._channels, self._clock = changes, channels, clock
        self._forgetful = (queries, saving)
        self._selected: set[str] = set()
        self._together = self._stale = False
        self.follow()

    def find(self, kind: str, name: str) -> Component | None:
        """The component of this name, ones the org was born with among them."""
        rows = self.store.select("SELECT component FROM _component WHERE type = ? AND name = ?", (kind, name))
        return msgspec.json.decode(rows[0][0], type=Component) if rows else self._born(kind, name)

    def of_id(self, kind: str, component_id: str) -> Component | None:
        """The component an administrator made that has this id."""
        sql = "SELECT component FROM _component WHERE type = ? AND id = ?"
        rows = self.store.select(sql, (kind, to_18(component_id) or ""))
        return msgspec.json.decode(rows[0][0], type=Component) if rows else None

    def made(self, kind: str) -> list[Component]:
        """What administrators made of this kind, by name."""
        rows = self.store.select("SELECT component FROM _component WHERE type = ? ORDER BY name", (kind,))
        return [msgspec.json.decode(row[0], type=Component) for row in rows]

    def every(self, kind: str) -> list[Component]:
        """All of a kind by name, with what the org was born with."""
        made = {each.name: each for each in self.made(kind)}
        for sobject in self.catalogue if kind in ("CustomObject", "CustomField") else ():
            custom = [f"{sobject.name}.{each.name}" for each in sobject.fields.values() if each.custom]
            for name in [sobject.name] if kind == "CustomObject" else custom:
                if name not in made and (born := self._born(kind, name)):
                    made[name] = born
        return [made[name] for name in sorted(made)]

    def whole(self, kind: str, name: str) -> Tree | None:
        """A component with its full name and all that lies inside it; None if it is not there."""
        found = self.find(kind, name)
        if found is None:
            return None
        tree: Tree = {"fullName": found.name, **found.body}
        for each in KINDS.values() if kind == "CustomObject" else ():
            inside = (
                [one for one in self.every(each.name) if one.name.startswith(f"{found.name}.")] if each.within else []
            )
            if inside:
                tree[each.within] = [{"fullName": one.name.partition(".")[2], **one.body} for one in inside]
        return tree

    def create(self, kind: str, name: str, body: Tree, user_id: str) -> Component:
        """Make a component and what lies inside it; ComponentError if it is there already or is refused."""
        if self.find(kind, name) is not None:
            owner, _, field = name.partition(".")
            message = f"There is already a field named {field} on {owner}." if field else "This name is already in use"
            raise ComponentError("DUPLICATE_DEVELOPER_NAME", message, "fullName")
        return self.upsert(kind, name, body, user_id)[0]

    def update(self, kind: str, name: str, body: Tree, user_id: str) -> Component:
        """Replace a component; what lies inside an object is replaced if it is told, else left alone."""
        if self.find(kind, name) is None:
            raise unknown(kind, name, "fullName")
        return self.upsert(kind, name, body, user_id)[0]

    def upsert(self, kind: str, name: str, body: Tree, user_id: str) -> tuple[Component, bool]:
        """Make or replace a component; says whether it was made. All of it is saved, or nothing."""
        try:
            with self.store.savepoint():
                if self._stale and "." not in name:
                    self.follow()
                found = self._save(kind, name, body, user_id)
                self._changed()
                self._stale = self._together and "." in name
                if not self._stale:
                    self.follow()
        except Exception:
            self.follow()
            raise
        return found

    @contextmanager
    def together(self) -> Generator[None]:
        """Many changes in a row: fields and rules join the catalogue when something else needs them, or at the end."""
        self._together = True
        try:
            yield
        finally:
            self._together = False
            if self._stale:
                self.follow()

    def delete(self, kind: str, name: str) -> Component:
        """Take a component away, with its records or values; ComponentError if it is not there or still needed."""
        found = self.find(kind, name)
        if found is None or found.created == _BORN:
            raise unknown(kind, name, "fullName")
        self._check_unneeded(found)
        with self.store.savepoint():
            for each in self._inside(found):
                self._forget(each)
            self._forget(found)
            self._changed()
            self.follow()
        return found

    def follow(self) -> None:
        """Make catalogue, tables and channels what the components say."""
        self._stale = False
        self.catalogue.become([sobject_of(each) for each in self._declared()])
        self.store.follow_catalogue()
        for each in self._forgetful:
            each.forget()
        self._follow_channels()

    @property
    def changed_at(self) -> str:
        """When an object or field last changed, in stored form.

        Every change has a second of its own, because HTTP tells moments by the second.
        """
        rows = self.store.select("SELECT last FROM _sequence WHERE name = ?", (_CHANGED,))
        return stored_moment(datetime.fromtimestamp(rows[0][0], UTC)) if rows else _BORN

    def _changed(self) -> None:
        sql = "INSERT INTO _sequence VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = max(last + 1, excluded.last)"
        self.store.execute(sql, (_CHANGED, int(self._clock.timestamp())))

    def clear(self) -> None:
        """Take all of them away."""
        self.store.execute("DELETE FROM _component")
        self._changes.selected = set(SELECTED)
        self.follow()

    def _save(self, kind: str, name: str, body: Tree, user_id: str) -> tuple[Component, bool]:
        known, body = self.find(kind, name), {key: value for key, value in body.items() if key != "fullName"}
        inside = {within: members(body, within.within) for within in KINDS.values() if within.within}
        own = {key: value for key, value in body.items() if key not in ("fields", "validationRules")}
        KINDS[kind].check(self, name, own)
        if kind == "CustomField" and known is not None:
            self._check_storable(known, own)
        saved = self._kept(kind, name, own, user_id, known)
        if "." not in name:
            self.follow()
        if kind == "CustomObject":
            for within, held in inside.items():
                for each in held:
                    self._save(within.name, f"{saved.name}.{text(each, 'fullName')}", each, user_id)
        return saved, known is None

    def _kept(self, kind: str, name: str, body: Tree, user_id: str, known: Component | None) -> Component:
        now = stored_moment(self._clock.now())
        if known is not None:
            saved = replace(known, body=body, modified=now, user_id=user_id)
        else:
            saved = Component(kind, name, self._next_id(KINDS[kind].prefix), body, now, now, user_id)
            if kind == "CustomObject":
                saved.key_prefix = self._free_prefix(name)
        row = (kind, saved.name, saved.id, msgspec.json.encode(saved))
        self.store.execute("INSERT OR REPLACE INTO _component VALUES (?, ?, ?, ?)", row)
        return saved

    def _check_storable(self, known: Component, body: Tree) -> None:
        before, after = (facts_of(each, lambda _: True)["type"] for each in (known.body, body))
        if STORED_AS.get(before) != STORED_AS.get(after) or (before == "reference") != (after == "reference"):
            message = f"Cannot change the type of {known.name} from {text(known.body, 'type')} to {text(body, 'type')}"
            raise ComponentError("FIELD_INTEGRITY_EXCEPTION", message, "type")

    def _check_unneeded(self, component: Component) -> None:
        if component.kind == "CustomObject":
            sobject = self.catalogue.get(component.name)
            users = [each.sobject for each in sobject.references if each.sobject != sobject.name] if sobject else []
            told = self.made("PlatformEventChannelMember")
            entity = change_entity(sobject) if sobject and not sobject.event else component.name
            users += [each.name for each in told if text(each.body, "selectedEntity") == entity]
        elif component.kind == "PlatformEventChannel":
            told = self.made("PlatformEventChannelMember")
            users = [each.name for each in told if text(each.body, "eventChannel") == component.name]
        else:
            return
        if users:
            message = f"Your attempt to delete {component.name} could not be completed because it is used by {users[0]}"
            raise ComponentError("DEPENDENCY_EXISTS", message)

    def _inside(self, component: Component) -> list[Component]:
        if component.kind != "CustomObject":
            return []
        kinds = [each.name for each in KINDS.values() if each.within]
        return [each for kind in kinds for each in self.made(kind) if each.name.startswith(f"{component.name}.")]

    def _forget(self, component: Component) -> None:
        self.store.execute("DELETE FROM _component WHERE id = ?", (component.id,))

    def _declared(self) -> list[ObjectFile]:
        declared = {each.name: replace(each, fields=dict(each.fields)) for each in object_files()}
        for each in self.made("CustomObject"):
            if each.key_prefix and each.name not in declared:
                declared[each.name] = _object_file(each)
        for each in self.made("CustomField"):
            owner, _, field = each.name.partition(".")
            facts: dict[str, Any] = facts_of(each.body, lambda _: True)
            found = next((file for name, file in declared.items() if name.lower() == owner.lower()), None)
            if found is not None:
                found.fields[field] = facts
                found.owned = found.owned and not facts.get("cascade", False)
        return list(declared.values())

    def _follow_channels(self) -> None:
        own: dict[str, list[str]] = {}
        kinds = {each.name: text(each.body, "channelType") for each in self.made("PlatformEventChannel")}
        for name, kind in kinds.items():
            own[f"/{kind}/{name}"] = []
        selected: set[str] = set()
        for each in self.made("PlatformEventChannelMember"):
            channel, entity = text(each.body, "eventChannel"), text(each.body, "selectedEntity")
            kind = "data" if channel == DEFAULT_CHANNEL else kinds.get(channel, "data")
            if channel != DEFAULT_CHANNEL:
                own.setdefault(f"/{kind}/{channel}", []).append(f"/{kind}/{entity}")
            selected |= {found.name for found in self.catalogue if kind == "data" and change_entity(found) == entity}
        self._channels.own = own
        self._changes.selected = (self._changes.selected - self._selected) | selected
        self._selected = selected - SELECTED

    def _born(self, kind: str, name: str) -> Component | None:
        owner, _, field_name = name.partition(".")
        sobject: SObject | None = self.catalogue.get(owner)
        if sobject is None:
            return None
        if kind == "CustomObject" and not field_name:
            body: Tree = {"label": sobject.label, "pluralLabel": sobject.plural}
            return Component(kind, sobject.name, sobject.name, body, _BORN, _BORN, "")
        field = sobject.fields.get(field_name.lower()) if kind == "CustomField" else None
        if field is None or not field.custom:
            return None
        full = f"{sobject.name}.{field.name}"
        return Component(kind, full, full, body_of(field), _BORN, _BORN, "")

    def _next_id(self, prefix: str) -> str:
        return new_id(prefix, self.store.next_number(f"component {prefix}"))

    def _free_prefix(self, name: str) -> str:
        letter = "e" if name.endswith("__e") else "a"
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        while True:
            number = self.store.next_number(f"key prefix {letter}")
            prefix = letter + digits[number // len(digits) % len(digits)] + digits[number % len(digits)]
            if self.catalogue.of_id(prefix) is None:
                return prefix


def _object_file(component: Component) -> ObjectFile:
    body, event = component.body, component.name.endswith("__e")
    return ObjectFile(
        name=component.name,
        label=text(body, "label"),
        plural=text(body, "pluralLabel"),
        prefix=component.key_prefix,
        fields={} if event else {"Name": name_facts(inner(body, "nameField"))},
        owned=not event,
        currency=not event,
    )
