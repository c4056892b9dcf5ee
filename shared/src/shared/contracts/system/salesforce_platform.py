"""Raw power over a Salesforce org: any object, any field, in the org's own names."""

from typing import Annotated

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get
from shared.binding.problems import Conflict, Gone, Invalid, NotFound

ObjectName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:\-]*$",
        examples=["Account"],
        description="API name of an object, e.g. Account or Meter_Reading__c; case does not matter",
    ),
]


class ObjectNotFound(NotFound):
    """The org has no object of this API name, or its integration user cannot see it."""


class RowNotFound(NotFound):
    """The object has no row with this id or key, or it is deleted."""


class SeveralRows(Conflict):
    """Several rows have this external id, so it names none of them; make the field unique or use the id."""


class FieldNotKnown(Invalid):
    """The object has no such field or relationship, or it cannot be used here; `errors` names it."""


class DuplicateValue(Conflict):
    """Another row has this value in a field that is unique."""


class QueryExpired(Gone):
    """The org keeps the pages of a query for two days; begin the query again."""


class ObjectSummary(msgspec.Struct, frozen=True, rename="camel"):
    """One object of the org, and what the integration user may do with its rows."""

    name: str
    label: str
    label_plural: str = ""
    key_prefix: str | None = None
    custom: bool = False
    queryable: bool = False
    searchable: bool = False
    createable: bool = False
    updateable: bool = False
    deletable: bool = False


class PicklistValue(msgspec.Struct, frozen=True, rename="camel"):
    """A value that a picklist offers."""

    value: str
    label: str | None = None
    active: bool = True
    default_value: bool = False


class FieldDescription(msgspec.Struct, frozen=True, rename="camel"):
    """One field; `reference_to` names the objects that a reference may point to, `relationship_name` the way there."""

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    custom: bool = False
    nillable: bool = False
    createable: bool = False
    updateable: bool = False
    filterable: bool = False
    sortable: bool = False
    groupable: bool = False
    aggregatable: bool = False
    unique: bool = False
    external_id: bool = False
    id_lookup: bool = False
    calculated: bool = False
    auto_number: bool = False
    defaulted_on_create: bool = False
    name_field: bool = False
    restricted_picklist: bool = False
    compound_field_name: str | None = None
    relationship_name: str | None = None
    reference_to: list[str] = []
    picklist_values: list[PicklistValue] = []


class ChildRelationship(msgspec.Struct, frozen=True, rename="camel"):
    """Rows of another object that refer to a row of this one; without a name they cannot be queried from here."""

    child_s_object: Annotated[str, msgspec.Meta(description="API name of the other object")] = msgspec.field(
        name="childSObject"
    )
    field: str
    relationship_name: str | None = None
    cascade_delete: bool = False


class ObjectDescription(ObjectSummary, frozen=True, rename="camel"):
    """One object in full, as the integration user sees it."""

    fields: list[FieldDescription] = []
    child_relationships: list[ChildRelationship] = []


class Allowance(msgspec.Struct, frozen=True, rename="camel"):
    """How much of something the org may use, and what is left of it now."""

    max: int
    remaining: int


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """The org's allowances by Salesforce's name, e.g. DailyApiRequests; up to five minutes old."""

    allowances: dict[str, Allowance]


class SalesforcePlatform(Contract, tier="system", version="v1"):
    """Every object of a Salesforce org in the org's own names: describe, read, query, search, save."""

    @get("/objects", scope="salesforce-platform:read")
    async def list_objects(self, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[ObjectSummary]:
        """List the org's objects by name."""
        ...

    @get("/objects/{sobject}", scope="salesforce-platform:read", raises=[ObjectNotFound])
    async def describe_object(self, sobject: ObjectName) -> ObjectDescription:
        """Describe one object: fields, child relationships, what may be done with it.

        Answers come from memory for some minutes; a name that the org refuses is asked about anew.
        """
        ...

    @get("/limits", scope="salesforce-platform:read")
    async def get_limits(self) -> Limits:
        """Return what is left of the org's allowances."""
        ...
