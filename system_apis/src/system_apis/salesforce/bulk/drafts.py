"""What callers ask for in their own words, as jobs: names come from the org's description, values through CSV or SOQL.

What Salesforce would refuse for a whole job, often minutes later, is refused here at once.
"""

from typing import Final

import msgspec

from shared.binding.problems import ContentTooLarge, FieldError, Invalid
from shared.contracts.system.salesforce_bulk import BulkRecord, NewExtract, NewLoad
from shared.contracts.system.salesforce_platform import (
    FieldDescription,
    FieldNotKnown,
    ObjectDescription,
    QueryRequest,
)
from system_apis.salesforce.bulk.loading import LoadSpec
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.bulk.values import Columns
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.fields import Fields
from system_apis.salesforce.platform.select import Select

_NOT_IN_BULK: Final = frozenset({"address", "location", "base64", "complexvalue"})
_PARENT_AND_KEY: Final = 2


class LoadDraft(msgspec.Struct, frozen=True):
    """A load that can be sent.

    Attributes:
        wanted: The job to make.
        content: Its records as CSV.
    """

    wanted: dict[str, str]
    content: bytes


class Drafts:
    """Makes jobs for one org.

    Args:
        describe: What the org says of its objects.
        settings: How CSV looks, and how large an upload may be.
    """

    def __init__(self, describe: Describe, settings: BulkSettings) -> None:
        self._describe, self._settings = describe, settings
        self._fields = Fields(describe)
        self._select = Select(describe)

    async def load(self, load: NewLoad) -> LoadDraft:
        """The job that writes records.

        Raises:
            ObjectNotFound: There is no such object.
            FieldNotKnown: It has no such field, or one that cannot be written so.
            Invalid: A record lacks its key, names a field twice, or has a value that CSV cannot carry.
            ContentTooLarge: All of it is more than an upload may be.
        """
        described = await self._describe.object(load.sobject)
        key = await self._key(described, load)
        names = dict.fromkeys(name for record in load.records for name in record)
        spelt = {name: await self._column(described, name, load.operation, key) for name in names}
        records = [_respelt(record, spelt, key, at) for at, record in enumerate(load.records)]
        columns = Columns(list(dict.fromkeys(spelt.values())))
        encode = self._settings.dialect.encoder()
        lines = [encode(columns.names), *(encode(columns.row(record, at)) for at, record in enumerate(records))]
        content = b"".join(lines)
        if len(content) > self._settings.content_bytes:
            raise ContentTooLarge("The records are more than one upload may be; make several loads of them.")
        external_id = key if load.operation == "upsert" else ""
        spec = LoadSpec(sobject=described.name, operation=load.operation, external_id=external_id)
        return LoadDraft(spec.job(), content)

    async def soql(self, extract: NewExtract) -> str:
        """The query of an extract.

        Raises:
            ObjectNotFound, FieldNotKnown: There is no such thing, or no bulk job reads it.
            Invalid: A field cannot be compared or ordered by so.
        """
        described = await self._describe.object(extract.sobject)
        for path in extract.fields:
            spelt, field = await self._fields.find(described, path)
            if field.type in _NOT_IN_BULK:
                raise _unfit(spelt, f"is of type {field.type}, which bulk jobs do not read; name its parts, if any")
        question = QueryRequest(
            extract.sobject, extract.fields, extract.where, extract.any_of, extract.order_by, limit=extract.limit
        )
        return (await self._select.statement(question)).soql

    async def _key(self, described: ObjectDescription, load: NewLoad) -> str:
        """The column that finds records, empty for inserts."""
        if load.operation != "upsert":
            if load.external_id_field:
                raise Invalid("Only an upsert has an externalIdField; leave it out, or upsert.")
            return "" if load.operation == "insert" else "Id"
        if not load.external_id_field:
            raise Invalid("An upsert needs the externalIdField by which records are found.")
        spelt, field = await self._fields.find(described, load.external_id_field)
        if not field.id_lookup:
            raise _unfit(spelt, "is no external id, so no record can be found by it")
        return spelt

    async def _column(self, described: ObjectDescription, name: str, operation: str, key: str) -> str:
        spelt, field = await self._fields.find(described, name)
        if spelt == key:
            return spelt
        if operation == "delete":
            raise _unfit(spelt, "means nothing to a delete, which takes Id alone")
        if "." in spelt:
            if spelt.count(".") >= _PARENT_AND_KEY or not field.id_lookup:
                raise _unfit(spelt, "does not name a parent by an external id of its own")
        elif not _writable(field, operation):
            raise _unfit(spelt, f"cannot be written by an {operation}; the integration user may lack the permission")
        return spelt


def _writable(field: FieldDescription, operation: str) -> bool:
    ways = {"insert": field.createable, "update": field.updateable}
    return ways.get(operation, field.createable or field.updateable)


def _respelt(record: BulkRecord, spelt: dict[str, str], key: str, at: int) -> BulkRecord:
    found = {spelt[name]: value for name, value in record.items()}
    if len(found) < len(record):
        raise _refused_record(at, "names a field twice")
    if key and found.get(key) in (None, ""):
        raise _refused_record(at, f"has no {key}, by which it would be found")
    return found


def _refused_record(at: int, why: str) -> Invalid:
    return Invalid(f"Record {at} {why}.", errors=[FieldError(detail=f"This record {why}", pointer=f"/records/{at}")])


def _unfit(path: str, why: str) -> FieldNotKnown:
    return FieldNotKnown(f"{path} {why}.", errors=[FieldError(detail=f"{path} {why}", pointer=f"/fields/{path}")])
