"""The data warehouse capability: facts kept for good, by dataset and day, and questions over them."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post, put
from shared.binding.problems import Conflict, Invalid, NotFound
from shared.contracts.canonical.values import Id

DatasetName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_\-]{0,62}$", examples=["order-lines"])]
ColumnName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["amount"])]
ColumnType = Literal["text", "integer", "decimal", "float", "boolean", "date", "moment"]
"""A decimal has up to 29 digits before the point and 9 after it, all of them exact; an integer has 64 bits."""

Cell = (
    Annotated[str, msgspec.Meta(max_length=131_072)]
    | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[float, msgspec.Meta(ge=-1.7e308, le=1.7e308)]
    | bool
    | None
)
"""A value: decimals as text such as "12.50", dates and moments as ISO 8601 text, a moment with its offset from UTC."""


class FactDatasetNotFound(NotFound):
    """No facts were ever kept under this name."""


class ColumnNotKnown(Invalid):
    """The dataset has no such column; `errors` names it."""


class ColumnTypeChanged(Conflict):
    """A column has another type in the facts that are kept already; keep the new values in a column of a new name."""


class BatchOfAnotherDay(Conflict):
    """The batch of this reference is kept under another day; repeat it with that day, or give it a new reference."""


class Column(msgspec.Struct, frozen=True, rename="camel"):
    """A column of a dataset."""

    name: ColumnName
    type: ColumnType


class FactBatch(msgspec.Struct, frozen=True, rename="camel"):
    """Facts of one day; each row has a value, or null, for every one of the columns, in their order.

    `day` is a column of every dataset, and not one of these.
    """

    day: date
    columns: Annotated[list[Column], msgspec.Meta(min_length=1, max_length=200)]
    rows: Annotated[list[list[Cell]], msgspec.Meta(min_length=1, max_length=5000)]


class BatchKept(msgspec.Struct, frozen=True, rename="camel"):
    """Where a batch is kept, and how many rows it has."""

    dataset: DatasetName
    day: date
    file: str
    rows: int


class Condition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a row must meet: one value, for `in` several, for `is-null` and `not-null` none.

    `!=` holds for rows without a value too.
    """

    column: ColumnName
    operator: Literal["=", "!=", "<", "<=", ">", ">=", "in", "is-null", "not-null"]
    values: Annotated[list[Cell], msgspec.Meta(max_length=1000)] = []


class Aggregate(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A figure over the rows of a group; a `count` without a column counts rows. `name` is its column in the answer."""

    function: Literal["count", "sum", "min", "max"]
    name: ColumnName
    column: ColumnName | None = None


class Ordering(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A column of the answer to sort by."""

    column: ColumnName
    descending: bool = False


class FactQuery(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A question over one dataset. With aggregates, `columns` are what rows are grouped by.

    All conditions must hold. `first_day` and `last_day` are included, and only files of these days are read. Rows are
    sorted by `order_by`, then by every column from the left.
    """

    columns: Annotated[list[ColumnName], msgspec.Meta(max_length=200)] = []
    aggregates: Annotated[list[Aggregate], msgspec.Meta(max_length=50)] = []
    conditions: Annotated[list[Condition], msgspec.Meta(max_length=50)] = []
    order_by: Annotated[list[Ordering], msgspec.Meta(max_length=20)] = []
    first_day: date | None = None
    last_day: date | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000


class Facts(msgspec.Struct, frozen=True, rename="camel"):
    """An answer; `truncated` says that there are more rows than the limit of the question."""

    columns: list[Column]
    rows: list[list[Cell]]
    truncated: bool


class FactsCompacted(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How many days had small files to merge, and the files of these days before and after; `more` are left to do."""

    dataset: DatasetName
    days: int
    files_before: int
    files_after: int
    more: bool = False


class Partition(msgspec.Struct, frozen=True, rename="camel"):
    """The files of one day, and their size in bytes."""

    day: date
    files: int
    size: int


class Dataset(msgspec.Struct, frozen=True, rename="camel"):
    """A dataset: its columns, in the order in which they came, and its days, oldest first."""

    dataset: DatasetName
    columns: list[Column]
    partitions: list[Partition]


class DataWarehouse(Contract, tier="system", version="v1"):
    """Keeps facts, by dataset and day, and answers questions over any number of them."""

    @put(
        "/datasets/{dataset}/batches/{reference}",
        scope="data-warehouse:write",
        raises=[ColumnTypeChanged, BatchOfAnotherDay],
    )
    async def append_facts(self, dataset: DatasetName, reference: Id, batch: FactBatch) -> BatchKept:
        """Keep a batch of facts, durably; a repeat takes the place of the batch with the same reference.

        The dataset begins with its first batch. Columns that it does not have are added to it.
        """
        ...

    @post(
        "/datasets/{dataset}/queries",
        scope="data-warehouse:read",
        safe=True,
        raises=[FactDatasetNotFound, ColumnNotKnown],
    )
    async def query_facts(self, dataset: DatasetName, query: FactQuery) -> Facts:
        """Return the rows or figures that a question asks for."""
        ...

    @post(
        "/datasets/{dataset}/compactions",
        scope="data-warehouse:write",
        repeatable=True,
        status=200,
        raises=[FactDatasetNotFound],
        timeout=60.0,
    )
    async def compact_facts(self, dataset: DatasetName) -> FactsCompacted:
        """Merge the small files of each day, so that questions read fewer; no question sees half of it.

        Nothing of what is kept changes, and a batch can be repeated as before. Ask again while there is `more`.
        """
        ...

    @get("/datasets", scope="data-warehouse:read")
    async def list_datasets(self, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[Dataset]:
        """Return the datasets by name, with their columns and days."""
        ...
