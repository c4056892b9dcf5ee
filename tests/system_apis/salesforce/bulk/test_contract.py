"""Loads and extracts as other tiers ask for them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.binding.call_context import CallContext, Principal, calling
from shared.binding.inbound import Inbound, Served
from shared.binding.paging import encode_cursor
from shared.binding.problems import BackendFault, BackendUnavailable, Invalid, Problem, QuotaExceeded
from shared.contracts.system.salesforce_bulk import (
    BulkJobNotFound,
    Load,
    LoadInDoubt,
    NewExtract,
    NewLoad,
    RecordOutcome,
    SalesforceBulk,
)
from shared.contracts.system.salesforce_platform import Condition, FieldNotKnown, ObjectNotFound
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.messaging.idempotent_receiver import IdempotentReceiver
from shared.resilience.rate_limit import RateLimiter
from system_apis.salesforce.bulk.service import OrgBulk
from system_apis.salesforce.platform.describe import Describe

KEY = "ERP_Customer_Number__c"
Rows = Callable[[str], Awaitable[list[dict[str, Any]]]]
_numbers = itertools.count()


@pytest.fixture
def api(connect, settings, extracts) -> OrgBulk:
    salesforce = connect(msgspec.structs.replace(settings, bulk=extracts.jobs.settings))
    return OrgBulk(salesforce, Describe(salesforce))


@pytest.fixture
def prefix() -> str:
    return f"C{next(_numbers)}-"


def upsert(prefix: str, *records: dict[str, Any]) -> NewLoad:
    return NewLoad("account", "upsert", [{KEY: f"{prefix}{at}"} | each for at, each in enumerate(records)], KEY.lower())


async def ended(api: OrgBulk, load_id: str, **which: Any) -> Load:
    with calling(CallContext(wait=5.0)):
        return await api.get_load(load_id, **which)


async def extracted(api: OrgBulk, extract_id: str, **which: Any) -> Any:
    with calling(CallContext(wait=5.0)):
        return await api.get_extract(extract_id, **which)


async def test_a_load_is_told_record_by_record(api, prefix: str) -> None:
    begun = await api.start_load(
        upsert(prefix, {"Name": "One", "numberofemployees": 7}, {"Name": None, "Phone": ""}, {"Name": "Three, “ü”\n"})
    )
    assert (begun.state, begun.sobject, begun.results) == ("running", "Account", [])
    load = await ended(api, begun.load_id)
    assert (load.state, load.operation, load.processed, load.failed) == ("completed", "upsert", 3, 1)
    refused, one, three = load.results
    assert refused == RecordOutcome(
        "failed", {KEY: f"{prefix}1", "Name": None, "Phone": None}, code="REQUIRED_FIELD_MISSING",
        refused_fields=["Name"],
    )  # fmt: skip
    assert (one.record, one.created) == ({KEY: f"{prefix}0", "Name": "One", "NumberOfEmployees": 7}, True)
    assert (three.became, three.record["Name"], three.record_id[:3]) == ("successful", "Three, “ü”\n", "001")
    again = await api.start_load(upsert(prefix, one.record))
    assert [each.created for each in (await ended(api, again.load_id)).results] == [False]


async def test_results_come_page_by_page_the_refused_ones_first(api, prefix: str) -> None:
    records: list[dict[str, Any]] = [{"Name": None if at in (1, 3) else f"Page {at}"} for at in range(7)]
    job = (await api.start_load(upsert(prefix, *records))).load_id
    pages = [await ended(api, job, limit=2)]
    while pages[-1].next_cursor:
        pages.append(await api.get_load(job, cursor=pages[-1].next_cursor, limit=2))
    assert [[each.became for each in page.results] for page in pages] == [
        ["failed"] * 2, ["successful"] * 2, ["successful"] * 2, ["successful"],
    ]  # fmt: skip
    assert len({each.record[KEY] for page in pages for each in page.results}) == 7
    only = await api.get_load(job, "successful", limit=4)
    assert (len(only.results), len((await api.get_load(job, "successful", only.next_cursor)).results)) == (4, 1)
    assert (await api.get_load(job, "unprocessed")).results == []
    for other in ((job, "failed", only.next_cursor), (begun := "750000000000000AAA", None, only.next_cursor)):
        with pytest.raises(Invalid, match="cursor"):
            await api.get_load(*other)
    with pytest.raises(BulkJobNotFound):
        await api.get_load(begun)


async def test_rows_that_are_locked_are_told_as_repeatable(api, org, prefix: str) -> None:
    await org.control("lock-rows", object="Account", times=1)
    (outcome,) = (await ended(api, (await api.start_load(upsert(prefix, {"Name": "Locked"}))).load_id)).results
    assert (outcome.became, outcome.code, outcome.repeatable) == ("failed", "UNABLE_TO_LOCK_ROW", True)


async def test_a_job_that_has_not_ended_or_ended_early_is_a_state(api, extracts) -> None:
    wanted = {"object": "Account", "operation": "insert"}
    never = await extracts.jobs.filled(wanted, b"Name\nNever\n")
    assert (await api.get_load(never)) == Load(never, "pending", "Account", "insert")
    await extracts.jobs.abort("ingest", never)
    assert (await api.get_load(never)).state == "aborted"
    torn = await extracts.jobs.filled(wanted, b'Name\n"torn"x\n')
    await extracts.jobs.release(torn)
    load = await ended(api, torn)
    assert (load.state, load.code, load.results) == ("failed", "ClientInputError", [])


async def test_an_aborted_load_tells_what_was_written_and_what_was_not(api, extracts, prefix: str) -> None:
    lines = b"".join(b"%s%d\n" % (prefix.encode(), number) for number in range(4_000))
    job = await extracts.jobs.filled({"object": "Lead", "operation": "delete"}, b"Id\n" + lines)
    await extracts.jobs.release(job)
    while not (await extracts.jobs.view("ingest", job)).number_records_processed:
        assert (await api.get_load(job)).results == []
    await extracts.jobs.abort("ingest", job)
    rest: list[RecordOutcome] = []
    async with asyncio.timeout(60):
        while not rest:
            rest = (await api.get_load(job, "unprocessed")).results
    assert rest[0] == RecordOutcome("unprocessed", rest[0].record, code="Aborted")
    told = await api.get_load(job, limit=1_000)
    became = [each.became for each in told.results]
    while cursor := told.next_cursor:
        told = await api.get_load(job, cursor=cursor, limit=1_000)
        became += [each.became for each in told.results]
    assert (len(became), set(became)) == (4_000, {"failed", "unprocessed"})


async def test_records_go_by_id_and_parents_by_an_external_id(api, rows: Rows, prefix: str) -> None:
    await ended(api, (await api.start_load(upsert(prefix, {"Name": "Parent"}))).load_id)
    contact = {"LastName": f"Child {prefix}", f"account.{KEY}": f"{prefix}0"}
    (made,) = (await ended(api, (await api.start_load(NewLoad("Contact", "insert", [contact]))).load_id)).results
    assert made.record == {"LastName": f"Child {prefix}", f"Account.{KEY}": f"{prefix}0"}
    change = NewLoad("Contact", "update", [{"id": made.record_id, "Title": "Dr."}])
    assert (await ended(api, (await api.start_load(change)).load_id)).failed == 0
    soql = f"SELECT Account.Name, Title FROM Contact WHERE LastName = 'Child {prefix}'"
    assert await rows(soql) == [{"Account.Name": "Parent", "Title": "Dr."}]
    gone = await api.start_load(NewLoad("Contact", "delete", [{"Id": made.record_id}]))
    assert (await ended(api, gone.load_id)).failed == 0
    assert await rows(soql) == []


@pytest.mark.parametrize(
    ("load", "problem", "match"),
    [
        (NewLoad("Nothing__c", "insert", [{"Name": "A"}]), ObjectNotFound, "Nothing__c"),
        (NewLoad("Account", "insert", [{"Name": "A"}, {"Nothing__c": 1}]), FieldNotKnown, "Nothing__c"),
        (NewLoad("Account", "insert", [{"Name": "A", "CreatedDate": "2026-01-01T00:00:00Z"}]), FieldNotKnown, "insert"),
        (NewLoad("Contact", "insert", [{"LastName": "A", "Account.Name": "A"}]), FieldNotKnown, "external id"),
        (NewLoad("Account", "delete", [{"Id": "001", "Name": "A"}]), FieldNotKnown, "Id alone"),
        (NewLoad("Account", "update", [{"Id": "001", "Name": "A"}, {"Name": "B"}]), Invalid, "Record 1 has no Id"),
        (NewLoad("Account", "upsert", [{"Name": "A"}]), Invalid, "externalIdField"),
        (NewLoad("Account", "insert", [{"Name": "A"}], KEY), Invalid, "Only an upsert"),
        (NewLoad("Account", "upsert", [{"Industry": "A"}], "Industry"), FieldNotKnown, "no external id"),
        (NewLoad("Account", "insert", [{"Name": "A", "NAME": "B"}]), Invalid, "Record 0 names a field twice"),
        (NewLoad("Account", "insert", [{"Name": "#N/A"}]), Invalid, "#N/A"),
    ],
    ids=range(11),
)
async def test_what_cannot_be_loaded_is_refused_before_a_job_is_made(
    api, org, load: NewLoad, problem: type[Problem], match: str
) -> None:
    before = len(await org.requests("/jobs/"))
    with pytest.raises(problem, match=match) as refused:
        await api.start_load(load)
    assert refused.value.transient is False
    assert len(await org.requests("/jobs/")) == before


async def test_without_an_allowance_nothing_is_written_and_the_refusal_says_when(api, org, rows: Rows, prefix) -> None:
    await org.control("limits", DailyBulkApiBatches=0, DailyBulkV2QueryJobs=0)
    with pytest.raises(QuotaExceeded) as refused:
        await api.start_load(upsert(prefix, {"Name": "None left"}))
    assert refused.value.retry_after == 60
    with pytest.raises(QuotaExceeded) as refused:
        await api.start_extract(NewExtract("Account", ["Name"]))
    assert refused.value.retry_after == 60
    await org.control("limits", DailyBulkApiBatches=15_000, DailyBulkV2QueryJobs=10_000)
    assert await rows(f"SELECT Id FROM Account WHERE {KEY} LIKE '{prefix}%'") == []
    assert (await ended(api, (await api.start_load(upsert(prefix, {"Name": "Again"}))).load_id)).failed == 0


@pytest.mark.parametrize("lost", [("POST", "*/jobs/ingest"), ("PUT", "*/batches"), ("PATCH", "*/jobs/ingest/*")])
async def test_a_lost_reply_at_any_call_of_a_start_writes_each_record_once(
    api, org, rows: Rows, prefix: str, lost: tuple[str, str]
) -> None:
    method, path = lost
    await org.fault(path, method, fault="lost-reply", times=1)
    begun = await api.start_load(NewLoad("Account", "insert", [{"Name": f"{prefix}{at}"} for at in range(3)]))
    load = await ended(api, begun.load_id)
    assert (load.state, load.processed, load.failed) == ("completed", 3, 0)
    assert len(await rows(f"SELECT Id FROM Account WHERE Name LIKE '{prefix}%'")) == 3


async def test_a_start_that_fails_has_begun_nothing(api, org, prefix: str) -> None:
    await org.fault("*/jobs/ingest/*", "PATCH", fault="status", status=503, times=3)
    with pytest.raises(BackendUnavailable):
        await api.start_load(upsert(prefix, {"Name": "Nothing"}))
    job = (await org.requests("/jobs/ingest/"))[-1]["path"].rpartition("/")[2]
    assert (await api.get_load(job)).state == "aborted"


async def test_a_start_of_which_nobody_can_know_names_its_job_and_is_no_transient_problem(api, org, prefix) -> None:
    await org.fault("*/jobs/ingest/*", "PATCH", fault="lost-reply", times=None)
    await org.fault("*/jobs/ingest/*", "GET", fault="status", status=503, times=None)
    with pytest.raises(LoadInDoubt) as doubt:
        await api.start_load(upsert(prefix, {"Name": "In doubt"}))
    await org.heal()
    job = next(word for word in doubt.value.detail.replace(";", "").split() if word.startswith("750"))
    assert (doubt.value.transient, (await ended(api, job)).processed) == (False, 1)


@pytest.fixture
async def inbound(tmp_path: Path) -> AsyncIterator[Inbound]:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as valkey:
        yield Inbound(RateLimiter(valkey), IdempotentReceiver(valkey, patience=20.0))


async def test_the_same_key_starts_no_second_job(api, org, inbound: Inbound, rows: Rows, prefix: str) -> None:
    served = Served(SalesforceBulk.operations["start_load"], api)
    person = Principal("ada", "app", SalesforceBulk.audience, SalesforceBulk.scopes(), 4e9, "issuer", tier="gold")
    context = CallContext(principal=person, idempotency_key="night-1")
    load = NewLoad("Account", "insert", [{"Name": f"{prefix}keyed"}])

    async def arguments() -> tuple[NewLoad]:
        return (load,)

    await org.fault("*/jobs/ingest", "POST", fault="status", status=503, times=None)
    with pytest.raises(BackendUnavailable):  # which frees the key
        await inbound.call(served, context, arguments)
    await org.heal()
    first = await inbound.call(served, context, arguments)
    assert await inbound.call(served, context, arguments) == first
    await ended(api, first.load_id)
    assert len(await rows(f"SELECT Id FROM Account WHERE Name = '{prefix}keyed'")) == 1


async def test_rows_are_typed_and_come_page_by_page(api, prefix: str) -> None:
    wanted = NewExtract(
        "pricebookentry", ["Product2.Name", "UnitPrice", "isactive", "CreatedDate", "Product2.Description"], limit=5
    )
    begun = await api.start_extract(wanted)
    assert (begun.state, begun.rows) == ("running", [])
    pages = [await extracted(api, begun.extract_id, limit=2)]
    while pages[-1].next_cursor:
        pages.append(await api.get_extract(begun.extract_id, pages[-1].next_cursor, 2))
    assert ([len(page.rows) for page in pages], pages[0].total, pages[0].state) == ([2, 2, 1], 5, "completed")
    row = pages[0].rows[0]
    assert set(row) == {"Product2.Name", "UnitPrice", "IsActive", "CreatedDate", "Product2.Description"}
    assert [type(row[name]) for name in ("UnitPrice", "IsActive", "CreatedDate")] == [float, bool, str]
    for wrong in (encode_cursor(("750000000000000AAA", "MQ")), encode_cursor((begun.extract_id, "x&y"))):
        with pytest.raises(Invalid, match="cursor"):
            await api.get_extract(begun.extract_id, wrong)
    with pytest.raises(BulkJobNotFound):
        await api.get_extract("750000000000000AAA")
    with pytest.raises(BulkJobNotFound):
        await api.get_load(begun.extract_id)


async def test_an_extract_has_deleted_rows_if_they_are_asked_for(api, prefix: str) -> None:
    loaded = await ended(api, (await api.start_load(upsert(prefix, {"Name": "A"}, {"Name": "B"}))).load_id)
    gone = NewLoad("Account", "delete", [{"Id": loaded.results[0].record_id}])
    await ended(api, (await api.start_load(gone)).load_id)
    wanted = NewExtract("Account", ["Id", "IsDeleted"], [Condition(KEY, "starts-with", prefix)])
    for deleted, count in ((False, 1), (True, 2)):
        asked = await api.start_extract(msgspec.structs.replace(wanted, deleted=deleted))
        rows = (await extracted(api, asked.extract_id)).rows
        assert sorted(row["IsDeleted"] for row in rows) == [False, True][:count]


@pytest.mark.parametrize(
    ("extract", "problem"),
    [
        (NewExtract("Nothing__c", ["Id"]), ObjectNotFound),
        (NewExtract("Account", ["Nothing__c"]), FieldNotKnown),
        (NewExtract("Account", ["BillingAddress"]), FieldNotKnown),
        (NewExtract("Account", ["Id"], [Condition("Name", "=", 7)]), Invalid),
    ],
    ids=range(4),
)
async def test_what_cannot_be_extracted_is_refused(api, org, extract: NewExtract, problem: type[Problem]) -> None:
    before = len(await org.requests("/jobs/"))
    with pytest.raises(problem):
        await api.start_extract(extract)
    assert len(await org.requests("/jobs/")) == before


async def test_after_a_job_that_the_org_does_not_understand_it_is_described_anew(api, org) -> None:
    wanted = NewExtract("Account", ["Name"])
    await api.start_extract(wanted)
    refusal = [{"errorCode": "INVALID_FIELD", "message": "No such column"}]
    await org.fault("*/jobs/query", "POST", fault="status", status=400, body=refusal, times=1)
    with pytest.raises(BackendFault):
        await api.start_extract(wanted)
    before = len(await org.requests("/Account/describe"))
    await api.start_extract(wanted)
    assert len(await org.requests("/Account/describe")) == before + 1


async def test_an_extract_that_was_aborted_is_a_state(api, extracts) -> None:
    begun = await extracts.begin("SELECT Id, Name FROM PricebookEntry")
    await extracts.jobs.abort("query", begun.job)
    told = await api.get_extract(begun.job)
    assert (told.state, told.rows, told.next_cursor) == ("aborted", [], None)
