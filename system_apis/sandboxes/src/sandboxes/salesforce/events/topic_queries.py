"""Queries of PushTopics: what they may say, and what of a record they look at (Streaming API, "PushTopic Queries")."""

from collections.abc import Iterator
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.schema import Catalogue
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.compiler import Plan, compile_query
from sandboxes.salesforce.soql.parser import parse

_STANDARD = frozenset({"Account", "Contact", "Lead", "Opportunity", "Quote", "QuoteLineItem", "Task"})
_ANY_ID = "000000000000000AAA"


class TopicQuery(Struct, frozen=True):
    """A query that is looked at whenever a record of its object changes.

    Attributes:
        plan: Finds one record, whose id is its first parameter, if the query keeps it.
        selected: The fields it selects.
        tested: The fields its conditions name.
    """

    plan: Plan
    selected: frozenset[str]
    tested: frozenset[str]


def topic_query(catalogue: Catalogue, soql: str) -> TopicQuery:
    """The query of a PushTopic; ApiError when it is none, or says what PushTopics don't allow."""
    query = parse(soql)
    _check(query)
    only = syntax.Comparison(syntax.Path("Id", 0), "=", syntax.Text(_ANY_ID, _ANY_ID), 0)
    where = only if query.where is None else syntax.Every((only, query.where))
    plan = compile_query(catalogue, replace(query, where=where), deleted=True, depth=1)
    sobject = plan.sobject
    if not sobject.custom and sobject.name not in _STANDARD:
        raise ApiError(400, "INVALID_FIELD", f"entity {sobject.name} is not supported in PushTopic queries")
    selected = frozenset(sobject.fields[name.lower()].name for name in _selected(query))
    tested = frozenset(sobject.fields[name.lower()].name for name in _tested(query.where))
    for name in tested:
        if sobject.fields[name.lower()].calculated:
            _refuse(f"formula field {name} is not supported in the WHERE clause")
    if "Id" not in selected:
        _refuse("Id field is required in the SELECT clause")
    return TopicQuery(replace(plan, reading=frozenset()), selected, tested)


def _check(query: syntax.Query) -> None:
    paths = [*_selected(query), *_tested(query.where)]
    refusals = (
        (bool(query.groups or query.having), "Aggregate queries are not supported"),
        (bool(query.order), "'ORDER BY' clause is not allowed"),
        (query.limit is not None, "'LIMIT' is not allowed"),
        (query.offset is not None, "'OFFSET' clause is not allowed"),
        (bool(query.scope), "'USING SCOPE' is not allowed"),
        (len(query.sources) > 1 or any("." in path for path in paths), "relationships are not supported"),
    )
    for refused, message in refusals:
        if refused:
            _refuse(message)


def _selected(query: syntax.Query) -> Iterator[str]:
    for item in query.items:
        match item:
            case syntax.Item(expression=syntax.Path(text=text)):
                yield text
            case syntax.Item():
                _refuse("Aggregate queries are not supported")
            case syntax.Query():
                _refuse("relationships are not supported")
            case syntax.TypeOf():
                _refuse("'TYPEOF' is not supported")
            case syntax.AllFields():
                _refuse("'FIELDS' is not supported")


def _tested(condition: syntax.Condition | None) -> Iterator[str]:
    match condition:
        case None:
            return
        case syntax.Every() | syntax.Either():
            for each in condition.conditions:
                yield from _tested(each)
        case syntax.Not():
            _refuse("'NOT' is not supported")
        case syntax.Join():
            _refuse("semi/anti join sub-selects are not supported")
        case syntax.Comparison() | syntax.Membership():
            expression: syntax.Path | syntax.Call | None = condition.left
            while isinstance(expression, syntax.Call):
                expression = expression.argument
            if expression is not None:
                yield expression.text


def _refuse(message: str) -> NoReturn:
    raise ApiError(400, "INVALID_FIELD", message, ["Query"])
