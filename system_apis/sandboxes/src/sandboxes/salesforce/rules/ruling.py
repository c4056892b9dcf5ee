"""The shape of a rule."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from sandboxes.company import minor_units
from sandboxes.salesforce.faults import ApiError, bad_field
from sandboxes.salesforce.storage import Row, Store


class Change(Struct):
    """A record on its way into the store.

    Attributes:
        store: Where related records are.
        row: The record as it will be; rules may set fields of it.
        before: The record as it was, None on create.
        user_id: Who changes it.
        now: The moment, in stored form.
    """

    store: Store
    row: Row
    before: Row | None
    user_id: str
    now: str

    def changed(self, name: str) -> bool:
        """Whether this field gets another value; always true of a field given on create."""
        if self.before is None:
            return self.row.get(name) is not None
        return self.row.get(name) != self.before.get(name)

    def related(self, sobject: str, name: str) -> Row:
        """The record that the reference `name` points to, empty when it points nowhere."""
        record_id, found = self.row.get(name), self.store.catalogue.get(sobject)
        return (self.store.fetch(found, record_id) if found and record_id else None) or {}


def nothing(change: Change) -> None:
    """The rule that does nothing."""
    del change


def nothing_after(store: Store, row: Row) -> None:
    """The roll-up that does nothing."""
    del store, row


class Rules(Struct, frozen=True):
    """The rules of one object.

    Attributes:
        before: Derives fields and refuses what must not be saved.
        after: Brings parents up to date after a record was saved or deleted.
    """

    before: Callable[[Change], None] = nothing
    after: Callable[[Store, Row], None] = nothing_after


def integrity(field: str, message: str) -> ApiError:
    """FIELD_INTEGRITY_EXCEPTION in the org's wording."""
    return bad_field("FIELD_INTEGRITY_EXCEPTION", f"field integrity exception: {field} ({message})", field)


def total(row: Row, *, discounted: bool) -> float:
    """Quantity times price of a line, after its discount if asked, rounded as its currency is."""
    amount = float(row.get("Quantity") or 0) * float(row.get("UnitPrice") or 0)
    if discounted:
        amount *= 1 - float(row.get("Discount") or 0) / 100
    return round(amount, minor_units(str(row.get("CurrencyIsoCode") or "EUR")))


def sum_of(store: Store, sql: str, record_id: Any) -> tuple[Any, ...]:
    """The first row of an aggregate over the children of a record."""
    return store.select(sql, (record_id,))[0]
