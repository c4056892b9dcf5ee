"""The platform contract on the REST API."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import FieldError, Invalid, Problem
from shared.contracts.system.salesforce_definitions import (
    Definitions,
    Deployment,
    Package,
    SaqlAnswer,
    SaqlQuestion,
)
from shared.contracts.system.salesforce_platform import (
    Allowance,
    ChangeResult,
    Limits,
    ObjectDescription,
    ObjectSummary,
    QueryPage,
    QueryRequest,
    Row,
    RowChanges,
    RowNotFound,
    SalesforcePlatform,
    SaveOutcome,
    SaveRequest,
    SearchHits,
    SearchRequest,
)
from system_apis.salesforce.analytics.datasets import Datasets
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import code_of
from system_apis.salesforce.metadata.administration import Administration
from system_apis.salesforce.platform.calls import OrgCalls, decoded
from system_apis.salesforce.platform.composing import Result
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.drafts import Draft, drafts_of
from system_apis.salesforce.platform.fields import Fields
from system_apis.salesforce.platform.reading import Reading, RecordPage
from system_apis.salesforce.platform.refusals import STALE, OrgRefused, problem_of
from system_apis.salesforce.platform.rows import ReadRow, Rows
from system_apis.salesforce.platform.saving import Saving
from system_apis.salesforce.platform.search import Search
from system_apis.salesforce.platform.select import Select, Selection
from system_apis.salesforce.platform.values import Json, flat, id_of, picked
from system_apis.salesforce.record_id import to_18

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
"""No org has changes outside; what is further out cannot be reckoned with."""
_QUERY: Final = "salesforce_platform.query"


class _Allowance(msgspec.Struct, frozen=True, rename="pascal"):
    """One entry of `/limits`; apps with allowances of their own nest further ones, which are not passed on."""

    max: int
    remaining: int


_limits = msgspec.json.Decoder(dict[str, _Allowance])


class OrgPlatform(SalesforcePlatform):
    """Every object of one Salesforce org.

    Args:
        salesforce: The org.
        describe: What it says of its objects.
    """

    def __init__(self, salesforce: SalesforceConnector, describe: Describe) -> None:
        self._calls = OrgCalls(salesforce)
        self._describe = describe
        self._rows = Rows(salesforce)
        self._reading = Reading(salesforce)
        self._select = Select(describe)
        self._fields = Fields(describe)
        self._saving = Saving(salesforce)
        self._search = Search(salesforce, describe)
        self._administration = Administration(salesforce)
        self._datasets = Datasets(salesforce)

    async def list_objects(self, cursor: str | None = None, limit: int = 50) -> Page[ObjectSummary]:
        """See `SalesforcePlatform.list_objects`."""
        after = "" if cursor is None else decode_cursor(cursor, str)
        found = [each for each in await self._describe.objects() if each.name > after]
        return Page(found[:limit], encode_cursor(found[limit - 1].name) if len(found) > limit else None)

    async def describe_object(self, sobject: str) -> ObjectDescription:
        """See `SalesforcePlatform.describe_object`."""
        return await self._describe.object(sobject)

    async def get_row(
        self, sobject: str, row_id: str, key_field: str | None = None, fields: list[str] | None = None
    ) -> Row:
        """See `SalesforcePlatform.get_row`."""
        described = await self._describe.object(sobject)
        paths = await self._fields.spelt(described, fields or ())
        key = "" if key_field is None else await self._fields.key(described, key_field)
        if not key and to_18(row_id) is None:
            raise RowNotFound(f"{row_id!r} is no record id of 15 or 18 characters; to find it by a key, give keyField.")
        columns = ",".join(paths)
        try:
            found = await self._rows.read(
                described.name, row_id, "salesforce_platform.get_row", key_field=key, columns=columns
            )
        except OrgRefused as refused:
            self._doubt(described.name, refused)
            raise refused.problem from None
        return _row(found or ReadRow({}, ""), described.name, paths)

    async def list_changes(
        self, sobject: str, since: datetime | None = None, until: datetime | None = None
    ) -> RowChanges:
        """See `SalesforcePlatform.list_changes`; one API call."""
        described = await self._describe.object(sobject)
        end = until or datetime.now(UTC)
        begin = since or max(end, _EARLIEST) - timedelta(days=1)
        if not _EARLIEST <= begin < end <= _LATEST:
            raise Invalid("The window must begin before it ends, and lie within the last 30 days (since, until).")
        return await self._rows.changes(described.name, begin, end, "salesforce_platform.list_changes")

    async def query(self, question: QueryRequest) -> QueryPage:
        """See `SalesforcePlatform.query`; one API call a page, and more only for rows with over 2,000 children."""
        selection = await self._select.statement(question)
        try:
            page = await self._page(selection, question)
        except OrgRefused as refused:
            self._doubt(selection.sobject, refused)
            raise refused.problem from None
        rows = [await self._found(record, selection) for record in page.records]
        return QueryPage(page.total_size, rows, page.locator and encode_cursor([page.locator, selection.digest]))

    async def search(self, question: SearchRequest) -> SearchHits:
        """See `SalesforcePlatform.search`; one API call."""
        try:
            return await self._search.hits(question, "salesforce_platform.search")
        except OrgRefused as refused:
            for each in question.objects:
                self._doubt(each.sobject, refused)
            raise refused.problem from None

    async def save(self, request: SaveRequest) -> SaveOutcome:
        """See `SalesforcePlatform.save`."""
        drafts = await drafts_of(request.changes, self._describe)
        saved = await self._saving.save(drafts, "salesforce_platform.save", all_or_none=request.all_or_none)
        return SaveOutcome([self._result(draft, saved[draft.at]) for draft in drafts])

    def _result(self, draft: Draft, result: Result | Problem) -> ChangeResult:
        if isinstance(result, Problem):
            return ChangeResult(problem=result.details())
        if not result.errors:
            return ChangeResult(result.row_id, created=result.created)
        code = code_of(result.errors[0])
        if code in STALE:
            self._describe.forget(draft.sobject)
        return ChangeResult(code=code, problem=problem_of(result.status, result.errors).details())

    async def _page(self, selection: Selection, question: QueryRequest) -> RecordPage:
        if question.cursor is not None:
            locator, digest = decode_cursor(question.cursor, tuple[str, str])
            if digest != selection.digest:
                error = FieldError(detail="Of another question", pointer="/cursor")
                raise Invalid("The cursor is of another question; ask that one, or begin without it.", errors=[error])
            return await self._reading.further(locator, _QUERY, deleted=question.deleted)
        return await self._reading.first(selection.soql, _QUERY, deleted=question.deleted, page_size=question.page_size)

    async def _found(self, record: Json, selection: Selection) -> Row:
        children = {
            name: [picked(child, paths) for child in await self._reading.children(record.get(name), _QUERY)]
            for name, paths in selection.children.items()
        }
        return Row(id_of(record), selection.sobject, picked(record, selection.fields), children)

    def _doubt(self, sobject: str, refused: OrgRefused) -> None:
        """The org does not know a name that its description told: it has changed since."""
        if refused.code in STALE:
            self._describe.forget(sobject)

    async def define(self, definitions: Definitions) -> Deployment:
        """See `SalesforcePlatform.define`; descriptions of what changes are asked for anew."""
        made = await self._administration.define(definitions)
        for each in definitions.objects:
            self._describe.forget(each.name)
        return made

    async def deploy(self, package: Package) -> Deployment:
        """See `SalesforcePlatform.deploy`."""
        return await self._administration.deploy(package)

    async def get_deployment(self, deployment_id: str) -> Deployment:
        """See `SalesforcePlatform.get_deployment`."""
        return await self._administration.look(deployment_id)

    async def query_datasets(self, question: SaqlQuestion) -> SaqlAnswer:
        """See `SalesforcePlatform.query_datasets`."""
        found = await self._datasets.query(question.saql, datasets=question.datasets, values=question.values)
        return SaqlAnswer(found)

    async def get_limits(self) -> Limits:
        """See `SalesforcePlatform.get_limits`."""
        try:
            reply = await self._calls.send("GET", "/limits", "salesforce_platform.get_limits")
        except OrgRefused as refused:
            raise refused.problem from None
        found = decoded(_limits, reply)
        return Limits({name: Allowance(each.max, each.remaining) for name, each in sorted(found.items())})


def _row(found: ReadRow, sobject: str, paths: list[str]) -> Row:
    fields = picked(found.record, paths) if paths else flat(found.record)
    return Row(id_of(found.record), sobject, fields, version=found.version)
