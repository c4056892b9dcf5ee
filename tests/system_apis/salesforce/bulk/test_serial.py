"""Bulk API 1.0 against the stand-in org: batches in turn, each record accounted for."""

from contextlib import aclosing
from typing import Any

import pytest

from shared.binding.problems import Invalid, QuotaExceeded
from system_apis.salesforce.bulk.loading import LoadSpec
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.bulk.serial import BulkSerial, SerialSettings

KEY = "ERP_Customer_Number__c"
UPSERT = LoadSpec(sobject="Account", operation="upsert", external_id=KEY)


@pytest.fixture
def serial(salesforce, load) -> BulkSerial:
    return BulkSerial(salesforce, load.loads.jobs.settings, SerialSettings(records_per_batch=20))


@pytest.fixture
def parallel(salesforce, load) -> BulkSerial:
    return BulkSerial(salesforce, load.loads.jobs.settings, SerialSettings(mode="Parallel"))


async def told(serial: BulkSerial, records: list[dict[str, Any]], spec: LoadSpec = UPSERT) -> list[Outcome]:
    async with aclosing(serial.load(spec, records)) as batches:
        return [outcome async for batch in batches for outcome in batch]


async def test_records_are_written_in_turn_and_told_in_their_order(serial, parallel, org) -> None:
    await org.control("lock-rows", object="Account", times=1, from_others=True)
    records: list[dict[str, Any]] = [{KEY: f"S-{number}", "Name": f"Serial {number}"} for number in range(50)]
    records[30]["Name"] = None
    outcomes = await told(serial, records)
    assert [outcome.position for outcome in outcomes] == list(range(50))
    assert [outcome.key for outcome in outcomes] == [record[KEY] for record in records]
    (failed,) = [outcome for outcome in outcomes if outcome.became != "successful"]
    assert (failed.position, failed.code, failed.fields) == (30, "REQUIRED_FIELD_MISSING", ("Name",))
    found = [
        row
        async for rows in serial.query("Account", f"SELECT Name FROM Account WHERE {KEY} LIKE 'S-%'")
        for row in rows
    ]
    assert len(found) == 49
    side_by_side = await told(parallel, records[:2])
    assert [(each.code, each.repeatable) for each in side_by_side] == [("UNABLE_TO_LOCK_ROW", True), ("", False)]


async def test_a_field_that_the_object_lacks_fails_its_record(serial, org) -> None:
    outcomes = await told(serial, [{"Name": "A", "Nonsense__c": 1}], LoadSpec(sobject="Account", operation="insert"))
    assert outcomes[0].became == "failed"
    assert outcomes[0].code == "INVALID_FIELD"


async def test_what_salesforce_refuses_is_a_problem(serial, org) -> None:
    with pytest.raises(Invalid, match="InvalidJob"):
        await told(serial, [{"Name": "A"}], LoadSpec(sobject="Nothing__c", operation="insert"))
    with pytest.raises(Invalid):
        _ = [rows async for rows in serial.query("Account", "SELECT COUNT(Id) FROM Account")]
    with pytest.raises(Invalid, match="larger than one batch"):
        await told(serial, [{KEY: "1", "Name": "x" * 10_000_000}])
    await org.control("limits", DailyBulkApiBatches=0)
    with pytest.raises(QuotaExceeded):
        await told(serial, [{KEY: "1", "Name": "A"}])
