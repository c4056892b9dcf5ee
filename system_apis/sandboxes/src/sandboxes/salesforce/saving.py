"""Creates, updates, deletes and upserts records, with every check the org makes on the way."""

from typing import Any

from msgspec import Struct

from sandboxes.kit import Clock
from sandboxes.salesforce.access import Access
from sandboxes.salesforce.duplicates import Duplicates
from sandboxes.salesforce.events import Bus, Changes
from sandboxes.salesforce.events.push_topics import PushTopics
from sandboxes.salesforce.events.shape import shown, top_level
from sandboxes.salesforce.faults import ApiError, MultipleChoices, bad_field, no_column, not_found
from sandboxes.salesforce.formulas import Validations
from sandboxes.salesforce.ids import new_id, to_18
from sandboxes.salesforce.rules import RULES, Change, Rules
from sandboxes.salesforce.schema import Catalogue, Field, SObject
from sandboxes.salesforce.schema.values import read_value, stored_moment
from sandboxes.salesforce.storage import Row, Store
from sandboxes.salesforce.touched import Touched

_NO_RULES = Rules()
Body = dict[str, Any]


class Lock(Struct):
    """A row another transaction holds: the next `times` writes to `sobject` (or to any, `*`) are refused.

    `from_others`: only those of work that goes on side by side; a job in serial mode gets in nobody's way.
    """

    sobject: str
    record_id: str
    times: int
    from_others: bool = False


