"""The stand-in org searches as SOSL says: whole words, phrases, wildcards, operators, escapes."""

from typing import Any

import httpx
import pytest

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.sosl.statements import parse_search
from sandboxes.salesforce.sosl.terms import matcher, parse_terms

V = "/services/data/v66.0/"
TEXT = "Alster Kältetechnik GmbH & Co. KG\nA-12 {braced} 50% off"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("alster", True),
        ("Alst", False),
        ("Alst*", True),
        ("Al?ter", True),
        ("*technik", True),
        ("Alster GmbH", True),
        ("Alster AND Nobody", False),
        ("Alster OR Nobody", True),
        ("Alster AND NOT GmbH", False),
        ("Alster AND NOT (Nobody OR Noone)", True),
        ('"GmbH & Co"', True),
        ('"Co GmbH"', False),
        (r"A\-12", True),
        (r"\{braced\}", True),
        (r"kältetechnik", True),
    ],
)
def test_terms_match_words(query: str, found: bool) -> None:
    assert matcher(parse_terms(query))(TEXT) is found


@pytest.mark.parametrize("query", ["", "a", "AND", "Alster AND", "(Alster", "A-12", "a}b{c", "Alster )"])
def test_what_is_no_search_query_is_refused(query: str) -> None:
    with pytest.raises(ApiError):
        parse_terms(query)


def test_a_statement_names_objects_with_fields_and_clauses() -> None:
    search = parse_search(
        r"FIND {Als\}ter} IN NAME FIELDS RETURNING Account(Id, Name WHERE Name != 'a)b LIMIT' ORDER BY Name LIMIT 3),"
        " Contact LIMIT 20"
    )
    assert (search.scope, search.limit) == ("NAME", 20)
    account, contact = search.returning
    assert (account.sobject, account.fields) == ("Account", "Id, Name")
    assert account.clauses == "WHERE Name != 'a)b LIMIT' ORDER BY Name LIMIT 3"
    assert (contact.sobject, contact.fields) == ("Contact", "Id")


@pytest.mark.parametrize(
    "sosl",
    [
        "",
        "FIND Alster",
        "FIND {Alster",
        "FIND {Alster} IN NOWHERE FIELDS",
        "FIND {Alster} RETURNING",
        "FIND {Alster} x",
        "FIND {Alster} RETURNING Account(Id",
    ],
)
def test_what_is_no_statement_is_refused(sosl: str) -> None:
    with pytest.raises(ApiError):
        parse_search(sosl)


async def test_both_ways_of_asking_find_the_same(client: httpx.AsyncClient) -> None:
    made = (await client.post(V + "sobjects/Lead", json={"LastName": "Zyzzyva", "Company": "Rare Words Ltd"})).json()[
        "id"
    ]
    sosl = "FIND {zyzzyva} RETURNING Lead(LastName WHERE Company LIKE 'Rare%' LIMIT 5)"
    asked: list[Any] = [(await client.get(V + "search", params={"q": sosl})).json()]
    lead = {"name": "Lead", "fields": ["LastName"], "where": "Company LIKE 'Rare%'"}
    asked.append((await client.post(V + "parameterizedSearch", json={"q": "zyzzyva", "sobjects": [lead]})).json())
    query = {"q": "zyzzyva", "sobject": "Lead", "fields": "LastName"}
    asked.append((await client.get(V + "parameterizedSearch", params=query)).json())
    for answer in asked:
        (record,) = answer["searchRecords"]
        assert record["attributes"]["url"].endswith(made)
        assert record["LastName"] == "Zyzzyva"
    refused = await client.get(V + "search", params={"q": "FIND {zyzzyva} RETURNING Nothing__c"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
