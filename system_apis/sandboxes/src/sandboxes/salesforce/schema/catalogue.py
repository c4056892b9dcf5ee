"""Reads the object files and joins them into one catalogue with parents and children."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from sandboxes.salesforce.schema.model import Child, Field, SObject

CURRENCIES = ("EUR", "AED", "BRL", "CHF", "CNY", "GBP", "JPY", "KRW", "KWD", "PLN", "UAH", "USD")
_ADDRESS_PARTS = (
    ("Street", "textarea", 255),
    ("City", "string", 40),
    ("State", "string", 80),
    ("PostalCode", "string", 20),
    ("Country", "string", 80),
    ("Latitude", "double", 0),
    ("Longitude", "double", 0),
    ("GeocodeAccuracy", "picklist", 40),
)
_AUDIT: dict[str, Any] = {"createable": False, "updateable": False, "required": True}


class ObjectFile(msgspec.Struct, forbid_unknown_fields=True):
    """An object as its file declares it; `fields` are the facts of `Field` by name.

    Attributes:
        owned: Its records have an owner.
        currency: Its records say their currency.
    """

    name: str
    label: str
    plural: str
    prefix: str
    fields: dict[str, dict[str, Any]]
    owned: bool = False
    currency: bool = False


class Catalogue:
    """Every object type of an org, by lower-case name."""

    def __init__(self, sobjects: list[SObject]) -> None:
        self.become(sobjects)

    def become(self, sobjects: list[SObject]) -> None:
        """Hold these objects instead of the ones before."""
        self.sobjects = {sobject.name.lower(): sobject for sobject in sobjects}
        self._by_prefix = {sobject.prefix: sobject for sobject in sobjects}
        for child in sobjects:
            for field in child.parents.values():
                self._link(child, field)

    def __iter__(self) -> Iterator[SObject]:
        return iter(self.sobjects.values())

    def get(self, name: str) -> SObject | None:
        """The object of this name in any case, or None."""
        return self.sobjects.get(name.lower())

    def of_id(self, record_id: str) -> SObject | None:
        """The object that ids with this key prefix belong to, or None."""
        return self._by_prefix.get(record_id[:3])

    def _link(self, child: SObject, field: Field) -> None:
        for name in field.to:
            parent = self.get(name)
            if parent is None:
                continue
            link = Child(sobject=child.name, field=field)
            parent.references = (*parent.references, link)
            if field.children:
                parent.children[field.children.lower()] = link


@cache
def object_files(family: str = "objects") -> tuple[ObjectFile, ...]:
    """What the files of a folder beside this module declare."""
    folder = Path(__file__).parent / family
    return tuple(
        msgspec.convert(tomllib.loads(path.read_text("utf-8")), ObjectFile) for path in sorted(folder.glob("*.toml"))
    )


def load_catalogue(family: str = "objects") -> Catalogue:
    """A fresh catalogue from the object files beside this module."""
    return Catalogue([sobject_of(declared) for declared in object_files(family)])


def sobject_of(declared: ObjectFile) -> SObject:
    """The object that a file declares, with the fields every object has."""
    fields = {field.name.lower(): field for field in _fields(declared)}
    parents = {parent_name(field).lower(): field for field in fields.values() if field.to}
    return SObject(
        name=declared.name,
        label=declared.label,
        plural=declared.plural,
        prefix=declared.prefix,
        fields=fields,
        parents=parents,
        children={},
    )


def parent_name(field: Field) -> str:
    """The name by which a reference is walked up: AccountId → Account, Parent__c → Parent__r."""
    if field.relationship or not field.to:
        return field.relationship
    return field.name[:-1] + "r" if field.custom else field.name.removesuffix("Id")


def _fields(declared: ObjectFile) -> Iterator[Field]:
    if declared.name.endswith("__e"):
        yield from _event_fields(declared)
        return
    yield Field(name="Id", type="id", label=f"{declared.label} ID", length=18, **_AUDIT)
    yield Field(name="IsDeleted", type="boolean", label="Deleted", default=False, **_AUDIT)
    for name, facts in declared.fields.items():
        yield from _expanded(name, facts)
    if declared.currency:
        yield _field(
            "CurrencyIsoCode",
            {"type": "picklist", "length": 3, "values": CURRENCIES, "restricted": True, "default": "EUR"},
        )
    if declared.owned:
        yield _field("OwnerId", {"type": "reference", "to": ["User"]})
    yield from _audit_fields()


def _event_fields(declared: ObjectFile) -> Iterator[Field]:
    """What a platform event has: when and by whom, its own fields, its place in the stream."""
    yield _field("CreatedDate", {"type": "datetime", **_AUDIT})
    yield _field("CreatedById", {"type": "reference", "to": ["User"], "relationship": "CreatedBy", **_AUDIT})
    for name, facts in declared.fields.items():
        yield from _expanded(name, facts)
    for name in ("ReplayId", "EventUuid"):
        yield _field(name, {"type": "string", "length": 1000, "createable": False, "updateable": False})


def _audit_fields() -> Iterator[Field]:
    for name, relationship in (("CreatedById", "CreatedBy"), ("LastModifiedById", "LastModifiedBy")):
        yield _field(name, {"type": "reference", "to": ["User"], "relationship": relationship, **_AUDIT})
    for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
        yield _field(name, {"type": "datetime", **_AUDIT})


def _expanded(name: str, facts: dict[str, Any]) -> Iterator[Field]:
    if facts["type"] != "address":
        yield _field(name, facts)
        return
    stem = name.removesuffix("Address")
    parts = [(part, stem + part, kind, length) for part, kind, length in _ADDRESS_PARTS]
    for _, part_name, kind, length in parts:
        yield _field(part_name, {"type": kind, "length": length, "scale": 15, "compound": name})
    keys = tuple((part[0].lower() + part[1:], part_name) for part, part_name, _, _ in parts)
    yield _field(name, {"type": "address", "createable": False, "updateable": False, "components": keys})


def _field(name: str, facts: dict[str, Any]) -> Field:
    return msgspec.convert({"name": name, "label": _label(name), **facts}, Field)


def _label(name: str) -> str:
    """External_Order_Id__c → External Order Id; BillingPostalCode → Billing Postal Code."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.removesuffix("__c").replace("_", " "))
    return re.sub(r" Id$", " ID", words)