class Saving:
    """Writes to the store as the org would.

    Args:
        store: The records.
        catalogue: The objects.
        clock: Gives audit fields their moment.
        bus: Where records of platform events go instead of the store.
        changes: Told of every record that is saved or deleted.
        touched: Told what callers write, and by which field they look a record up.

    Attributes:
        access: Who may write what.
        validations: What records must be.
        duplicates: Which records are the same.
        topics: Told of every record too, for its PushTopics; none without them.
        pod: Stands in the ids of the records that are made here.
    """

    def __init__(
        self, store: Store, catalogue: Catalogue, clock: Clock, bus: Bus, changes: Changes, touched: Touched
    ) -> None:
        self._store, self._catalogue, self._clock = store, catalogue, clock
        self._bus, self._changes, self._touched = bus, changes, touched
        self.access, self.validations, self.duplicates = Access(store, catalogue), Validations(store), Duplicates(store)
        self.topics: PushTopics | None = None
        self.pod = "Hs"
        self.locks: list[Lock] = []
        self.in_turn = False
        self._blanks: dict[str, Row] = {}

    def forget(self) -> None:
        """Objects may have changed: what was worked out of them is no longer good."""
        self._blanks.clear()
        self.access.forget()
        self.validations.forget()
        if self.topics:
            self.topics.forget()

    def create(self, sobject: SObject, body: Body, user_id: str) -> str:
        """Create a record, or publish it if its object is a platform event; returns its id."""
        seen, sobject = self.access.demand("Create", sobject, user_id), self._whole(sobject)
        values = self._read(seen, body, creating=True)
        number = self._store.next_number(sobject.prefix)
        record_id, now = new_id(sobject.prefix, number, self.pod), self._now()
        if sobject.event:
            self._publish(sobject, record_id, values | {"CreatedDate": now, "CreatedById": user_id})
            return record_id
        row = self._blank(sobject) | values | {"Id": record_id, "IsDeleted": 0}
        row |= {"CreatedById": user_id, "CreatedDate": now, **_touched(user_id, now)}
        if "ownerid" in sobject.fields and not row["OwnerId"]:
            row["OwnerId"] = user_id
        for field in sobject.columns:
            if field.auto_number:
                row[field.name] = field.numbered(number)
        self._settle(sobject, Change(self._store, row, None, user_id, now))
        return record_id

    def _whole(self, sobject: SObject) -> SObject:
        """The object with all that it has; callers may see less of it."""
        return self._catalogue.get(sobject.name) or sobject

    def update(self, sobject: SObject, record_id: str, body: Body, user_id: str) -> None:
        """Change a record."""
        self._change(sobject, self.existing(sobject, record_id), body, user_id)

    def _publish(self, sobject: SObject, record_id: str, values: Row) -> None:
        row = self._blank(sobject) | values
        self._check_required(sobject, row)
        payload = {field.name: shown(field, row) for field in top_level(sobject)}
        with self._store.savepoint():
            self._bus.publish(f"/event/{sobject.name}", payload, record_id)
            self._store.note(record_id)

    def _blank(self, sobject: SObject) -> Row:
        blank = self._blanks.get(sobject.name)
        if blank is None or len(blank) != len(sobject.columns):
            blank = {field.name: read_value(field, field.default) for field in sobject.columns}
            self._blanks[sobject.name] = blank
        return blank

    def _change(self, sobject: SObject, before: Row, body: Body, user_id: str) -> None:
        seen, sobject = self.access.demand("Edit", sobject, user_id), self._whole(sobject)
        values = self._read(seen, body, creating=False)
        now = self._now()
        row = before | values | _touched(user_id, now)
        self._settle(sobject, Change(self._store, row, before, user_id, now))

    def delete(self, sobject: SObject, record_id: str, user_id: str) -> None:
        """Put a record and the records that go with it into the recycle bin."""
        self._touched.deleted(sobject.name)
        self.access.demand("Delete", sobject, user_id)
        self._remove(self._whole(sobject), record_id, user_id)

    def _remove(self, sobject: SObject, record_id: str, user_id: str) -> None:
        row = self.existing(sobject, record_id)
        self._check_lock(sobject, row["Id"])
        with self._store.savepoint():
            for child in sobject.references:
                child_object = self._catalogue.get(child.sobject)
                if child.field.cascade and child_object:
                    for each in self._store.find(child_object, child.field, row["Id"]):
                        self._remove(child_object, each["Id"], user_id)
            self._store.update(sobject, row["Id"], {"IsDeleted": 1, **_touched(user_id, self._now())})
            RULES.get(sobject.name, _NO_RULES).after(self._store, row)
            self._tell("DELETE", sobject, row, None, user_id)

    def upsert(self, sobject: SObject, field: Field, value: str, body: Body, user_id: str) -> tuple[str, bool]:
        """Create or update by external id; returns the id and whether it was created."""
        for name in body:
            if name.lower() == field.name.lower():
                message = f"The {field.name} field should not be specified in the sobject data."
                raise ApiError(400, "INVALID_FIELD", message)
        found = self.lookup(sobject, field, value)
        if found:
            self._change(sobject, found[0], body, user_id)
            return found[0]["Id"], False
        if field.type == "id":
            raise not_found()
        return self.create(sobject, {**body, field.name: value}, user_id), True

    def lookup(self, sobject: SObject, field: Field, value: str) -> list[Row]:
        """The record with this external id, or none; MultipleChoices when several share it."""
        self._touched.read(frozenset({(sobject.name, field.name)}))
        rows = self._store.find(sobject, field, read_value(field, value))
        if len(rows) > 1:
            raise MultipleChoices([f"{sobject.name}/{row['Id']}" for row in rows])
        return rows

    def existing(self, sobject: SObject, record_id: str) -> Row:
        """The record with this id; ApiError when the id is malformed, of another object, unknown or deleted."""
        full = to_18(record_id)
        row = self._store.fetch(sobject, full) if full else None
        if row is None:
            other = self._catalogue.of_id(full) if full else None
            if full is None or (other is not None and other.name != sobject.name):
                raise not_found(f"Provided external ID field does not exist or is not accessible: {record_id}")
            raise not_found()
        if row["IsDeleted"]:
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        return row

    def _settle(self, sobject: SObject, change: Change) -> None:
        """Run the rules and checks, write the row, bring parents up to date."""
        row = change.row
        self._check_lock(sobject, row["Id"])
        self._check_required(sobject, row)
        self._check_references(sobject, change)
        with self._store.savepoint():
            rules = RULES.get(sobject.name, _NO_RULES)
            rules.before(change)
            self.validations.check(sobject, change)
            self.duplicates.check(sobject, change)
            self._check_unique(sobject, change)
            if change.before is None:
                self._store.insert(sobject, row)
            else:
                before = change.before
                self._store.update(sobject, row["Id"], {name: row[name] for name in row if row[name] != before[name]})
            rules.after(self._store, row)
            kind = "CREATE" if change.before is None else "UPDATE"
            self._tell(kind, sobject, row, change.before, change.user_id)

    def _tell(self, kind: str, sobject: SObject, row: Row, before: Row | None, user_id: str) -> None:
        self._changes.note(kind, sobject, row, before, user_id)
        if self.topics:
            self.topics.note(kind, sobject, row, before)

    def _now(self) -> str:
        return stored_moment(self._clock.now())

    def _read(self, sobject: SObject, body: Body, *, creating: bool) -> Row:
        row: Row = {}
        read_only: list[str] = []
        for name, sent in body.items():
            if name == "attributes":
                continue
            known = sobject.fields.get(name.lower())
            field, value = (known, sent) if known else self._by_parent(sobject, name, sent)
            if field.createable if creating else field.updateable:
                row[field.name] = read_value(field, value)
            else:
                read_only.append(field.name)
        if read_only:
            message = (
                f"Unable to create/update fields: {', '.join(read_only)}. Please check the security settings "
                "of this field and verify that it is read/write for your profile or permission set."
            )
            raise bad_field("INVALID_FIELD_FOR_INSERT_UPDATE", message, *read_only)
        self._touched.saved(sobject.name, "create" if creating else "edit", row)
        return row

    def _by_parent(self, sobject: SObject, name: str, value: Any) -> tuple[Field, str | None]:
        """`"Account": {"ERP_Customer_Number__c": "7"}` sets AccountId by the parent's external id."""
        field = sobject.parents.get(name.lower())
        if field is None:
            raise no_column(name, sobject.name)
        keys = {key: each for key, each in value.items() if key != "attributes"} if _is_object(value) else {}
        parent = self.access.catalogue.get(field.to[0])
        if parent is None or len(keys) != 1:
            raise ApiError(400, "INVALID_FIELD", f"Cannot reference the parent {name}: name one external id")
        key, wanted = next(iter(keys.items()))
        external = parent.fields.get(key.lower())
        if external is None or not external.id_lookup:
            raise no_column(key, parent.name)
        rows = self.lookup(parent, external, str(wanted))
        if not rows:
            message = f"Foreign key external ID: {wanted} not found for field {external.name} in entity {parent.name}"
            raise ApiError(400, "INVALID_FIELD", message)
        return field, rows[0]["Id"]

    def _check_required(self, sobject: SObject, row: Row) -> None:
        missing = [field.name for field in sobject.required if row.get(field.name) is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise bad_field("REQUIRED_FIELD_MISSING", message, *missing)

    def _check_references(self, sobject: SObject, change: Change) -> None:
        for field in sobject.parents.values():
            value = change.row.get(field.name)
            if value is None or value == change.user_id or not change.changed(field.name):
                continue  # whoever writes is there
            parent = self._catalogue.of_id(value)
            if parent is None or parent.name not in field.to:
                message = f"{field.label}: id value of incorrect type: {value}"
                raise bad_field("FIELD_INTEGRITY_EXCEPTION", message, field.name)
            found = self._store.fetch(parent, value)
            if found is None or found["IsDeleted"]:
                raise bad_field("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field.name)

    def _check_unique(self, sobject: SObject, change: Change) -> None:
        for field in sobject.unique:
            value = change.row.get(field.name)
            if value is None or not change.changed(field.name):
                continue
            other = self._store.shared(sobject, field, value, change.row["Id"])
            if other is not None:
                message = f"duplicate value found: {field.name} duplicates value on record with id: {other[:15]}"
                raise ApiError(400, "DUPLICATE_VALUE", message, [])

    def _check_lock(self, sobject: SObject, record_id: str) -> None:
        for lock in self.locks:
            if (
                lock.sobject in ("*", sobject.name)
                and lock.record_id in ("", record_id)
                and not (lock.from_others and self.in_turn)
            ):
                lock.times -= 1
                self.locks = [each for each in self.locks if each.times > 0]
                message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
                raise ApiError(400, "UNABLE_TO_LOCK_ROW", message, [])


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _touched(user_id: str, now: str) -> Row:
    return {"LastModifiedById": user_id, "LastModifiedDate": now, "SystemModstamp": now}
