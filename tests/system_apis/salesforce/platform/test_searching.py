"""Search finds rows of several objects by words, whatever signs stand in them."""

import pytest

from sandboxes.company import company
from shared.binding.problems import Invalid
from shared.contracts.system.salesforce_platform import (
    Condition,
    FieldNotKnown,
    ObjectNotFound,
    SearchedObject,
    SearchRequest,
)
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.search import Search
from system_apis.salesforce.platform.service import OrgPlatform

CUSTOMER = company().customer_by_number[1]


async def test_rows_of_several_objects_are_found_in_one_call(platform: OrgPlatform, org) -> None:
    await org.rest(
        "POST", "/sobjects/Contact", json={"LastName": 'Zyzzyva-{1} "x"', "AccountId": CUSTOMER.salesforce_id}
    )
    lead = SearchedObject("Lead", ["LastName"])
    contact = SearchedObject(
        "contact", ["lastname", "Account.Name"], [Condition("Account.Name", "=", CUSTOMER.name)], 5
    )
    hits = await platform.search(SearchRequest('zyzzyva-{1} "x"', [lead, contact]))
    (row,) = hits.rows
    assert (row.sobject, row.fields) == ("Contact", {"LastName": 'Zyzzyva-{1} "x"', "Account.Name": CUSTOMER.name})
    assert len(await org.requests("earch")) == 1


async def test_signs_are_wildcards_only_where_they_are_meant_to_be(platform: OrgPlatform, org) -> None:
    await org.rest("POST", "/sobjects/Contact", json={"LastName": "Zyzzyva"})
    found = [
        len((await platform.search(SearchRequest("zyz*", [SearchedObject("Contact", ["Id"])], wildcards=wild))).rows)
        for wild in (False, True)
    ]
    assert found == [0, 1]


async def test_a_statement_finds_what_parameters_find(salesforce: SalesforceConnector, describe: Describe, org) -> None:
    await org.rest("POST", "/sobjects/Contact", json={"LastName": "O'Zyzzyva", "Title": "it's"})
    search = Search(salesforce, describe)
    asked = SearchedObject("Contact", ["LastName"], [Condition("Title", "=", "it's")], 3)
    question = SearchRequest("O'Zyzzyva", [asked], within="name")
    records = await search.find(await search.statement(question), "test")
    assert [record["LastName"] for record in records] == ["O'Zyzzyva"]
    assert [row.fields for row in (await search.hits(question, "test")).rows] == [{"LastName": "O'Zyzzyva"}]


async def test_a_search_that_cannot_be_made_is_refused(platform: OrgPlatform) -> None:
    refused: list[tuple[SearchRequest, type[Exception]]] = [
        (SearchRequest("alster", [SearchedObject("Nothing__c", ["Id"])]), ObjectNotFound),
        (SearchRequest("alster", [SearchedObject("Account", ["Nothing__c"])]), FieldNotKnown),
        (SearchRequest("- -", [SearchedObject("Account", ["Id"])]), Invalid),
        (SearchRequest("  ", [SearchedObject("Account", ["Id"])]), Invalid),
    ]
    for question, problem in refused:
        with pytest.raises(problem):
            await platform.search(question)
