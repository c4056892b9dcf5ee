"""Rows and queries against the stand-in org, refusals included."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sandboxes.company import company
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import BackendUnavailable, Invalid, PreconditionFailed, QuotaExceeded
from shared.contracts.system.salesforce_platform import (
    ChildQuery,
    Condition,
    FieldNotKnown,
    ObjectNotFound,
    Ordering,
    QueryExpired,
    QueryRequest,
    RowNotFound,
    SeveralRows,
)
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.reading import Reading
from system_apis.salesforce.platform.refusals import OrgRefused
from system_apis.salesforce.platform.rows import Rows
from system_apis.salesforce.platform.service import OrgPlatform

CUSTOMER = company().customer_by_number[1]
UNKNOWN = "001000000000000AAA"
OP = "test"
ERP = "ERP_Customer_Number__c"


@pytest.fixture
def rows(salesforce: SalesforceConnector) -> Rows:
    return Rows(salesforce)


@pytest.fixture
def reading(salesforce: SalesforceConnector) -> Reading:
    return Reading(salesforce)


async def test_a_row_is_read_whole_or_by_chosen_fields_with_parents(platform: OrgPlatform) -> None:
    whole = await platform.get_row("account", CUSTOMER.salesforce_id)
    assert whole.fields["Name"] == CUSTOMER.name
    assert whole.fields["BillingAddress.city"] == CUSTOMER.billing.city
    assert whole.version.startswith('"')
    some = await platform.get_row(
        "Account", CUSTOMER.salesforce_id[:15], fields=["name", "Owner.Username", "Parent.Name"]
    )
    assert set(some.fields) == {"Name", "Owner.Username", "Parent.Name"}
    assert (some.row_id, some.fields["Parent.Name"]) == (CUSTOMER.salesforce_id, None)


async def test_a_row_is_read_by_external_id(platform: OrgPlatform) -> None:
    found = await platform.get_row("Account", CUSTOMER.sap_customer, "erp_customer_number__c", ["Name"])
    assert (found.row_id, found.fields) == (CUSTOMER.salesforce_id, {"Name": CUSTOMER.name})


async def test_a_row_that_is_not_there_is_refused(platform: OrgPlatform) -> None:
    refused: list[tuple[Any, type[Exception]]] = [
        (("Account", UNKNOWN), RowNotFound),
        (("Account", "nothing-9999"), RowNotFound),
        (("Nothing__c", UNKNOWN), ObjectNotFound),
        (("Account", CUSTOMER.salesforce_id, None, ["Nothing__c"]), FieldNotKnown),
        (("Account", CUSTOMER.salesforce_id, None, ["Name.Id"]), FieldNotKnown),
        (("Account", "x", "Name"), FieldNotKnown),
        (("Contact", "x", f"Account.{ERP}"), FieldNotKnown),
        (("Account", "none", ERP), RowNotFound),
        (("Account", "describe"), RowNotFound),
        (("Account", f"{CUSTOMER.salesforce_id[:15]}ZZZ"), RowNotFound),
    ]
    for arguments, problem in refused:
        with pytest.raises(problem):
            await platform.get_row(*arguments)


async def test_a_row_lives_from_create_to_delete(rows: Rows) -> None:
    made = await rows.create(
        "Contact", {"LastName": "Ada", "Account.ERP_Customer_Number__c": CUSTOMER.sap_customer}, OP
    )
    assert made.created
    await rows.update("Contact", made.id, {"FirstName": "O'Hara \\"}, OP)
    found = await rows.read("Contact", made.id, OP, columns="FirstName,AccountId")
    assert found is not None
    assert (found.record["FirstName"], found.record["AccountId"]) == ("O'Hara \\", CUSTOMER.salesforce_id)
    since = datetime.now(UTC) - timedelta(hours=1)
    await rows.delete("Contact", made.id, OP)
    with pytest.raises(OrgRefused) as refused:
        await rows.delete("Contact", made.id, OP)
    assert refused.value.code == "ENTITY_IS_DELETED"
    changes = await rows.changes("Contact", since, datetime.now(UTC) + timedelta(minutes=1), OP)
    assert [gone.row_id for gone in changes.deleted] == [made.id]


async def test_an_upsert_says_whether_it_created(rows: Rows, org) -> None:
    first = await rows.upsert("Account", "ERP_Customer_Number__c", "9/9 %", {"Name": "New"}, OP)
    second = await rows.upsert("Account", "ERP_Customer_Number__c", "9/9 %", {"Name": "Newer"}, OP)
    assert (first.created, second.created, second.id) == (True, False, first.id)
    for name in ("A", "B"):
        await org.rest("POST", "/sobjects/Contact", json={"LastName": name, "ERP_Contact_Number__c": "TWO"})
    with pytest.raises(SeveralRows):
        await rows.upsert("Contact", "ERP_Contact_Number__c", "TWO", {"LastName": "C"}, OP)


@pytest.mark.parametrize("sobject", ["Account", "Contact"])
async def test_a_change_that_rests_on_an_old_version_is_refused(rows: Rows, org, sobject: str) -> None:
    field = {"Account": "Website", "Contact": "Title"}[sobject]
    made = await rows.create(sobject, {"Name": "V"} if sobject == "Account" else {"LastName": "V"}, OP)
    read = await rows.read(sobject, made.id, OP)
    assert read is not None
    assert await rows.read(sobject, made.id, OP, known=read.version) is None
    await rows.update(sobject, made.id, {field: "first"}, OP, version=read.version)
    await org.control("clock", offset_seconds=5)
    await org.rest("PATCH", f"/sobjects/{sobject}/{made.id}", json={field: "somebody else's"})
    await org.control("clock", offset_seconds=0)
    with pytest.raises(OrgRefused) as refused:
        await rows.update(sobject, made.id, {field: "second"}, OP, version=read.version)
    assert isinstance(refused.value.problem, PreconditionFailed)
    with pytest.raises(OrgRefused):
        await rows.delete(sobject, made.id, OP, version=read.version)


async def test_conditions_parents_children_and_order_make_one_call(platform: OrgPlatform, org) -> None:
    page = await platform.query(
        QueryRequest(
            "account", ["id", "name", "owner.username"],
            where=[
                Condition("Name", "contains", CUSTOMER.name[:6]), Condition("CreatedDate", ">=", "LAST_N_DAYS:9999"),
            ],
            any_of=[[Condition("Id", "in", values=[CUSTOMER.salesforce_id, UNKNOWN]), Condition("Phone")]],
            order_by=[Ordering("Name", descending=True)],
            children=[ChildQuery("contacts", ["LastName", "Account.Name"], order_by=[Ordering("LastName")], limit=1)],
            limit=5,
        )
    )  # fmt: skip
    assert page.total == len(page.rows) == 1
    (row,) = page.rows
    assert (row.row_id, row.fields["Name"]) == (CUSTOMER.salesforce_id, CUSTOMER.name)
    assert [child["Account.Name"] for child in row.children["Contacts"]] == [CUSTOMER.name]
    assert len(await org.requests("/query")) == 1


async def test_without_fields_rows_are_counted_and_with_deleted_the_bin_too(platform: OrgPlatform, org) -> None:
    made = await org.rest("POST", "/sobjects/Contact", json={"LastName": "Zzyzx"})
    question = QueryRequest("Contact", where=[Condition("LastName", "starts-with", "Zzy")])
    assert ((await platform.query(question)).total, (await platform.query(question)).rows) == (1, [])
    await org.rest("DELETE", f"/sobjects/Contact/{made['id']}")
    assert (await platform.query(question)).total == 0
    binned = QueryRequest("Contact", ["Id"], where=question.where, deleted=True)
    assert [row.row_id for row in (await platform.query(binned)).rows] == [made["id"]]


async def test_pages_lead_on_by_cursor_until_it_expires(platform: OrgPlatform) -> None:
    question = QueryRequest("Account", ["Name"], order_by=[Ordering("Name")], page_size=200)
    first = await platform.query(question)
    more = QueryRequest("Account", ["Name"], order_by=[Ordering("Name")], page_size=200, cursor=first.next_cursor)
    second = await platform.query(more)
    assert len(first.rows) == 200
    assert first.total == second.total == 200 + len(second.rows)
    assert second.next_cursor is None
    _, digest = decode_cursor(more.cursor or "", tuple[str, str])
    for locator in ("01gHs0000000000AAA-200", "../limits"):  # as after two days
        with pytest.raises(QueryExpired):
            await platform.query(msgspec.structs.replace(more, cursor=encode_cursor([locator, digest])))


async def test_a_cursor_leads_on_in_its_own_question_only(platform: OrgPlatform) -> None:
    first = await platform.query(QueryRequest("Account", ["Name"], page_size=200))
    for other in (QueryRequest("Contact", ["Name"]), QueryRequest("Account", ["Phone"]), QueryRequest("Account")):
        with pytest.raises(Invalid, match="another question"):
            await platform.query(msgspec.structs.replace(other, cursor=first.next_cursor))


async def test_a_field_that_is_named_twice_is_read_once(platform: OrgPlatform) -> None:
    page = await platform.query(QueryRequest("Account", ["Name", "name", "Owner.Name", "owner.NAME"], limit=1))
    assert list(page.rows[0].fields) == ["Name", "Owner.Name"]
    row = await platform.get_row("Account", CUSTOMER.salesforce_id, fields=["name", "Name"])
    assert list(row.fields) == ["Name"]
    twice = [ChildQuery("Contacts", ["Id"]), ChildQuery("contacts", ["Email"])]
    with pytest.raises(Invalid, match="twice"):
        await platform.query(QueryRequest("Account", ["Name"], children=twice))


async def test_a_window_too_long_ago_is_refused_with_what_to_do(platform: OrgPlatform) -> None:
    with pytest.raises(Invalid, match="30 days"):
        await platform.list_changes("Account", since=datetime(2020, 1, 1, tzinfo=UTC))


async def test_an_iterator_reads_on_to_the_end(reading: Reading, org) -> None:
    names = [record["Name"] async for record in reading.records("SELECT Name FROM Account", OP, page_size=200)]
    assert len(names) > 200
    assert len(await org.requests("/query")) == 2


async def test_a_condition_that_does_not_fit_is_refused_before_the_org_is_asked(platform: OrgPlatform, org) -> None:
    for condition in [
        Condition("AnnualRevenue", "=", "much"),
        Condition("Name", "=", 7),
        Condition("CreatedDate", ">", "yesterday"),
        Condition("Name", values=["a", "b"]),
        Condition("Name", "in", "a", ["b"]),
        Condition("CreatedDate", ">", "2026-01-01T10:00:00"),
        Condition("Name", "in"),
        Condition("Name", "<", None),
        Condition("Name", "like", None),
        Condition("Name", "contains", "x" * 5_000),
        Condition("BillingAddress", "=", "x"),
        Condition("Nothing__c", "=", "x"),
    ]:
        with pytest.raises(Invalid):
            await platform.query(QueryRequest("Account", ["Id"], where=[condition]))
    assert not await org.requests("/query")


async def test_a_query_that_is_too_long_is_refused(platform: OrgPlatform) -> None:
    with pytest.raises(Invalid, match="too long"):
        await platform.query(QueryRequest("Account", ["Id"], where=[Condition("Name", "in", values=["x" * 100] * 200)]))


async def test_a_session_that_has_expired_is_renewed_and_the_call_repeated_once(platform: OrgPlatform, org) -> None:
    await platform.query(QueryRequest("Account"))
    await org.control("expire-tokens")
    assert (await platform.query(QueryRequest("Account"))).total > 200
    assert [each["status"] for each in await org.requests("/query")] == [200, 401, 200]


async def test_an_allowance_that_is_used_up_and_a_busy_org_are_transient(platform: OrgPlatform, org) -> None:
    await platform.describe_object("Account")
    await org.fault(path="*/query*", fault="status", status=503, times=9)
    with pytest.raises(BackendUnavailable):
        await platform.query(QueryRequest("Account"))
    await org.heal()
    await org.control("limits", DailyApiRequests=1, used=1)
    with pytest.raises(QuotaExceeded):
        await platform.query(QueryRequest("Account"))
