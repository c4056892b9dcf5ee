"""CRM search (developers.hubspot.com, "Search the CRM"): filters, one sort, pages; over an index that may lag."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from sandboxes.hubspot.portal import Portal
from sandboxes.hubspot.refusals import invalid

_REACH = 10_000
_LARGEST_PAGE = 200
_GROUPS, _FILTERS = 5, 6

_Test = Callable[[str, Mapping[str, Any]], bool]
_OPERATORS: dict[str, _Test] = {
    "EQ": lambda held, given: held.lower() == str(given.get("value", "")).lower(),
    "NEQ": lambda held, given: held.lower() != str(given.get("value", "")).lower(),
    "IN": lambda held, given: held.lower() in {str(one).lower() for one in given.get("values", [])},
    "NOT_IN": lambda held, given: held.lower() not in {str(one).lower() for one in given.get("values", [])},
    "LT": lambda held, given: held < str(given.get("value", "")),
    "LTE": lambda held, given: held <= str(given.get("value", "")),
    "GT": lambda held, given: held > str(given.get("value", "")),
    "GTE": lambda held, given: held >= str(given.get("value", "")),
    "BETWEEN": lambda held, given: str(given.get("value", "")) <= held <= str(given.get("highValue", "")),
    "CONTAINS_TOKEN": lambda held, given: str(given.get("value", "")).strip("*").lower() in held.lower(),
}


def search(portal: Portal, type_: str, body: Mapping[str, Any], known_until: float) -> dict[str, Any]:
    """A page of what fits, as the index knew it at a moment."""
    groups, sorts = body.get("filterGroups", []), body.get("sorts", [])
    if len(groups) > _GROUPS or any(len(group.get("filters", [])) > _FILTERS for group in groups):
        raise invalid(f"A search takes {_GROUPS} groups of {_FILTERS} filters")
    limit, after = _whole(body.get("limit", 10), "limit"), _whole(body.get("after") or 0, "after")
    if not 0 < limit <= _LARGEST_PAGE:
        raise invalid(f"limit must be between 1 and {_LARGEST_PAGE}")
    if after + limit > _REACH:
        raise invalid(f"A search reaches {_REACH} results")
    rows = portal.rows(type_, written_until=known_until)
    found = [row for row in rows if not groups or any(_fits(portal, row, group) for group in groups)]
    if query := str(body.get("query", "")).lower():
        found = [row for row in found if query in " ".join(map(str, portal.properties(row).values())).lower()]
    if sorts:
        found = _sorted(portal, found, sorts[0])
    page = found[after : after + limit]
    answer: dict[str, Any] = {
        "total": len(found),
        "results": [portal.shown(row, body.get("properties", [])) for row in page],
    }
    if after + limit < len(found):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return answer


def _sorted(portal: Portal, rows: list[sqlite3.Row], sort: Any) -> list[sqlite3.Row]:
    """By one property; a string is a property's name, descending with a minus before it."""
    if isinstance(sort, str):
        name, descending = sort.removeprefix("-"), sort.startswith("-")
    else:
        name, descending = str(sort.get("propertyName")), sort.get("direction") == "DESCENDING"
    return sorted(rows, key=lambda row: str(portal.properties(row).get(name) or ""), reverse=descending)


def _fits(portal: Portal, row: sqlite3.Row, group: Mapping[str, Any]) -> bool:
    return all(_passes(portal, row, one) for one in group.get("filters", []))


def _passes(portal: Portal, row: sqlite3.Row, given: Mapping[str, Any]) -> bool:
    name, operator = str(given.get("propertyName")), str(given.get("operator"))
    if name in ("associations.contact", "associations.note"):
        return str(given.get("value")) in {str(key) for key in portal.associated(row["type"], str(row["id"]))}
    held = portal.properties(row).get(name)
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (held is not None) == (operator == "HAS_PROPERTY")
    test = _OPERATORS.get(operator)
    if test is None:
        raise invalid(f"{operator} is not an operator")
    return held is not None and test(str(held), given)


def _whole(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid(f"{name} must be a number") from None
