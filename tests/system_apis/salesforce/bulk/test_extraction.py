"""Extracts against the stand-in org: every row once, whatever happens on the way."""

from datetime import datetime
from decimal import Decimal

import msgspec
import pytest

from shared.binding.problems import BackendFault, Invalid, NotFound, QuotaExceeded, Refused
from system_apis.salesforce.bulk.checkpoint import ExtractMark
from system_apis.salesforce.bulk.extraction import BulkExtracts

EVERY = "SELECT Id, Name, Pricebook2Id FROM PricebookEntry LIMIT 180"


async def read(extracts: BulkExtracts, mark: ExtractMark) -> list[list[str]]:
    return [row async for page in extracts.pages(mark) for row in page.rows]


class Product(msgspec.Struct, rename="pascal"):
    id: str
    name: str
    created_date: datetime
    is_active: bool
    description: str | None = None


class Entry(msgspec.Struct):
    price: Decimal = msgspec.field(name="UnitPrice")
    product: str = msgspec.field(name="Product2.Name")


async def test_rows_come_page_by_page_and_the_last_names_no_other(extracts) -> None:
    pages = [page async for page in extracts.pages(await extracts.begin(EVERY))]
    assert [len(page.rows) for page in pages] == [50, 50, 50, 30]
    assert pages[0].columns == ("Id", "Name", "Pricebook2Id")
    assert len({row[0] for page in pages for row in page.rows}) == 180
    assert pages[-1].following is None
    assert pages[1].following.rows == 100


async def test_rows_become_structs(extracts) -> None:
    soql = "SELECT Id, Name, CreatedDate, IsActive, Description FROM Product2 LIMIT 3"
    (page,) = [page async for page in extracts.pages(await extracts.begin(soql))]
    products = page.records(Product)
    assert products[0].created_date.tzinfo is not None
    assert all(each.id.startswith("01t") for each in products)
    mark = await extracts.begin("SELECT UnitPrice, Product2.Name FROM PricebookEntry LIMIT 1")
    (page,) = [page async for page in extracts.pages(mark)]
    assert page.records(Entry)[0].price > 0
    with pytest.raises(BackendFault, match="another shape"):
        page.records(Product)


async def test_a_query_without_rows_has_one_empty_page(extracts) -> None:
    (page,) = [page async for page in extracts.pages(await extracts.begin("SELECT Id FROM Lead WHERE Name = 'no'"))]
    assert (page.columns, page.rows, page.following) == (("Id",), [], None)


async def test_an_extract_goes_on_from_any_mark_in_another_connector(extracts, connect, settings) -> None:
    mark = await extracts.begin(EVERY)
    whole = await read(extracts, mark)
    stopped = mark
    async for page in extracts.pages(mark):
        stopped = page.following
        if stopped.rows == 100:
            break
    kept = msgspec.json.decode(msgspec.json.encode(stopped), type=ExtractMark)
    later = BulkExtracts(connect(settings), extracts.jobs.settings)
    assert await read(later, kept) == whole[100:]


async def test_without_query_jobs_left_the_refusal_says_so(extracts, org) -> None:
    await org.control("limits", DailyBulkV2QueryJobs=0)
    with pytest.raises(QuotaExceeded):
        await extracts.begin(EVERY)


@pytest.mark.parametrize("soql", ["SELECT COUNT(Id) FROM Account", "SELECT BillingAddress FROM Account"])
async def test_a_query_that_bulk_cannot_run_is_refused(extracts, soql: str) -> None:
    with pytest.raises((BackendFault, Invalid)):
        await extracts.begin(soql)


async def test_a_job_that_was_aborted_or_deleted_is_refused(extracts) -> None:
    mark = await extracts.begin("SELECT Id, Name FROM PricebookEntry")
    await extracts.jobs.abort("query", mark.job)
    with pytest.raises(Refused, match="Aborted"):
        await read(extracts, mark)
    await extracts.jobs.delete("query", mark.job)
    with pytest.raises(NotFound):
        await read(extracts, mark)


async def test_a_locator_that_is_none_is_refused(extracts) -> None:
    mark = await extracts.begin(EVERY)
    with pytest.raises(BackendFault):
        await read(extracts, msgspec.structs.replace(mark, locator="nonsense"))
