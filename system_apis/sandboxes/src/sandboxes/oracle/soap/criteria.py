"""`findCriteria` as SQL: which rows, from where, how many."""

from collections.abc import Mapping
from typing import Any

from sandboxes.oracle.soap.declare import SoapRefusal, Tree

_OPERATORS = {
    "=": "{} = ?", "EQUALTO": "{} = ?", "<>": "{} <> ?", "STARTSWITH": "{} LIKE ? || '%'",
    "CONTAINS": "{} LIKE '%' || ? || '%'",
}  # fmt: skip
_CONJUNCTIONS = {"AND": "AND", "OR": "OR", "": "AND"}


def condition(criteria: Tree, columns: Mapping[str, str]) -> tuple[str, list[Any]]:
    """WHERE, LIMIT and their values.

    Args:
        criteria: A FindCriteria.
        columns: The column of each attribute that may be searched by.

    Raises:
        SoapRefusal: An attribute or operator is unknown.
    """
    sql, values = "1", list[Any]()
    wanted_rows: Tree = criteria.get("filter") or {}
    groups: list[Tree] = wanted_rows.get("group", [])
    for group in groups:
        inner, wanted = "", list[Any]()
        items: list[Tree] = group.get("item", [])
        for item in items:
            piece, value = _item(item, columns)
            joint = _CONJUNCTIONS.get(str(item.get("conjunction") or "").upper(), "AND")
            inner = f"{inner} {joint} {piece}" if inner else piece
            wanted.append(value)
        if inner:
            sql, values = f"{sql} AND ({inner})", values + wanted
    size = int(criteria.get("fetchSize") or -1)
    return f"{sql} LIMIT ? OFFSET ?", [*values, size, int(criteria.get("fetchStart") or 0)]


def _item(item: Tree, columns: Mapping[str, str]) -> tuple[str, Any]:
    attribute, operator = str(item.get("attribute") or ""), str(item.get("operator") or "").upper()
    if attribute not in columns:
        raise SoapRefusal(f"The attribute {attribute} does not exist.", "JBO-25058", attribute)
    if operator not in _OPERATORS:
        raise SoapRefusal(f"The operator {operator} is not supported.", "JBO-25015", attribute)
    return _OPERATORS[operator].format(columns[attribute]), (item.get("value") or [""])[0]
