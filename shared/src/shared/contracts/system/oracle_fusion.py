"""Raw power over an Oracle Fusion pod: any resource of its REST framework, in Oracle's own names.

What `Erp` has no operation for is reached here: receivables invoices, price lists, on-hand quantities, inventory
transactions, bulk order requests, and whatever else the pod publishes.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, post
from shared.binding.problems import NotFound, Refused
from shared.contracts.system.salesforce_platform import FieldValue

Area = Literal["fscm", "crm"]
"""Financials and supply chain, or trading community."""

Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        examples=["itemsV2"],
        description="A resource, child, attribute or action, as Oracle spells it",
    ),
]
Path = Annotated[
    str,
    msgspec.Meta(
        max_length=400,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,5}$",
        examples=["ItemNumber"],
        description="An attribute, with dots before it where it is a child's: lines.ProductNumber",
    ),
]
Key = Annotated[
    str,
    msgspec.Meta(
        max_length=400,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        examples=[""],
        description="What a record told as its `key`; empty for none",
    ),
]
Version = Annotated[
    str, msgspec.Meta(max_length=400, pattern=r"^[A-Za-z0-9]*$", description="What a record told as its `version`")
]
_Leaf = dict[Name, FieldValue]
_Grandchild = dict[Name, FieldValue | list[_Leaf]]
_Child = dict[Name, FieldValue | list[_Grandchild]]
Fields = dict[Name, FieldValue | list[_Child]]
"""Attributes by name, and below the name of a child the records of it: an order, its lines, their charges, …."""

_LeafTold = dict[str, FieldValue]
_GrandchildTold = dict[str, FieldValue | list[_LeafTold]]
_ChildTold = dict[str, FieldValue | list[_GrandchildTold]]
FieldsTold = dict[str, FieldValue | list[_ChildTold]]
"""The same in an answer; what is nested deeper, or is no record, is told as JSON text."""


class OracleRecordNotFound(NotFound):
    """The pod has no such resource, record or action, or its integration user cannot see it."""


class OracleRefused(Refused):
    """Oracle refused it: an attribute it does not know, a value, or a rule of the business; `errors` says which."""


class OracleRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One record: attributes by name, and children that were asked for as arrays.

    `key` names it in later requests; `version` goes with a change that must not overwrite somebody else's.
    """

    key: str
    fields: FieldsTold
    version: str = ""


class OracleCondition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an attribute must be. `in` takes `values`, `like` a text with % in it; a value null asks for none."""

    attribute: Path
    operator: Literal["=", "!=", "<", "<=", ">", ">=", "like", "in"] = "="
    value: FieldValue = None
    values: Annotated[list[FieldValue], msgspec.Meta(max_length=200)] = []


class OracleFinder(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A question that the resource offers by name, with values for its variables."""

    name: Name
    values: dict[Name, FieldValue] = {}


class OracleOrdering(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An attribute to order by."""

    attribute: Name
    descending: bool = False


class OracleQuery(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A question for records.

    Attributes:
        resource: Which collection.
        area: Where it is.
        key: One record of it, or the one whose child or list of values is asked for.
        child: The child collection of the record `key`.
        values: The list of values (LOV) of the record `key`, by its name.
        where: What must hold; not with the `key` of one record.
        finder: A finder of the resource, beside the conditions; as they.
        fields: Attributes to answer; empty for all. A child's come with it.
        expand: Children to answer whole; not together with `fields`. At most 25 records of each, ask for `child` then.
        order_by: Without it pages may overlap.
        effective: The day that date-effective records are looked at from.
        limit: Records a page.
        cursor: Where the previous page of the same question ended.
    """

    resource: Name
    area: Area = "fscm"
    key: Key = ""
    child: Name | Literal[""] = ""
    values: Name | Literal[""] = ""
    where: Annotated[list[OracleCondition], msgspec.Meta(max_length=50)] = []
    finder: OracleFinder | None = None
    fields: Annotated[list[Path], msgspec.Meta(max_length=200)] = []
    expand: Annotated[list[Path], msgspec.Meta(max_length=20)] = []
    order_by: Annotated[list[OracleOrdering], msgspec.Meta(max_length=5)] = []
    effective: date | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class EffectiveRange(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """For when a change of a date-effective record holds (`Effective-Of`).

    Attributes:
        mode: UPDATE makes a new row from `start` on, CORRECTION changes rows as they are, DELETE_CHANGES takes rows
            away; a resource may know more.
        start: First day; without it the one of the row as it is.
        end: Last day; 4712-12-31 stands for no end.
        span: Up to the end of the row that holds on `start`, or of the last one.
    """

    mode: Annotated[str, msgspec.Meta(pattern=r"^[A-Z_]{1,40}$", examples=["UPDATE"])]
    start: date | None = None
    end: date | None = None
    span: Literal["PHYSICAL_ROW_END_DATE", "LOGICAL_ROW_END_DATE"] | None = None


class OracleChange(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One write. `create` and `upsert` take no key of what they make, the others do.

    Attributes:
        action: `upsert` finds a record by the alternate key among its fields; `replace` empties what is left out.
        resource: Which collection.
        key: Which record; of a child, the record above it.
        child: The child collection that is written to.
        child_key: Which record of the child.
        fields: What is written.
        version: The change is made only if the record is still of it.
        effective: For a date-effective record; alone in its request.
    """

    action: Literal["create", "update", "replace", "upsert", "delete"]
    resource: Name
    key: Key = ""
    child: Name | Literal[""] = ""
    child_key: Key = ""
    fields: Fields = {}
    version: Version = ""
    effective: EffectiveRange | None = None


class OracleChanges(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Changes made in their order and in one transaction: all of them, or none."""

    changes: Annotated[list[OracleChange], msgspec.Meta(min_length=1, max_length=200)]
    area: Area = "fscm"


class OracleChanged(msgspec.Struct, frozen=True, rename="camel"):
    """The records as they are now, one for each change in their order; without fields where one was deleted."""

    records: list[OracleRecord]


class OracleAction(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An action of a resource, or of the record `key`: applyHold, releaseHold, …."""

    resource: Name
    name: Name
    key: Key = ""
    parameters: Fields = {}
    area: Area = "fscm"


class OracleActionResult(msgspec.Struct, frozen=True, rename="camel"):
    """What an action answered, by name; a single value, or a list, is its `result`."""

    fields: FieldsTold


class OracleFusion(Contract, tier="system", version="v1"):
    """Every REST resource of an Oracle Fusion pod in Oracle's own names: read, write, act."""

    @post("/queries", scope="oracle-fusion:read", safe=True, raises=[OracleRecordNotFound, OracleRefused], timeout=30.0)
    async def query(self, question: OracleQuery) -> Page[OracleRecord]:
        """Find records of a resource, of a child or of a list of values, or one record by its key."""
        ...

    @post("/changes", scope="oracle-fusion:write", status=200, timeout=30.0,
        raises=[OracleRecordNotFound, OracleRefused],
    )  # fmt: skip
    async def save(self, request: OracleChanges) -> OracleChanged:
        """Make changes, all or none; several go as one batch.

        Creating twice makes two, unless the resource has a natural key (an order's source transaction, say) or the
        action is `upsert`. Numbers with a fraction have 53 bits, as in JSON.
        """
        ...

    @post("/actions", scope="oracle-fusion:write", status=200, timeout=30.0,
        raises=[OracleRecordNotFound, OracleRefused],
    )  # fmt: skip
    async def invoke(self, action: OracleAction) -> OracleActionResult:
        """Run an action."""
        ...
