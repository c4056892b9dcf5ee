"""What a query costs, and the bucket it is paid from (shopify.dev, "Calculated query cost").

An object costs 1, a connection 2 and what its nodes cost times how many are asked for, a mutation 10, a scalar nothing.
"""

from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)

from sandboxes.kit import Clock
from sandboxes.shopify.schema import SCHEMA

_MUTATION = 10
_CONNECTION = 2
_FREE = frozenset({"pageInfo", "userErrors"})
MOST_FOR_ONE = 1000
_MOST, _RATE = 20_000.0, 1000.0
ASKED = object()
"""Stands for data that is not there yet: then what is asked for counts."""


class Price:
    """Prices one document with its variables."""

    def __init__(self, document: DocumentNode, variables: dict[str, Any]) -> None:
        self._variables = variables
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))

    def of(self, data: Any) -> int:
        """What was asked for (`ASKED`), or what was answered."""
        if self._operation.operation.value == "mutation":
            return _MUTATION * len(self._operation.selection_set.selections)
        return self._selections(self._operation.selection_set, SCHEMA.query_type, data)

    def _selections(self, selections: SelectionSetNode | None, kind: Any, data: Any) -> int:
        total = 0
        for one in selections.selections if selections else ():
            if isinstance(one, FieldNode):
                total += self._field(one, kind, data)
            elif isinstance(one, InlineFragmentNode):
                total += self._selections(one.selection_set, kind, data)
            elif isinstance(one, FragmentSpreadNode):
                total += self._selections(self._fragments[one.name.value].selection_set, kind, data)
        return total

    def _field(self, field: FieldNode, kind: Any, data: Any) -> int:
        name = field.name.value
        if name.startswith("__") or name in _FREE:
            return 0
        inner = cast("Any", get_named_type(kind.fields[name].type))
        if is_leaf_type(inner):
            return 0
        key = field.alias.value if field.alias else name
        held = cast("Any", ASKED if data is ASKED else (cast("dict[str, Any]", data) or {}).get(key))
        if held is None:
            return 0
        if not inner.name.endswith("Connection"):
            return 1 + self._selections(field.selection_set, inner, held)
        return _CONNECTION + self._nodes(field, inner, held)

    def _nodes(self, field: FieldNode, connection: Any, held: Any) -> int:
        inside = field.selection_set.selections if field.selection_set else ()
        nodes = [one for one in inside if isinstance(one, FieldNode) and one.name.value == "nodes"]
        kind = cast("Any", get_named_type(connection.fields["nodes"].type))
        total = 0
        for one in nodes:
            if held is ASKED:
                total += self._first(field) * (1 + self._selections(one.selection_set, kind, ASKED))
            else:
                total += sum(1 + self._selections(one.selection_set, kind, each) for each in held["nodes"])
        return total

    def _first(self, field: FieldNode) -> int:
        for argument in field.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                given = self._variables.get(value.name.value) if isinstance(value, VariableNode) else None
                return int(given if given is not None else value_from_ast_untyped(value, self._variables) or 0)
        return 0


class Bucket:
    """20,000 points that refill by 1,000 a second, as a Shopify Plus shop has; a standard one has 2,000 and 100."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._most, self._rate = _MOST, _RATE
        self._left, self._at = self._most, clock.timestamp()

    def change(self, body: dict[str, Any]) -> dict[str, float]:
        """The control `bucket`."""
        self._most = float(body.get("maximum", _MOST))
        self._rate = float(body.get("restore_rate", _RATE))
        self._left, self._at = float(body.get("available", self._most)), self._clock.timestamp()
        return {"available": self._left}

    def covers(self, cost: int) -> bool:
        """Whether there is as much as a query asks for."""
        return self._now() >= cost

    def spend(self, cost: int) -> None:
        """Take what it came to."""
        self._left = self._now() - cost

    def status(self) -> dict[str, float]:
        """As `extensions.cost.throttleStatus` tells it."""
        left = int(self._now())
        return {"maximumAvailable": self._most, "currentlyAvailable": left, "restoreRate": self._rate}

    def _now(self) -> float:
        now = self._clock.timestamp()
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._rate)
        self._at = now
        return self._left
