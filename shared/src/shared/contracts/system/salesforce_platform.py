"""Raw power over a Salesforce org: any object, any field, in the org's own names."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post
from shared.binding.problems import Conflict, Gone, Invalid, NotFound, ProblemDetails
from shared.contracts.system.salesforce_definitions import (
    DatasetNotFound,
    Definitions,
    DefinitionsRefused,
    Deployment,
    DeploymentId,
    DeploymentNotFound,
    Package,
    SaqlAnswer,
    SaqlQuestion,
)

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

FieldPath = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}$",
        examples=["Name"],
        description="API name of a field, with dots along references: Account.Owner.Name",
    ),
]
RowId = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^/\x00-\x1f\x7f]+$")]
"""A record id of 15 or 18 characters, or the value of an external id."""

FieldValue = (
    Annotated[str, msgspec.Meta(max_length=131_072)]
    | Annotated[int, msgspec.Meta(ge=-(10**18), le=10**18)]
    | Annotated[float, msgspec.Meta(ge=-(10**18), le=10**18)]  # as `binding.strict` writes them: equal ones are one
    | bool
    | None
)
"""What a field holds: dates and moments as ISO 8601, multi-select picklists as `A;B`."""

Version = Annotated[
    str,
    msgspec.Meta(
        max_length=128,
        pattern=r'^("[A-Za-z0-9+/=_:.\-]{1,100}"|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)?$',
        examples=['"19f0c2d1a00"'],
        description="What a row's `version` said when it was read",
    ),
]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "like", "contains", "starts-with", "in", "not-in", "includes", "excludes"
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


class RolledBack(Conflict):
    """Another change of the same request was refused, so this one was not made either."""


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


class Row(msgspec.Struct, frozen=True, rename="camel"):
    """One row: values by field, those of parents and of compound fields with dots, children by relationship.

    `version` goes with a later change that must not overwrite somebody else's; only single reads tell it.
    """

    row_id: str
    sobject: str
    fields: dict[str, FieldValue]
    children: dict[str, list[dict[str, FieldValue]]] = {}
    version: str = ""


class DeletedRow(msgspec.Struct, frozen=True, rename="camel"):
    """A row that was deleted."""

    row_id: str
    deleted_at: datetime


class RowChanges(msgspec.Struct, frozen=True, rename="camel"):
    """Which rows of an object changed in a window; the next one should begin at `covered_until`."""

    updated: list[str]
    deleted: list[DeletedRow]
    covered_until: datetime


class Condition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a field must be. Date fields also take SOQL's words: TODAY, LAST_N_DAYS:30.

    `in`, `not-in`, `includes` and `excludes` take `values`, the others `value`. `contains` and `starts-with` take text
    as it is, in `like` the signs % and _ stand for any characters and any one.
    """

    field: FieldPath
    operator: Operator = "="
    value: FieldValue = None
    values: Annotated[list[FieldValue], msgspec.Meta(max_length=1_000)] = []


class Ordering(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A field to order by."""

    field: FieldPath
    descending: bool = False
    nulls_last: bool = False


class ChildQuery(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Rows that refer to each row found, by the name of the child relationship, e.g. Contacts."""

    relationship: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$", examples=["Contacts"])]
    fields: Annotated[list[FieldPath], msgspec.Meta(min_length=1, max_length=200)]
    where: Annotated[list[Condition], msgspec.Meta(max_length=50)] = []
    order_by: Annotated[list[Ordering], msgspec.Meta(max_length=10)] = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=2_000)] | None = None


class QueryRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A question for rows. Without fields only `total` is answered.

    All of `where` must hold, and of each list in `any_of` at least one condition. `deleted` includes what lies in the
    recycle bin and what is archived. With a `cursor` ask the same question as on the first page.
    """

    sobject: ObjectName
    fields: Annotated[list[FieldPath], msgspec.Meta(max_length=500)] = []
    where: Annotated[list[Condition], msgspec.Meta(max_length=50)] = []
    any_of: Annotated[
        list[Annotated[list[Condition], msgspec.Meta(min_length=1, max_length=50)]], msgspec.Meta(max_length=20)
    ] = []
    order_by: Annotated[list[Ordering], msgspec.Meta(max_length=10)] = []
    children: Annotated[list[ChildQuery], msgspec.Meta(max_length=20)] = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=50_000_000)] | None = None
    page_size: Annotated[int, msgspec.Meta(ge=200, le=2_000)] = 2_000
    deleted: bool = False
    cursor: Cursor | None = None


class QueryPage(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Rows that were found, `total` of them on all pages; pages can be had for two days."""

    total: int
    rows: list[Row]
    next_cursor: str | None = None


class SearchedObject(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An object to search in."""

    sobject: ObjectName
    fields: Annotated[list[FieldPath], msgspec.Meta(min_length=1, max_length=200)]
    where: Annotated[list[Condition], msgspec.Meta(max_length=50)] = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=2_000)] | None = None


class SearchRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Words to find. `*` and `?` at their end or inside stand for any letters and any one with `wildcards` only."""

    text: Annotated[str, msgspec.Meta(min_length=2, max_length=1_000, examples=["Alster"])]
    objects: Annotated[list[SearchedObject], msgspec.Meta(min_length=1, max_length=20)]
    within: Literal["all", "name", "email", "phone", "sidebar"] = "all"
    wildcards: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=2_000)] = 200


