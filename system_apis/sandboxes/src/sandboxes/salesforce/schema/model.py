"""What an org knows about its objects: sObjects and fields as values, nothing of SQL or HTTP."""

from typing import Any

from msgspec import Struct

STORED_AS = {
    "boolean": "INTEGER",
    "int": "INTEGER",
    "long": "INTEGER",
    "double": "REAL",
    "currency": "REAL",
    "percent": "REAL",
}
"""SQLite column types; every other type is TEXT."""

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
ID_TYPES = frozenset({"id", "reference"})


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field of an sObject, as an object catalogue file declares it.

    Attributes:
        name: API name, in its own spelling.
        type: A describe type: string, picklist, reference, currency, address…
        label: What people see; made from the name when empty.
        length: Characters of text.
        precision: Digits in all, of a number.
        scale: Digits after the point.
        required: Must be given on create and may not be emptied.
        createable: May be given on create.
        updateable: May be given on update.
        calculated: The org works it out.
        auto_number: Width of a number the org counts up, 0 for none.
        display_format: What stands around that number, `INV-{}`.
        external_id: Marked as External ID.
        unique: No two records share a value.
        case_sensitive: Compared with case.
        name_field: The record's display name.
        to: Objects a reference may point to.
        relationship: Name for walking up, made from the field name when empty.
        children: Name for walking down from the parent, empty for none.
        cascade: Deleting the parent deletes this record (master-detail).
        values: Picklist values, the default one first if `default` says so.
        restricted: Only the listed values are accepted.
        inactive: Those of the values that an administrator deactivated; old records may still have them.
        default: Value on create.
        compound: The compound field this one belongs to.
        components: The fields of a compound field, by their key in its JSON object.
    """

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 18
    scale: int = 2
    required: bool = False
    createable: bool = True
    updateable: bool = True
    calculated: bool = False
    auto_number: int = 0
    display_format: str = "{}"
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    name_field: bool = False
    to: tuple[str, ...] = ()
    relationship: str = ""
    children: str = ""
    cascade: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False
    inactive: tuple[str, ...] = ()
    default: Any = None
    compound: str = ""
    components: tuple[tuple[str, str], ...] = ()

    @property
    def custom(self) -> bool:
        """Whether an administrator added it."""
        return self.name.endswith("__c")

    @property
    def stored(self) -> bool:
        """Whether it has a column; compound fields do not."""
        return not self.components

    @property
    def id_lookup(self) -> bool:
        """Whether a record can be addressed by it: an id, an external id or a standard look-up field."""
        return self.external_id or self.type == "id"

    def numbered(self, number: int) -> str:
        """The value of an auto-number field for its record with this number."""
        return self.display_format.replace("{}", str(number).zfill(self.auto_number))

    @property
    def column_type(self) -> str:
        """Its SQLite type and collation: text compares without case, ids and case-sensitive text with it."""
        declared = STORED_AS.get(self.type, "TEXT")
        if declared == "TEXT" and not self.case_sensitive and self.type not in ID_TYPES:
            return "TEXT COLLATE NOCASE"
        return declared


class Child(Struct, frozen=True):
    """A way down from a parent: the child object's name and its reference field."""

    sobject: str
    field: Field


class SObject(Struct):
    """An object type; look-ups are by lower-case name, as the API ignores case.

    Attributes:
        columns: The fields that have a column, in order.
        required: Those of them that every record has.
        unique: Those whose values no two records share.
        denied: What whoever sees the object like this may not do to its records: Create, Edit, Delete.
        shape: Names and types of all fields as text: another one when the object has changed.
    """

    name: str
    label: str
    plural: str
    prefix: str
    fields: dict[str, Field]
    parents: dict[str, Field]
    children: dict[str, Child]
    references: tuple[Child, ...] = ()
    columns: tuple[Field, ...] = ()
    required: tuple[Field, ...] = ()
    unique: tuple[Field, ...] = ()
    denied: frozenset[str] = frozenset()
    shape: str = ""

    def __post_init__(self) -> None:
        """Work out what every save asks for."""
        self.columns = tuple(field for field in self.fields.values() if field.stored)
        self.required = tuple(field for field in self.columns if field.required)
        self.unique = tuple(field for field in self.columns if field.unique)
        self.shape = ",".join(f"{field.name}:{field.type}:{field.required:d}" for field in self.fields.values())

    @property
    def custom(self) -> bool:
        """Whether an administrator added it."""
        return self.name.endswith("__c")

    @property
    def event(self) -> bool:
        """Whether its records are platform events, published and never stored."""
        return self.name.endswith("__e")

    @property
    def name_field(self) -> Field:
        """The field whose value is the record's display name; the id where there is none."""
        named = (field for field in self.fields.values() if field.name_field)
        return next(named, self.fields["id"])
