"""Column metadata of a query (`columns=true`), which command-line clients read to lay out their tables."""

from typing import Any

from sandboxes.salesforce.schema import NUMBERS, Field
from sandboxes.salesforce.soql.compiler import ChildPlan, Plan
from sandboxes.salesforce.soql.shapes import Kids, Node, Variants

_APEX = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "int": "Integer",
    "date": "Date",
    "datetime": "Datetime",
    "address": "Address",
} | dict.fromkeys(("double", "currency", "percent"), "Double")


def column_metadata(plan: Plan) -> dict[str, Any]:
    """The columns of a query: parents nest in joinColumns, child subqueries and expressions are aggregates."""
    described: list[dict[str, Any]] = [_column(entry.key, None, aggregate=True) for entry in plan.entries]
    if plan.node is not None:
        described = _columns(plan.node, plan.fields, plan.children)
    return {
        "columnMetadata": described,
        "entityName": plan.sobject.name,
        "groupBy": plan.node is None and not plan.counts,
        "idSelected": any(each["columnName"] == "Id" for each in described),
        "keyPrefix": plan.sobject.prefix,
    }


def _columns(node: Node, fields: dict[int, Field], children: list[ChildPlan]) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = []
    for entry in node.entries:
        if isinstance(entry, Node):
            joined = _columns(entry, fields, [])
            described.append(_column(entry.key, None, joined=joined))
        elif isinstance(entry, Kids):
            child = children[entry.number]
            joined = _columns(child.node, child.fields, child.children)
            described.append(_column(entry.key, None, joined=joined, aggregate=True))
        elif isinstance(entry, Variants):
            described.append(_column(entry.key, None))
        else:
            described.append(_column(entry.key, fields.get(getattr(entry, "at", -1))))
    return described


def _column(
    name: str,
    field: Field | None,
    *,
    joined: list[dict[str, Any]] | None = None,
    aggregate: bool = False,
) -> dict[str, Any]:
    apex = _APEX.get(field.type, "String") if field else None
    return {
        "aggregate": aggregate,
        "apexType": apex,
        "booleanType": apex == "Boolean",
        "columnName": name,
        "custom": bool(field and field.custom),
        "displayName": name,
        "foreignKeyName": None,
        "insertable": bool(field and field.createable),
        "joinColumns": joined or [],
        "numberType": bool(field and field.type in NUMBERS),
        "textType": apex == "String",
        "updatable": bool(field and field.updateable),
    }
