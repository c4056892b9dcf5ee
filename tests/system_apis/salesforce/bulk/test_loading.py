"""Loads against the stand-in org: every record is accounted for, whatever happens on the way."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from shared.binding.problems import Conflict, DeadlineExceeded, Invalid, QuotaExceeded
from system_apis.salesforce.bulk.checkpoint import LoadCheckpoint, PartMark
from system_apis.salesforce.bulk.loading import LoadSpec

Rows = Callable[[str], Awaitable[list[dict[str, Any]]]]
KEY = "ERP_Customer_Number__c"
UPSERT = LoadSpec(sobject="Account", operation="upsert", external_id=KEY)
INSERT = LoadSpec(sobject="Account", operation="insert")
_numbers = itertools.count()


@pytest.fixture
def prefix() -> str:
    return f"L{next(_numbers)}-"


@pytest.fixture
def mine(prefix: str) -> str:
    return f"SELECT Id, Name, {KEY}, Phone FROM Account WHERE {KEY} LIKE '{prefix}%'"


@pytest.fixture
def accounts(prefix: str) -> Callable[..., list[dict[str, Any]]]:
    def made(count: int, **more: Any) -> list[dict[str, Any]]:
        return [{KEY: f"{prefix}{number}", "Name": f"Load {number}, “ü”\n2nd line", **more} for number in range(count)]

    return made


async def test_an_upsert_is_cut_into_jobs_and_every_record_is_told(load, rows: Rows, accounts, mine, prefix) -> None:
    async def arriving() -> AsyncIterator[dict[str, Any]]:
        for record in accounts(250):
            yield record

    report = await load.run(arriving())
    assert (report.successful, report.created, report.failed, report.jobs) == (250, 250, 0, 3)
    assert sorted(load.by_position) == list(range(250))
    assert load.by_position[7].key == f"{prefix}7"
    assert load.kept[-1] == LoadCheckpoint((KEY, "Name"), 250)
    stored = {each["Id"]: each for each in await rows(mine)}
    assert stored[load.by_position[249].record_id]["Name"] == "Load 249, “ü”\n2nd line"
    again = await load.loads.load(UPSERT, accounts(250), load.tell)
    assert (again.successful, again.created) == (250, 0)


async def test_refused_records_say_why_and_the_others_are_written(load, accounts, prefix) -> None:
    records = accounts(5)
    records[2]["Name"] = None
    records[3]["Name"] = "x" * 300
    report = await load.run(records)
    assert (report.successful, report.failed, report.follow_ups) == (3, 2, 0)
    missing = load.by_position[2]
    assert (missing.became, missing.key, missing.code) == ("failed", f"{prefix}2", "REQUIRED_FIELD_MISSING")
    assert (missing.fields, missing.repeatable, missing.record_id) == (("Name",), False, "")
    assert load.by_position[3].code == "STRING_TOO_LONG"


async def test_rows_that_stay_locked_are_told_as_repeatable(load, org, accounts) -> None:
    await org.control("lock-rows", object="Account", times=9)
    report = await load.run(accounts(3))
    assert (report.failed, report.jobs, report.follow_ups) == (3, 3, 2)
    assert {(each.code, each.repeatable) for each in load.outcomes} == {("UNABLE_TO_LOCK_ROW", True)}


async def test_inserts_are_matched_by_their_values_twins_among_them(load, org) -> None:
    records = [{"Name": "Twin"}, {"Name": ""}, {"Name": "Single"}, {"Name": "Twin"}]
    await org.control("lock-rows", object="Account", times=1)
    report = await load.run(records, INSERT)
    assert (report.created, report.failed, report.follow_ups) == (3, 1, 1)
    told = load.by_position
    assert [told[number].became for number in range(4)] == ["successful", "failed", "successful", "successful"]
    assert len({told[number].record_id for number in (0, 2, 3)}) == 3


async def test_updates_and_deletes_go_by_id(load, rows: Rows, accounts, mine) -> None:
    await load.run(accounts(3, Phone="1"))
    ids = {outcome.position: outcome.record_id for outcome in load.outcomes}
    load.outcomes.clear()
    changes = [{"Id": ids[0], "Phone": "2"}, {"Id": ids[1][:15], "Phone": None}, {"Id": "001000000000000", "Phone": ""}]
    report = await load.run(changes, LoadSpec(sobject="Account", operation="update"))
    assert (report.successful, report.failed) == (2, 1)
    assert sorted(each["Phone"] or "" for each in await rows(mine)) == ["", "1", "2"]
    load.outcomes.clear()
    report = await load.run([{"Id": each} for each in ids.values()], LoadSpec(sobject="Account", operation="delete"))
    assert report.successful == 3
    assert await rows(mine) == []


class NewAccount(msgspec.Struct):
    number: str = msgspec.field(name=KEY)
    name: str = msgspec.field(name="Name")
    employees: int | msgspec.UnsetType = msgspec.field(name="NumberOfEmployees", default=msgspec.UNSET)


async def test_structs_go_by_their_names_on_the_wire(load, rows: Rows, prefix) -> None:
    await load.run([NewAccount(f"{prefix}1", "One", 7), NewAccount(f"{prefix}2", "Two")])
    found = await rows(f"SELECT Name, NumberOfEmployees FROM Account WHERE {KEY} LIKE '{prefix}%' ORDER BY Name")
    assert [(each["Name"], each["NumberOfEmployees"]) for each in found] == [("One", "7"), ("Two", None)]


async def test_a_parent_may_be_named_by_its_external_id(load, rows: Rows, accounts, prefix) -> None:
    await load.run(accounts(1))
    records = [{"LastName": "Parented", "Email": "p@example.com", "Account": {KEY: f"{prefix}0"}}]
    report = await load.run(records, LoadSpec(sobject="Contact", operation="insert"))
    assert report.created == 1
    (found,) = await rows("SELECT Account.ERP_Customer_Number__c FROM Contact WHERE LastName = 'Parented'")
    assert found == {"Account.ERP_Customer_Number__c": f"{prefix}0"}


async def test_a_load_without_its_key_column_is_refused(load) -> None:
    with pytest.raises(Invalid, match=KEY):
        await load.run([{"Name": "A"}])


async def test_values_are_spelt_as_salesforce_reads_them(load, rows: Rows) -> None:
    record = {"Name": "Spelt", "StageName": "Prospecting", "CloseDate": date(2026, 5, 1), "Amount": Decimal("1E+3")}
    report = await load.run([record], LoadSpec(sobject="Opportunity", operation="insert"))
    assert report.created == 1, load.outcomes
    (found,) = await rows("SELECT Amount, CloseDate, CreatedDate FROM Opportunity WHERE Name = 'Spelt'")
    assert (float(found["Amount"]), found["CloseDate"]) == (1000, "2026-05-01")


async def test_parts_end_at_the_size_of_an_upload(tuned, org, accounts) -> None:
    load = tuned(content_bytes=1_000)
    before = len(await org.requests("/batches"))
    report = await load.run(accounts(60))
    assert report.successful == 60
    assert report.jobs == len(await org.requests("/batches")) - before > 1


async def test_no_more_jobs_than_allowed_are_under_way_at_once(tuned, org, accounts) -> None:
    load = tuned(records_per_job=10, jobs_at_once=2)
    open_jobs = 0
    most = 0
    create, settle = load.loads.jobs.create, load.loads.jobs.ended

    async def created(*args: Any, **wanted: Any) -> str:
        nonlocal open_jobs, most
        open_jobs += 1
        most = max(most, open_jobs)
        return await create(*args, **wanted)

    async def ended(*args: Any) -> Any:
        nonlocal open_jobs
        view = await settle(*args)
        open_jobs -= 1
        return view

    load.loads.jobs.create, load.loads.jobs.ended = created, ended
    assert (await load.run(accounts(100))).jobs == 10
    assert most == 2


async def test_without_batches_left_what_was_begun_is_finished_and_the_rest_goes_on_tomorrow(
    tuned, org, accounts
) -> None:
    load = tuned(jobs_at_once=1)
    batches = (await org.control("limits"))["DailyBulkApiBatches"]
    await org.control("limits", DailyBulkApiBatches=batches["Max"] - batches["Remaining"] + 2)
    with pytest.raises(QuotaExceeded):
        await load.run(accounts(350))
    assert sorted(load.by_position) == list(range(200))
    await org.control("limits", DailyBulkApiBatches=15_000)
    report = await load.run(accounts(350), checkpoint=load.kept[-1])
    assert (report.successful, report.created) == (150, 150)
    assert sorted(load.by_position) == list(range(350))


async def test_a_slow_job_outlasts_the_time_and_is_found_again(load, org, accounts) -> None:
    await org.fault("*/jobs/ingest/*", "GET", fault="latency", seconds=3, times=1000)
    with pytest.raises(DeadlineExceeded):
        await load.run(accounts(20), seconds=1)
    await org.heal()
    checkpoint = load.kept[-1]
    assert len(checkpoint.parts[0].jobs) == 1
    report = await load.run(accounts(20), checkpoint=checkpoint)
    assert (report.successful, report.created, report.jobs) == (20, 20, 0)


async def test_other_records_than_those_of_the_checkpoint_are_refused(load, accounts) -> None:
    await load.run(accounts(20))
    begun = next(each for each in load.kept if each.parts and each.parts[0].jobs)
    with pytest.raises(Conflict, match="not those that this checkpoint was made with"):
        await load.run(accounts(20, Name="Other"), checkpoint=begun)
    with pytest.raises(Conflict, match="There are 0 records"):
        await load.run([], checkpoint=load.kept[-1])


async def test_an_insert_whose_job_is_gone_is_not_written_again(load, org) -> None:
    records = [{"Name": f"Insert {number}"} for number in range(5)]
    await load.run(records, INSERT)
    begun = next(each for each in load.kept if each.parts and each.parts[0].jobs)
    await load.loads.jobs.delete("ingest", begun.parts[0].jobs[0])
    with pytest.raises(Conflict, match="is no longer there"):
        await load.run(records, INSERT, checkpoint=begun)


async def test_an_upsert_whose_job_is_gone_is_written_again(load, accounts) -> None:
    await load.run(accounts(5))
    begun = next(each for each in load.kept if each.parts and each.parts[0].jobs)
    await load.loads.jobs.delete("ingest", begun.parts[0].jobs[0])
    report = await load.run(accounts(5), checkpoint=begun)
    assert (report.successful, report.created, report.jobs) == (5, 0, 1)


async def test_an_aborted_job_tells_what_was_not_looked_at(load, tuned) -> None:
    job = await load.loads.jobs.create("ingest", object="Account", operation="upsert", externalIdFieldName=KEY)
    kept = PartMark(0, 5, "")
    await load.loads.jobs.upload(job, f"{KEY},Name\n".encode() + b"".join(b"L-%d,N\n" % number for number in range(5)))
    await load.loads.abandon(LoadCheckpoint((KEY, "Name"), 0, (msgspec.structs.replace(kept, jobs=(job,)),)))
    assert (await load.loads.jobs.view("ingest", job)).state == "Aborted"
    await load.loads.jobs.delete("ingest", job)


async def test_a_job_that_fails_as_a_whole_leaves_its_records_unprocessed(load) -> None:
    records = [{"Name": "A", "Nonsense__c": "1"}]
    report = await load.run(records, INSERT)
    assert report.unprocessed == 1
    assert (load.outcomes[0].became, load.outcomes[0].code) == ("unprocessed", "InvalidBatch")


async def test_what_goes_wrong_in_telling_ends_the_load_with_it(load, accounts) -> None:
    async def tell(outcomes: Any) -> None:
        raise OSError(f"the disk is full after {len(outcomes)}")

    with pytest.raises(OSError, match="disk is full"):
        await load.loads.load(UPSERT, accounts(3), tell)


async def test_many_loads_at_once_do_not_mix(tuned) -> None:
    loads = [tuned() for _ in range(3)]
    await asyncio.gather(
        *(
            load.run([{KEY: f"M{number}-{each}", "Name": "M"} for each in range(50)])
            for number, load in enumerate(loads)
        )
    )
    for number, load in enumerate(loads):
        assert {each.key for each in load.outcomes} == {f"M{number}-{each}" for each in range(50)}


async def test_bulk_work_leaves_the_last_calls_of_the_day_to_others(salesforce, load, org, accounts) -> None:
    await org.control("limits", used=90_000)
    try:
        await salesforce.backend.send("GET", f"{salesforce.root}/limits", operation="test")
        with pytest.raises(QuotaExceeded):
            await load.run(accounts(5))
        await salesforce.backend.send("GET", f"{salesforce.root}/limits", operation="test")
    finally:
        await org.control("limits", used=0)
