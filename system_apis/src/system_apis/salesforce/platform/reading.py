"""Queries page by page, and record by record to their end (REST API Developer Guide, "Query")."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec

from shared.binding.problems import BackendFault, Invalid
from shared.contracts.system.salesforce_platform import QueryExpired
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.calls import OrgCalls, decoded
from system_apis.salesforce.platform.refusals import OrgRefused
from system_apis.salesforce.platform.values import Json

_LOCATOR = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LONGEST_PATH = 15_000
"""Bytes of a path with query; the org takes 16,384 of it and all headers."""


class RecordPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page as the org sent it; `next_records_url` leads on while `done` is false."""

    total_size: int
    done: bool
    records: list[Json] = []
    next_records_url: str | None = None

    @property
    def locator(self) -> str | None:
        """Names the next page, None on the last."""
        return None if self.done or not self.next_records_url else self.next_records_url.rpartition("/")[2]


_page = msgspec.json.Decoder(RecordPage)


class Reading:
    """Runs statements.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._calls = OrgCalls(salesforce)

    async def first(self, soql: str, operation: str, *, deleted: bool = False, page_size: int = 2_000) -> RecordPage:
        """The first page.

        Args:
            soql: The statement.
            operation: Names the span.
            deleted: Whether rows in the recycle bin and archived ones count (queryAll).
            page_size: Rows a page, 200 to 2,000; the org takes it as advice.

        Raises:
            OrgRefused: The org does not accept the statement.
            Invalid: It is longer than a URL may be.
            Problem: See `faults`.
        """
        path = f"/{_resource(deleted=deleted)}?q={quote(soql, safe='')}"
        if len(path) > _LONGEST_PATH:
            raise Invalid("The query is too long for one request; name fewer fields or values.")
        headers = {"sforce-query-options": f"batchSize={page_size}"}
        return decoded(_page, await self._calls.send("GET", path, operation, headers=headers))

    async def further(self, locator: str, operation: str, *, deleted: bool = False) -> RecordPage:
        """A further page.

        Raises:
            QueryExpired: It can no longer be had.
        """
        if not _LOCATOR.fullmatch(locator):
            raise QueryExpired("The cursor is not one of this query; begin without it.")
        try:
            return decoded(_page, await self._calls.send("GET", f"/{_resource(deleted=deleted)}/{locator}", operation))
        except OrgRefused as refused:
            raise refused.problem from None

    async def records(
        self, soql: str, operation: str, *, deleted: bool = False, page_size: int = 2_000
    ) -> AsyncIterator[Json]:
        """Every record of a statement, `async for record in …`; pages are fetched as they are needed.

        Args and raises: as `first` and `further`.
        """
        page = await self.first(soql, operation, deleted=deleted, page_size=page_size)
        seen = set[str]()
        while True:
            for record in page.records:
                yield record
            locator = page.locator
            if locator is None:
                return
            if locator in seen:
                raise BackendFault("Salesforce names a page of a query again; the rest was not read.")
            seen.add(locator)
            page = await self.further(locator, operation, deleted=deleted)

    async def children(self, listed: Json | None, operation: str) -> list[Json]:
        """All children of a record, whose list may go on on further pages."""
        if listed is None:
            return []
        page = msgspec.convert(listed, RecordPage)
        found = list(page.records)
        while (locator := page.locator) is not None:
            page = await self.further(locator, operation)
            found += page.records
        return found


def _resource(*, deleted: bool) -> str:
    return "queryAll" if deleted else "query"
