from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest

from system_apis.salesforce.bulk.checkpoint import LoadCheckpoint
from system_apis.salesforce.bulk.extraction import BulkExtracts
from system_apis.salesforce.bulk.loading import BulkLoads, LoadReport, LoadSpec
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.connector import SalesforceConnector

UPSERT = LoadSpec(sobject="Account", operation="upsert", external_id="ERP_Customer_Number__c")


class Load:
    """One load with what it told."""

    def __init__(self, loads: BulkLoads) -> None:
        self.loads = loads
        self.outcomes: list[Outcome] = []
        self.kept: list[LoadCheckpoint] = []

    async def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes += outcomes

    async def keep(self, checkpoint: LoadCheckpoint) -> None:
        self.kept.append(checkpoint)

    async def run(self, records: Any, spec: LoadSpec = UPSERT, **more: Any) -> LoadReport:
        return await self.loads.load(spec, records, self.tell, keep=self.keep, **more)

    @property
    def by_position(self) -> dict[int, Outcome]:
        assert len({each.position for each in self.outcomes}) == len(self.outcomes), "a record was told twice"
        return {each.position: each for each in self.outcomes}


QUICK = BulkSettings(
    first_poll=0.02, longest_poll=0.05, follow_ups=(0.01, 0.01), records_per_job=100, page_records=50, reply_seconds=5
)


@pytest.fixture
async def org(fresh: Any) -> AsyncGenerator[Any]:
    """The org as the tests before left it: a reset takes longer than most of these, whose records are their own."""
    yield fresh
    await fresh.heal()
    await fresh.control("limits", DailyBulkApiBatches=15_000, DailyBulkV2QueryJobs=10_000)


@pytest.fixture
def tuned(salesforce: SalesforceConnector) -> Callable[..., Load]:
    """A load whose settings differ from quick ones in what is given."""
    return lambda **changes: Load(BulkLoads(salesforce, msgspec.structs.replace(QUICK, **changes)))


@pytest.fixture
def load(tuned: Callable[..., Load]) -> Load:
    return tuned()


@pytest.fixture
def extracts(salesforce: SalesforceConnector) -> BulkExtracts:
    return BulkExtracts(salesforce, QUICK)


@pytest.fixture
def rows(extracts: BulkExtracts) -> Callable[[str], Awaitable[list[dict[str, Any]]]]:
    """All rows of a query, read in bulk."""

    async def read(soql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async for page in extracts.pages(await extracts.begin(soql)):
            found += page.records(dict[str, Any])
        return found

    return read