class SearchHits(msgspec.Struct, frozen=True, rename="camel"):
    """Rows that were found, object after object as they were asked for."""

    rows: list[Row]


class RowReference(msgspec.Struct, frozen=True, rename="camel"):
    """The id of the row that an earlier change of the same request makes, by that change's `reference`."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=80, examples=["company"])]


class Change(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One write. `create` takes fields; `update` and `delete` a `row_id`; `upsert` a `key_field` and its `key`.

    A field `Account.ERP_Customer_Number__c` names a parent by its external id. With a `version` the change is made only
    if the row is still of it. `reference` is a name for later changes to refer to.
    """

    action: Literal["create", "update", "upsert", "delete"]
    sobject: ObjectName
    fields: dict[FieldPath, FieldValue | RowReference] = {}
    row_id: RowId | Literal[""] = ""
    key_field: FieldPath | Literal[""] = ""
    key: Annotated[str, msgspec.Meta(max_length=255)] = ""
    version: Version = ""
    reference: Annotated[str, msgspec.Meta(max_length=80)] = ""


class SaveRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Changes of any kind and of any objects, made in their order where one refers to another.

    `all_or_none` reaches up to 500 changes. Without it, changes that refer to one another stand or fall together, and
    every other one for itself.
    """

    changes: Annotated[list[Change], msgspec.Meta(min_length=1, max_length=2_000)]
    all_or_none: bool = False


class ChangeResult(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of one change: the row, or Salesforce's code and the problem it stands for."""

    row_id: str = ""
    created: bool = False
    code: str = ""
    problem: ProblemDetails | None = None


class SaveOutcome(msgspec.Struct, frozen=True, rename="camel"):
    """One result for each change, in their order."""

    results: list[ChangeResult]


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

    @get(
        "/objects/{sobject}/rows/{row_id}",
        scope="salesforce-platform:read",
        raises=[ObjectNotFound, RowNotFound, SeveralRows, FieldNotKnown],
    )
    async def get_row(
        self,
        sobject: ObjectName,
        row_id: RowId,
        key_field: FieldPath | None = None,
        fields: Annotated[list[FieldPath], msgspec.Meta(max_length=200)] | None = None,
    ) -> Row:
        """Return one row with its version.

        Args:
            sobject: API name of its object.
            row_id: Its id, or its value of `keyField`.
            key_field: An external id field of the object.
            fields: Only these; all by default.
        """
        ...

    @get("/objects/{sobject}/changes", scope="salesforce-platform:read", raises=[ObjectNotFound])
    async def list_changes(
        self, sobject: ObjectName, since: Moment | None = None, until: Moment | None = None
    ) -> RowChanges:
        """List the rows that were changed or deleted in a window.

        Args:
            sobject: API name of the object.
            since: Begin of the window, at most 30 days ago; a day ago by default.
            until: Its end; now by default.
        """
        ...

    @post("/queries", scope="salesforce-platform:read", safe=True, raises=[ObjectNotFound, FieldNotKnown, QueryExpired])
    async def query(self, question: QueryRequest) -> QueryPage:
        """Find rows of an object by conditions, with parents and children."""
        ...

    @post("/searches", scope="salesforce-platform:read", safe=True, raises=[ObjectNotFound, FieldNotKnown])
    async def search(self, question: SearchRequest) -> SearchHits:
        """Find rows of several objects by words in their text; new rows can be found some minutes later."""
        ...

    @post("/changes", scope="salesforce-platform:write", status=200, raises=[ObjectNotFound, FieldNotKnown])
    async def save(self, request: SaveRequest) -> SaveOutcome:
        """Make any mix of changes in as few API calls as serve; each has its own result.

        What cannot be sent at all is refused before anything is written.
        """
        ...

    @post(
        "/definitions", scope="salesforce-platform:admin", status=200, repeatable=True, raises=[DefinitionsRefused],
        long_running="/deployments/{deployment_id}", timeout=30.0,
    )  # fmt: skip
    async def define(self, definitions: Definitions) -> Deployment:
        """Make objects, fields, platform events and channels, all or none; what is there is brought in line."""
        ...

    @post("/deployments", scope="salesforce-platform:admin", long_running="/deployments/{deployment_id}", timeout=30.0)
    async def deploy(self, package: Package) -> Deployment:
        """Deploy a Metadata API package; what the org refuses is told component by component."""
        ...

    @get("/deployments/{deployment_id}", scope="salesforce-platform:admin", raises=[DeploymentNotFound])
    async def get_deployment(self, deployment_id: DeploymentId) -> Deployment:
        """Return how far a deployment is."""
        ...

    @post("/dataset-queries", scope="salesforce-platform:admin", safe=True, raises=[DatasetNotFound])
    async def query_datasets(self, question: SaqlQuestion) -> SaqlAnswer:
        """Ask datasets of CRM Analytics in SAQL, with values that cannot become more than values."""
        ...

    @get("/limits", scope="salesforce-platform:read")
    async def get_limits(self) -> Limits:
        """Return what is left of the org's allowances."""
        ...
