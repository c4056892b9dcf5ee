"""The query language against the seed company; the clock stands on Thursday 28 May 2026, 20:26:40 UTC."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandboxes.company import company
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.org import Org

BASE = "/services/data/v66.0/sobjects/"
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask(org: Org) -> Ask:
    def asked(soql: str, **options: Any) -> list[dict[str, Any]]:
        return org.queries.run(org.queries.plan(soql, **options), BASE, "005aj00000000G8AAI").records

    return asked


@pytest.fixture
def count(org: Org) -> Callable[[str], int]:
    def counted(condition: str, sobject: str = "Account") -> int:
        plan = org.queries.plan(f"SELECT COUNT() FROM {sobject} WHERE {condition}")
        return org.queries.run(plan, BASE, "").total

    return counted


def refused(org: Org, soql: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        org.queries.run(org.queries.plan(soql), BASE, "")
    return caught.value


def test_records_carry_attributes_and_the_schemas_own_spelling(ask: Ask) -> None:
    customer = company().customers[3]
    [record] = ask(f"select id, NAME, owner.name from account where id = '{customer.salesforce_id[:15]}'")
    assert record == {
        "attributes": {"type": "Account", "url": BASE + f"Account/{customer.salesforce_id}"},
        "Id": customer.salesforce_id,
        "Name": customer.name,
        "Owner": {
            "attributes": record["Owner"]["attributes"],
            "Name": record["Owner"]["Name"],
        },
    }


def test_parents_are_walked_five_levels_and_no_further(ask: Ask, org: Org) -> None:
    [line] = ask("SELECT Quote.Opportunity.Account.Owner.CreatedBy.Name FROM QuoteLineItem LIMIT 1")
    owner = line["Quote"]["Opportunity"]["Account"]["Owner"]
    assert owner["CreatedBy"]["Name"] == "Integration User"
    deep = "Quote.Opportunity.Account.Owner.CreatedBy.CreatedBy.Name"
    assert refused(org, f"SELECT {deep} FROM QuoteLineItem").code == "INVALID_FIELD"


def test_a_missing_parent_is_null(ask: Ask) -> None:
    assert ask("SELECT Parent.Name FROM Account WHERE ParentId = null LIMIT 1")[0]["Parent"] is None


def test_child_subqueries_nest_lists_and_null(ask: Ask) -> None:
    quote = company().quotes_for("plain")[0]
    [record] = ask(
        "SELECT Id, (SELECT Id, Product2.StockKeepingUnit, Quantity FROM QuoteLineItems ORDER BY LineNumber), "
        f"(SELECT Id FROM Orders) FROM Quote WHERE Id = '{quote.salesforce_id}'"
    )
    lines = record["QuoteLineItems"]
    assert (lines["totalSize"], lines["done"]) == (len(quote.lines), True)
    assert [each["Id"] for each in lines["records"]] == [line.salesforce_id for line in quote.lines]
    sku = company().product_by_number[quote.lines[0].product].sku
    assert lines["records"][0]["Product2"]["StockKeepingUnit"] == sku
    assert record["Orders"] is None


def test_limit_and_order_of_a_child_subquery_count_for_each_parent(ask: Ask) -> None:
    rows = ask("SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 1) FROM Account LIMIT 20")
    for row in rows:
        customer = company().customer_by_salesforce_id[row["Id"]]
        last = max((person.last_name for person in customer.contacts), key=str.upper)
        if last.isascii():
            assert row["Contacts"]["records"][0]["LastName"].isascii()
        assert len(row["Contacts"]["records"]) == 1


def test_grandchildren_need_version_58(ask: Ask, org: Org) -> None:
    soql = "SELECT Id, (SELECT Id, (SELECT Id FROM QuoteLineItems) FROM Quotes) FROM Opportunity LIMIT 1"
    [record] = ask(soql)
    assert record["Quotes"]["records"][0]["QuoteLineItems"]["totalSize"] > 0
    with pytest.raises(ApiError):
        org.queries.plan(soql, version=57.0)


def test_text_compares_without_case_ids_with_it(count: Callable[[str], int]) -> None:
    assert count("Industry = 'chemicals'") == count("Industry = 'CHEMICALS'") > 0
    customer = company().customers[11].salesforce_id
    assert count(f"Id = '{customer}'") == 1


def test_unequal_and_not_in_keep_nulls(count: Callable[[str], int]) -> None:
    everyone, parentless = count("Id != null"), count("ParentId = null")
    some = company().customers[0].salesforce_id
    assert count(f"ParentId != '{some}'") + count(f"ParentId = '{some}'") == everyone
    assert count(f"ParentId NOT IN ('{some}')") + count(f"ParentId IN ('{some}')") == everyone
    assert count("NOT (Parent.Name LIKE 'A%')") + count("Parent.Name LIKE 'A%'") == everyone
    assert count("ParentId = ''") == parentless


def test_like_takes_wildcards_and_their_escapes(count: Callable[[str], int]) -> None:
    sku = company().products[4].sku
    assert count(f"ProductCode LIKE '{sku[:-1]}_'", "Product2") >= 1
    assert count(f"ProductCode LIKE '{sku[:-1]}\\_'", "Product2") == 0
    assert count("ProductCode LIKE '%'", "Product2") == len(company().products)
    assert count("ProductCode LIKE '\\%'", "Product2") == 0


def test_aggregates_answer_in_aggregate_results(ask: Ask) -> None:
    rows = ask(
        "SELECT Industry, COUNT(Id) firms, SUM(Credit_Limit__c), MIN(Name) FROM Account "
        "GROUP BY Industry HAVING COUNT(Id) > 10 ORDER BY COUNT(Id) DESC"
    )
    assert [row["firms"] for row in rows] == sorted((row["firms"] for row in rows), reverse=True)
    for row in rows:
        firms = [each for each in company().accounts if each.industry == row["Industry"]]
        assert row["attributes"] == {"type": "AggregateResult"}
        assert row["firms"] == len(firms)
        assert Decimal(str(row["expr0"])) == sum(each.credit_limit for each in firms)
        assert row["expr1"]


def test_count_of_nothing_is_a_row_and_count_alone_a_total(ask: Ask, org: Org) -> None:
    assert ask("SELECT COUNT(Id), COUNT_DISTINCT(OwnerId) o FROM Lead")[0] == {
        "attributes": {"type": "AggregateResult"},
        "expr0": 0,
        "o": 0,
    }
    result = org.queries.run(org.queries.plan("SELECT COUNT() FROM Product2"), BASE, "")
    assert (result.total, result.records) == (len(company().products), [])


def test_rollup_and_cube_add_subtotals(ask: Ask) -> None:
    select = "SELECT Industry, CurrencyIsoCode, COUNT(Id) n, GROUPING(CurrencyIsoCode) g FROM Account GROUP BY "
    rollup = ask(select + "ROLLUP(Industry, CurrencyIsoCode)")
    cube = ask(select + "CUBE(Industry, CurrencyIsoCode)")
    [whole] = [row for row in rollup if row["Industry"] is None and row["g"] == 1]
    assert whole["n"] == len(company().accounts)
    assert len(cube) == len(rollup) + len({each.currency for each in company().accounts})


def test_date_parts_group(ask: Ask) -> None:
    rows = ask("SELECT CALENDAR_YEAR(CreatedDate) y, COUNT(Id) n FROM Quote GROUP BY CALENDAR_YEAR(CreatedDate)")
    created = [quote.created.year for quote in company().quotes]
    assert {row["y"]: row["n"] for row in rows} == {year: created.count(year) for year in set(created)}


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        ("TODAY", "2026-05-28", "2026-05-28"),
        ("YESTERDAY", "2026-05-27", "2026-05-27"),
        ("TOMORROW", "2026-05-29", "2026-05-29"),
        ("THIS_WEEK", "2026-05-24", "2026-05-30"),
        ("LAST_WEEK", "2026-05-17", "2026-05-23"),
        ("THIS_MONTH", "2026-05-01", "2026-05-31"),
        ("NEXT_MONTH", "2026-06-01", "2026-06-30"),
        ("THIS_QUARTER", "2026-04-01", "2026-06-30"),
        ("LAST_FISCAL_QUARTER", "2026-01-01", "2026-03-31"),
        ("THIS_YEAR", "2026-01-01", "2026-12-31"),
        ("LAST_90_DAYS", "2026-02-27", "2026-05-28"),
        ("LAST_N_DAYS:2", "2026-05-26", "2026-05-28"),
        ("NEXT_N_DAYS:2", "2026-05-29", "2026-05-30"),
        ("LAST_N_MONTHS:2", "2026-03-01", "2026-04-30"),
        ("N_DAYS_AGO:3", "2026-05-25", "2026-05-25"),
        ("N_YEARS_AGO:1", "2025-01-01", "2025-12-31"),
    ],
)
def test_relative_dates(org: Org, span: str, first: str, last: str) -> None:
    def holds(day: str, operator: str) -> bool:
        plan = org.queries.plan(f"SELECT Id FROM Task WHERE Subject = '{day}' AND ActivityDate {operator} {span}")
        return bool(org.queries.run(plan, BASE, "").records)

    day = timedelta(days=1)
    inside = [first, last]
    before, after = str(date.fromisoformat(first) - day), str(date.fromisoformat(last) + day)
    task = org.catalogue.sobjects["task"]
    with org.store.savepoint():
        for each in {*inside, before, after}:
            body = {"Subject": each, "ActivityDate": each}
            org.saving.create(task, body, "005aj00000000G8AAI")
    try:
        assert all(holds(each, "=") for each in inside)
        assert not holds(before, "=")
        assert not holds(after, "=")
        assert all(holds(before, operator) for operator in ("<", "!=", "<="))
        assert all(holds(after, operator) for operator in (">", ">=", "!="))
        assert not holds(after, "<=")
    finally:
        org.store.execute('DELETE FROM "Task"')


def test_moments_compare_across_time_zones(count: Callable[[str], int]) -> None:
    everyone = count("Id != null")
    assert count("CreatedDate = 2026-01-05T08:00:00Z") == everyone
    assert count("CreatedDate = 2026-01-05T09:00:00+01:00") == everyone
    assert count("CreatedDate < 2026-01-05T08:00:00.000Z") == 0


def test_semi_and_anti_joins_divide_the_firms(count: Callable[[str], int]) -> None:
    inside = count("Id IN (SELECT AccountId FROM Quote WHERE Status = 'Draft')")
    outside = count("Id NOT IN (SELECT AccountId FROM Quote WHERE Status = 'Draft')")
    drafts = {quote.customer for quote in company().quotes if quote.status == "Draft"}
    assert inside == len(drafts)
    assert inside + outside == len(company().accounts)


def test_order_by_puts_nulls_first_unless_told_otherwise(ask: Ask) -> None:
    parents = [each["ParentId"] for each in ask("SELECT ParentId FROM Account ORDER BY ParentId")]
    assert parents[0] is None
    assert parents[-1] is not None
    assert ask("SELECT ParentId FROM Account ORDER BY ParentId NULLS LAST")[-1]["ParentId"] is None
    assert ask("SELECT ParentId FROM Account ORDER BY ParentId DESC")[-1]["ParentId"] is None
    assert ask("SELECT ParentId FROM Account ORDER BY ParentId DESC NULLS FIRST")[0]["ParentId"] is None


def test_limit_and_offset_page(ask: Ask) -> None:
    every = [each["Id"] for each in ask("SELECT Id FROM Account ORDER BY Id LIMIT 10")]
    assert [each["Id"] for each in ask("SELECT Id FROM Account ORDER BY Id LIMIT 5 OFFSET 5")] == every[5:]


def test_fields_functions_expand(ask: Ask) -> None:
    [everything] = ask("SELECT FIELDS(ALL) FROM Account LIMIT 1")
    [custom] = ask("SELECT FIELDS(CUSTOM) FROM Account LIMIT 1")
    [standard] = ask("SELECT FIELDS(STANDARD) FROM Account LIMIT 1")
    assert "ERP_Customer_Number__c" in custom
    assert custom.keys() | standard.keys() == everything.keys()
    assert custom.keys() & standard.keys() == {"attributes"}
    assert everything["BillingAddress"]["country"] == everything["BillingCountry"]


def test_aliases_scopes_and_trailers_are_understood(ask: Ask) -> None:
    assert ask("SELECT c.Id, a.Name FROM Contact c, c.Account a WHERE a.Name != null LIMIT 1")[0]["Account"]["Name"]
    assert ask("SELECT Account.Id FROM Account USING SCOPE everything LIMIT 1 FOR VIEW")
    assert ask("SELECT Id FROM Account USING SCOPE mine") == []
    assert ask("SELECT Id FROM Account WITH SECURITY_ENFORCED ORDER BY Name ASC LIMIT 1")
    assert ask("SELECT format(Credit_Limit__c) f, toLabel(Industry) FROM Account LIMIT 1")[0]["f"]


def test_references_to_several_objects_are_walked(ask: Ask, org: Org) -> None:
    account = company().customers[0]
    task = org.catalogue.sobjects["task"]
    body = {"Subject": "Call", "WhatId": account.salesforce_id}
    org.saving.create(task, body, "005aj00000000G8AAI")
    try:
        soql = "SELECT What.Name, What.Type FROM Task WHERE What.Type = 'Account'"
        [record] = ask(soql)
        assert record["What"]["Name"] == account.name
        assert record["What"]["attributes"]["type"] == "Account"
        soql = "SELECT TYPEOF What WHEN Opportunity THEN Amount WHEN Account THEN Phone ELSE Name END FROM Task"
        assert ask(soql)[0]["What"]["Phone"] == account.phone
    finally:
        org.store.execute('DELETE FROM "Task"')


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT Foo FROM Account", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'."),
        ("SELECT Id FROM Foo", "INVALID_TYPE", "sObject type 'Foo' is not supported."),
        ("SELECT Foo.Id FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Foo' in field path."),
        ("SELECT Id, (SELECT Id FROM Foos) FROM Account", "INVALID_TYPE", "relationship 'Foos' in FROM part"),
        ("SELECT * FROM Account", "MALFORMED_QUERY", "unexpected token: '*'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name = 'a", "MALFORMED_QUERY", "unexpected token: '''"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "of type string and should be enclosed"),
        ("SELECT Id FROM Quote WHERE Subtotal > '5'", "INVALID_FIELD", "of type currency and should not be"),
        ("SELECT Id FROM Quote WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        ("SELECT Id FROM Account WHERE Id LIKE '001%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account ORDER BY BillingAddress", "INVALID_FIELD", "can not be sorted"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        ("SELECT COUNT(Id) FROM Account GROUP BY Credit_Limit__c", "INVALID_FIELD", "can not be grouped"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "only allowed in HAVING"),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Name n FROM Account", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "LIMIT of at most 200"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "offset allowed is 2000"),
        ("SELECT Id FROM Account WHERE Phone='1' AND Fax='2' OR Site='3'", "MALFORMED_QUERY", "token: 'OR'"),
        ("SELECT Id FROM Account WHERE Name IN (SELECT Id FROM Contact)", "MALFORMED_QUERY", "semi-join"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT COUNT(Id) FROM Quote)", "MALFORMED_QUERY", "not an aggregate"),
        ("SELECT COUNT() FROM Account GROUP BY Name", "MALFORMED_QUERY", "COUNT() stands alone"),
        ("SELECT Id FROM Account LIMIT 99999999999", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY", "unexpected token: 'ROWS'"),
        ("SELECT Id FROM Task WHERE ActivityDate = LAST_N_YEARS:9999", "NUMBER_OUTSIDE_VALID_RANGE", "Date range"),
        ("SELECT Id FROM Account WHERE " + "(" * 200, "MALFORMED_QUERY", "unexpected token: '('"),
        ("SELECT Id FROM Account WHERE Name = '" + "x" * 4_001 + "'", "MALFORMED_QUERY", "4000 characters"),
        ("SELECT Id FROM Account" + " " * 100_000, "MALFORMED_QUERY", "100000 characters"),
    ],
)
def test_mistakes_get_the_vendors_code_and_message(org: Org, soql: str, code: str, message: str) -> None:
    fault = refused(org, soql)
    assert (fault.status, fault.code) == (400, code)
    assert message in fault.message


def test_a_mistake_is_pointed_at(org: Org) -> None:
    fault = refused(org, "SELECT Id,\n  Foo FROM Account")
    assert "ERROR at Row:2:Column:3" in fault.message
    assert fault.message.split("\n")[1:3] == ["  Foo FROM Account", "  ^"]


def test_a_repeated_query_is_compiled_once(org: Org) -> None:
    soql = "SELECT Id FROM Account WHERE ERP_Customer_Number__c = '10100001'"
    assert org.queries.plan(soql) is org.queries.plan(soql)
    assert org.queries.plan(soql) is not org.queries.plan(soql, deleted=True)


@pytest.mark.parametrize(
    "condition",
    [
        "Id = '001aj0000000001AAA'",
        "ERP_Customer_Number__c = '10100001'",
        "OwnerId = '005aj0000000001AAA'",
        "SystemModstamp > 2026-05-01T00:00:00Z",
    ],
)
def test_ids_foreign_keys_external_ids_and_timestamps_are_indexed(org: Org, condition: str) -> None:
    plan = org.queries.plan(f"SELECT Id, Name, Owner.Name FROM Account WHERE {condition}")
    steps = org.store.select(f"EXPLAIN QUERY PLAN {plan.sql}", plan.parameters)
    assert all("SEARCH" in step[3] for step in steps), steps
