"""No name and no value of a caller changes the structure of what is asked of the org.

Whatever is given is either refused, or the stand-in's own parser finds the query that was meant, and the very value.
"""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.parser import parse
from sandboxes.salesforce.sosl.statements import parse_search
from sandboxes.salesforce.sosl.terms import Both, Term, Terms
from shared.binding.problems import Invalid
from shared.contracts.system.salesforce_platform import ChildQuery, Condition, Ordering, QueryRequest
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.search import terms
from system_apis.salesforce.platform.select import Select

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=120)
"""Whatever a field can hold; NUL is refused, see `test_a_nul_is_refused`."""
EVIL = [
    "' OR Name != '",
    "\\' OR Id != null --",
    "x'; DELETE",
    "\\",
    "%'_",
    "Name FROM User--",
    "Id,(SELECT Id FROM Users)",
]
NAMES = TEXT | st.sampled_from([*EVIL, "Name", "name", "Owner.Name", "Parent.Parent.Name", "Name)", "COUNT()", "Id Id"])


class Loop:
    """Runs a coroutine that never waits: everything is described already."""

    @staticmethod
    def run(coroutine: Any) -> Any:
        try:
            coroutine.send(None)
        except StopIteration as ended:
            return ended.value
        raise AssertionError("It waited for something.")


@pytest.fixture
async def select(describe: Describe) -> Select:
    for name in ("Account", "Contact", "User"):
        await describe.object(name)
    return Select(describe)


def texts(condition: Any) -> list[Any]:
    """Every literal of a condition, in order."""
    if isinstance(condition, syntax.Comparison):
        return [condition.value.value]
    if isinstance(condition, syntax.Membership):
        return [each.value for each in condition.values]
    if isinstance(condition, syntax.Every | syntax.Either):
        return [text for each in condition.conditions for text in texts(each)]
    raise AssertionError(condition)


async def test_a_nul_is_refused(select: Select) -> None:
    for condition in (Condition("Name", "contains", "a\0b"), Condition("Name", "in", values=["\0"])):
        with pytest.raises(Invalid, match="Name"):
            await select.statement(QueryRequest("Account", ["Name"], where=[condition]))


async def test_a_value_is_one_literal_and_nothing_else(select: Select) -> None:
    @settings(deadline=None, max_examples=120, database=None)
    @given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
    @example(EVIL[0], EVIL)
    @example(EVIL[1], ["\\"])
    def check(value: str, values: list[str]) -> None:
        question = QueryRequest(
            "Account", ["Name"],
            where=[Condition("Name", "=", value), Condition("Website", "in", values=list(values))],
            children=[ChildQuery("Contacts", ["Id"], where=[Condition("LastName", "=", value)])],
        )  # fmt: skip
        query = parse(Loop.run(select.statement(question)).soql)
        assert isinstance(query.where, syntax.Every)
        assert [type(each).__name__ for each in query.where.conditions] == ["Comparison", "Membership"]
        assert texts(query.where) == [value, *values]
        child = query.items[1]
        assert isinstance(child, syntax.Query)
        assert texts(child.where) == [value]
        assert [(query.limit, query.offset, len(query.items), len(query.sources))] == [(None, None, 2, 1)]

    check()


async def test_a_part_of_text_is_found_as_it_stands(select: Select) -> None:
    @settings(deadline=None, max_examples=80, database=None)
    @given(TEXT, st.sampled_from(["contains", "starts-with", "like"]))
    @example("%_\\%'", "contains")
    def check(value: str, operator: Any) -> None:
        query = parse(
            Loop.run(select.statement(QueryRequest("Account", ["Id"], [Condition("Name", operator, value)]))).soql
        )
        assert isinstance(query.where, syntax.Comparison)
        assert query.where.operator == "LIKE"

    check()


async def test_a_name_is_one_of_the_orgs_or_refused(select: Select, describe: Describe) -> None:
    known = {field.name for name in ("Account", "User", "Contact") for field in (await describe.object(name)).fields}

    @settings(deadline=None, max_examples=150, database=None)
    @given(NAMES, NAMES, NAMES, NAMES)
    @example(EVIL[5], "Name", "Contacts", "Name")
    @example("Name", "Name FROM User--", "Contacts", "Name")
    def check(field: str, filtered: str, relationship: str, ordered: str) -> None:
        question = QueryRequest(
            "Account", [field], [Condition(filtered, "=", "x")], order_by=[Ordering(ordered)],
            children=[ChildQuery(relationship, ["Id"])] if relationship != "Name" else [],
        )  # fmt: skip
        try:
            soql = Loop.run(select.statement(question)).soql
        except Invalid:
            return
        query = parse(soql)
        assert {step for path in (field, filtered, ordered) for step in path.lower().split(".")[-1:]} <= {
            name.lower() for name in known
        }
        assert (len(query.order), len(query.sources), query.sources[0].path.text) == (1, 1, "Account")

    check()


async def test_an_object_is_one_of_the_orgs_or_refused_unasked(select: Select, org) -> None:
    before = len(await org.requests())
    for name in (*EVIL, "Account WHERE Id != null", "Account, Contact"):
        with pytest.raises(Invalid):
            await select.statement(QueryRequest(name, ["Id"]))
    assert len(await org.requests()) == before


def said(found: Terms) -> list[str]:
    """The words of a search query that has no operator but the implied AND."""
    if isinstance(found, Both):
        return [*said(found.left), *said(found.right)]
    assert isinstance(found, Term)
    return [found.text]


@settings(deadline=None, max_examples=200, database=None)
@given(st.lists(st.text(st.sampled_from("ab?&|!{}[]()^~*:\\\"'+-ä "), min_size=2, max_size=12) | TEXT, max_size=3))
@example(["a} IN ALL FIELDS RETURNING User(Id) //", "OR", "and", "NOT"])
@example(["x\\", "} RETURNING User"])
def test_words_are_searched_for_as_they_stand(words: list[str]) -> None:
    text = " ".join(words)
    statement = f"FIND {{{terms(text)}}} IN ALL FIELDS RETURNING Account(Id) LIMIT 5"
    if sum(sign.isalnum() or sign == "_" for sign in text) < 2:  # which SOSL refuses
        with pytest.raises(ApiError):
            parse_search(statement)
        return
    search = parse_search(statement)
    assert said(search.terms) == text.split()
    assert ([each.sobject for each in search.returning], search.limit, search.scope) == (["Account"], 5, "ALL")
