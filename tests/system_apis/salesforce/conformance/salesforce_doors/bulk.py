"""Doors of many records: loads and extracts of Bulk API 2.0, and Bulk API 1.0."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

import msgspec

from salesforce_doors.door import Door, Midway, Point, World
from system_apis.salesforce.bulk.checkpoint import ExtractMark, LoadCheckpoint
from system_apis.salesforce.bulk.extraction import BulkExtracts
from system_apis.salesforce.bulk.loading import BulkLoads, LoadSpec
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.bulk.serial import BulkSerial, SerialSettings
from system_apis.salesforce.bulk.settings import BulkSettings

PART, ALL = 4, 8
QUICK = BulkSettings(
    first_poll=0.02, longest_poll=0.05, follow_ups=(0.01, 0.01), records_per_job=PART, jobs_at_once=1,
    page_records=PART, reply_seconds=20.0, upload_seconds=20.0,
)  # fmt: skip
HURRIED = {"bulk": msgspec.structs.replace(QUICK, reply_seconds=1.5, upload_seconds=1.5)}
EXTERNAL = "ERP_Customer_Number__c"


class _Records(Door):
    """Records in two parts; the middle is where the second begins."""

    quick = HURRIED

    def __init__(self, world: World, key: str) -> None:
        super().__init__(world if world.settings.bulk.records_per_job == PART else world.with_settings(bulk=QUICK), key)
        self.told: dict[int, Outcome] = {}
        self.spoilt: frozenset[int] = frozenset()
        """Places of records that the org refuses."""

    def spoil(self) -> None:
        """One of the records that are still to come is refused."""
        self.spoilt = frozenset({ALL - 2})

    @property
    def wanted(self) -> Sequence[str]:
        return [f"{self.key} {at}" for at in range(ALL) if at not in self.spoilt]

    async def records(self, midway: Midway, **more: str) -> AsyncIterator[dict[str, Any]]:
        for at in range(ALL):
            if at == PART + 1:  # by then the first part is done, and the second not begun
                await midway()
            keyed = {name: f"{value}{at}" for name, value in more.items()}
            yield {"Name": None if at in self.spoilt else f"{self.key} {at}", **keyed}

    async def found(self) -> Sequence[str]:
        return await self.world.names(f"SELECT Name FROM Account WHERE Name LIKE '{self.key} %'")


class BulkLoad(_Records):
    """Inserts of Bulk API 2.0, which nothing but the checkpoint keeps from being written twice."""

    name = "bulk-load"
    points: ClassVar = {
        "create": Point("POST", "*/jobs/ingest"), "upload": Point("PUT", "*/batches"),
        "release": Point("PATCH", "*/jobs/ingest/*"), "look": Point("GET", "*/jobs/ingest/*"),
        "results": Point("GET", "*/successfulResults"),
    }  # fmt: skip

    def __init__(self, world: World, key: str) -> None:
        super().__init__(world, key)
        self._kept: bytes | None = None

    async def work(self, midway: Midway) -> None:
        checkpoint = None if self._kept is None else msgspec.json.decode(self._kept, type=LoadCheckpoint)
        loads, spec = BulkLoads(self.world.connector()), LoadSpec(sobject="Account", operation="insert")
        await loads.load(spec, self.records(midway), self._tell, keep=self._keep, checkpoint=checkpoint)
        assert sorted(self.told) == list(range(ALL)), "every record is accounted for"
        assert {at for at, each in self.told.items() if each.became != "successful"} == self.spoilt

    async def _tell(self, outcomes: Sequence[Outcome]) -> None:
        self.told |= {each.position: each for each in outcomes}

    async def _keep(self, checkpoint: LoadCheckpoint) -> None:
        self._kept = msgspec.json.encode(checkpoint)


class BulkExtract(Door):
    """Rows of a query in two pages of Bulk API 2.0."""

    name = "bulk-extract"
    points: ClassVar = {
        "create": Point("POST", "*/jobs/query", at_start=True), "look": Point("GET", "*/jobs/query/*", at_start=True),
        "page": Point("GET", "*/results"),
    }  # fmt: skip
    quick = HURRIED

    def __init__(self, world: World, key: str) -> None:
        super().__init__(world if world.settings.bulk.records_per_job == PART else world.with_settings(bulk=QUICK), key)
        self._mark: ExtractMark | None = None
        self._rows: list[str] = []

    @property
    def wanted(self) -> Sequence[str]:
        return [str(at) for at in range(ALL)]

    async def work(self, midway: Midway) -> None:
        extracts = BulkExtracts(self.world.connector())
        if self._mark is None:
            self._mark = await extracts.begin(f"SELECT Id FROM Product2 ORDER BY Id LIMIT {ALL}")
        async with aclosing(extracts.pages(self._mark)) as pages:
            async for page in pages:
                self._rows += [row[0] for row in page.rows]
                self._mark = page.following or self._mark
                if page.following:
                    await midway()

    async def found(self) -> Sequence[str]:
        return [str(at) for at, _ in enumerate(self._rows)] if len(set(self._rows)) == len(self._rows) else self._rows


class BulkSerialLoad(_Records):
    """Upserts of Bulk API 1.0, which may be made again."""

    name = "bulk-1"
    points: ClassVar = {
        "create": Point("POST", "*/async/66.0/job", at_start=True), "batch": Point("POST", "*/job/*/batch"),
        "look": Point("GET", "*/batch/*"), "results": Point("GET", "*/result"),
        "close": Point("POST", "*/job/" + "?" * 18),
    }  # fmt: skip

    session_status = 400
    session_refusal: ClassVar = {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"}

    async def work(self, midway: Midway) -> None:
        spec = LoadSpec(sobject="Account", operation="upsert", external_id=EXTERNAL)
        serial = BulkSerial(self.world.connector(), batches=SerialSettings(records_per_batch=PART))
        self.told.clear()
        async with aclosing(serial.load(spec, self.records(midway, **{EXTERNAL: self.key}))) as batches:
            async for outcomes in batches:
                self.told |= {each.position: each for each in outcomes}
        assert sorted(self.told) == list(range(ALL)), "every record is accounted for"
        assert {at for at, each in self.told.items() if each.became != "successful"} == self.spoilt
