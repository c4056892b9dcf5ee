"""HubSpot's objects as its CRM API sends and takes them (developers.hubspot.com), as far as we use them."""

from datetime import datetime

import msgspec


class ObjectRecord(msgspec.Struct, frozen=True, rename="camel"):
    """An object: a contact or a note. A property without a value is null; `new` tells of an upsert what it did."""

    id: str
    properties: dict[str, str | None]
    updated_at: datetime
    new: bool = False
    object_write_trace_id: str | None = None


class UpsertRecord(msgspec.Struct, frozen=True, rename="camel"):
    """One input of a batch upsert; with a trace id, its refusal is told by itself."""

    id: str
    id_property: str
    properties: dict[str, str]
    object_write_trace_id: str


class PartFaultRecord(msgspec.Struct, frozen=True, rename="camel"):
    """What was refused of a batch; `context` names the inputs by `ids` or `objectWriteTraceId`."""

    category: str
    message: str = ""
    context: dict[str, list[str]] = {}


class BatchRecord(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a batch: 200, or 207 with errors."""

    results: list[ObjectRecord]
    errors: list[PartFaultRecord] = []


class NextRecord(msgspec.Struct, frozen=True):
    """Where the next page begins."""

    after: str


class PagingRecord(msgspec.Struct, frozen=True):
    """Present where there is a next page."""

    next: NextRecord | None = None


class PageRecord(msgspec.Struct, frozen=True):
    """A page of a search."""

    results: list[ObjectRecord]
    paging: PagingRecord | None = None


class AssociatedRecord(msgspec.Struct, frozen=True, rename="camel"):
    """The other end of an association."""

    to_object_id: int


class AssociationsRecord(msgspec.Struct, frozen=True):
    """A page of associations."""

    results: list[AssociatedRecord]
    paging: PagingRecord | None = None


class FaultRecord(msgspec.Struct, frozen=True, rename="camel"):
    """An error. Its message is read for the code of a refused property only."""

    category: str = ""
    message: str = ""
    policy_name: str = ""
