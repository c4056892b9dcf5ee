"""Many records of a Salesforce org at once: loads and extracts that the org works on by itself.

A contract of its own, so that a flow that loads gets no right to define objects or to subscribe to events.
"""

from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, get, post
from shared.binding.problems import Conflict, NotFound
from shared.contracts.system.salesforce_platform import (
    Condition,
    FieldNotKnown,
    FieldPath,
    FieldValue,
    ObjectName,
    ObjectNotFound,
    Ordering,
)

JobId = Annotated[
    str,
    msgspec.Meta(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9\-]*$", examples=["750Hs0000000042AAA"]),
]
BulkPageSize = Annotated[int, msgspec.Meta(ge=1, le=2_000)]
BulkRecord = Annotated[
    dict[FieldPath, FieldValue],
    msgspec.Meta(
        min_length=1, max_length=800, examples=[{"ERP_Customer_Number__c": "10100017", "Phone": "+49 40 5550408"}]
    ),
]
"""A record by API names. What it lacks is left alone, None and "" clear; `Account.ERP_Customer_Number__c` names a
parent by an external id."""

JobState = Literal["pending", "running", "completed", "failed", "aborted"]
"""`pending` was never begun; `failed` and `aborted` ended early, and what was written until then stays written."""
Became = Literal["successful", "failed", "unprocessed"]


class BulkJobNotFound(NotFound):
    """The org has no such job; it keeps jobs for seven days."""


class LoadInDoubt(Conflict):
    """Whether the org began the load is not known; `detail` names its job. Read that before you load anything again."""


class NewLoad(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Records to write: up to 10,000, in a body of up to 1 MiB (1,048,576 bytes); larger loads are several.

    Attributes:
        operation: `update` and `delete` find records by `Id`, `upsert` by `external_id_field`.
        external_id_field: Of an upsert: an external id of the object; every record has a value for it.
        records: Of one object, in any order; they need not have the same fields.
    """

    sobject: ObjectName
    operation: Annotated[Literal["insert", "update", "upsert", "delete"], msgspec.Meta(examples=["upsert"])]
    records: Annotated[list[BulkRecord], msgspec.Meta(min_length=1, max_length=10_000)]
    external_id_field: Annotated[
        str, msgspec.Meta(pattern=r"^([A-Za-z][A-Za-z0-9_]{0,79})?$", examples=["ERP_Customer_Number__c"])
    ] = ""


class RecordOutcome(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of one record.

    Attributes:
        became: `unprocessed` if the job ended before it; it was not written.
        record: The record as it was sent; results name no position, so this tells which it is.
        record_id: Its id in the org, empty if it has none.
        created: Whether it is new.
        code: Salesforce's code if it was refused.
        refused_fields: What the code speaks of.
        repeatable: Whether the same record may be accepted if it is loaded again.
    """

    became: Became
    record: dict[str, FieldValue]
    record_id: str = ""
    created: bool = False
    code: str = ""
    refused_fields: list[str] = []
    repeatable: bool = False


class Load(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A load as far as it is; `results` come when it has ended.

    Attributes:
        processed: Records done, the refused ones among them.
        failed: Records refused.
        code: Salesforce's word for why the job as a whole failed, e.g. InvalidBatch.
    """

    load_id: str
    state: JobState
    sobject: str = ""
    operation: str = ""
    processed: int = 0
    failed: int = 0
    code: str = ""
    results: list[RecordOutcome] = []
    next_cursor: str | None = None


class NewExtract(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Rows to read: all of `where` must hold, and of each list in `any_of` at least one condition.

    Bulk jobs read no compound fields (name their parts), no files and no children. An order makes large ones slower.

    Attributes:
        deleted: Include what lies in the recycle bin and what is archived.
    """

    sobject: ObjectName
    fields: Annotated[list[FieldPath], msgspec.Meta(min_length=1, max_length=500)]
    where: Annotated[list[Condition], msgspec.Meta(max_length=50)] = []
    any_of: Annotated[
        list[Annotated[list[Condition], msgspec.Meta(min_length=1, max_length=50)]], msgspec.Meta(max_length=20)
    ] = []
    order_by: Annotated[list[Ordering], msgspec.Meta(max_length=10)] = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=50_000_000)] | None = None
    deleted: bool = False


class Extract(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An extract as far as it is; `rows` come when it is complete, `total` of them on all pages.

    Values are numbers and booleans where the fields are, otherwise text, moments as ISO 8601; what is empty is null.
    """

    extract_id: str
    state: JobState
    sobject: str = ""
    total: int = 0
    code: str = ""
    rows: list[dict[str, FieldValue]] = []
    next_cursor: str | None = None


class SalesforceBulk(Contract, tier="system", version="v1"):
    """Loads and extracts of many records of a Salesforce org, which the org works on by itself."""

    @post(
        "/loads", scope="salesforce-bulk:write", raises=[ObjectNotFound, FieldNotKnown, LoadInDoubt],
        long_running="/loads/{load_id}", timeout=30.0,
    )  # fmt: skip
    async def start_load(self, load: NewLoad) -> Load:
        """Hand records over to the org, which then writes them; answers when it has begun.

        Each record is written or refused by itself. Send an `Idempotency-Key` with inserts: the same key does not
        begin a second job. What cannot be sent at all is refused before anything is written.
        """
        ...

    @get("/loads/{load_id}", scope="salesforce-bulk:read", raises=[BulkJobNotFound], timeout=30.0, waits=True)
    async def get_load(
        self,
        load_id: JobId,
        became: Became | None = None,
        cursor: Cursor | None = None,
        limit: BulkPageSize = 500,
    ) -> Load:
        """Return how far a load is and, when it has ended, what became of each record.

        With `Prefer: wait=n` the answer waits for its end. Refused records come first, then unprocessed ones.

        Args:
            load_id: The load.
            became: Only these records.
            cursor: The `nextCursor` of the previous page.
            limit: Records of a page.
        """
        ...

    @post(
        "/extracts", scope="salesforce-bulk:read", raises=[ObjectNotFound, FieldNotKnown],
        long_running="/extracts/{extract_id}", timeout=30.0,
    )  # fmt: skip
    async def start_extract(self, extract: NewExtract) -> Extract:
        """Let the org gather rows of an object by conditions; each is one of its query jobs of the day."""
        ...

    @get("/extracts/{extract_id}", scope="salesforce-bulk:read", raises=[BulkJobNotFound], timeout=30.0, waits=True)
    async def get_extract(
        self, extract_id: JobId, cursor: Cursor | None = None, limit: BulkPageSize = 1_000
    ) -> Extract:
        """Return how far an extract is and, when it is complete, its rows.

        With `Prefer: wait=n` the answer waits for its end. Rows can be had for seven days.

        Args:
            extract_id: The extract.
            cursor: The `nextCursor` of the previous page.
            limit: Rows of a page.
        """
        ...
