"""Runs plans against the store; plans of repeated queries come from a cache."""

from collections import OrderedDict
from typing import Any

import msgspec

from sandboxes.kit import Clock
from sandboxes.salesforce.access import Access
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.schema import Catalogue, SObject
from sandboxes.salesforce.soql.compiler import ChildPlan, Plan, compile_query
from sandboxes.salesforce.soql.filters import Edge, Parameter, RunningUser
from sandboxes.salesforce.soql.literals import span_bounds
from sandboxes.salesforce.soql.parser import parse
from sandboxes.salesforce.soql.shapes import Reading, Record
from sandboxes.salesforce.storage import Store
from sandboxes.salesforce.touched import Touched

_REMEMBERED = 2_000
_DEEP_CHILDREN_SINCE = 58.0


class Result(msgspec.Struct):
    """What a query found: records in API shape, and how many there are."""

    sobject: SObject
    total: int
    records: list[Record]


class Queries:
    """SOQL over a store.

    Args:
        store: The records.
        catalogue: The objects.
        clock: What TODAY means.
        touched: Told what every query that runs reads.

    Attributes:
        access: Who sees what; everybody everything without it.
    """

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock, touched: Touched) -> None:
        self._store, self._catalogue, self._clock, self._touched = store, catalogue, clock, touched
        self._plans: OrderedDict[tuple[str, bool, int, str], Plan] = OrderedDict()
        self.access: Access | None = None

    def plan(self, soql: str, *, deleted: bool = False, version: float = 66.0) -> Plan:
        """The plan of this text, compiled once; ApiError when it cannot be."""
        depth = 5 if version >= _DEEP_CHILDREN_SINCE else 1
        key = (soql, deleted, depth, self.access.viewer if self.access else "")
        plan = self._plans.get(key)
        if plan is None:
            plan = compile_query(
                self.access.catalogue if self.access else self._catalogue, parse(soql), deleted=deleted, depth=depth
            )
            self._plans[key] = plan
            if len(self._plans) > _REMEMBERED:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan

    def forget(self) -> None:
        """Objects may have changed: compile every query anew."""
        self._plans.clear()
        if self.access:
            self.access.forget()

    def run(self, plan: Plan, base: str, user_id: str) -> Result:
        """The records of a plan; `base` is the path records live under."""
        rows = self._store.select(plan.sql, self.parameters(plan, user_id))
        if plan.counts:
            return Result(plan.sobject, int(rows[0][0]), [])
        if plan.node is None:
            records = [_aggregate(plan, row) for row in rows]
            return Result(plan.sobject, len(records), records)
        reading = Reading(base, self._kids(plan.children, [row[0] for row in rows], base, user_id))
        node = plan.node
        records = [record for row in rows if (record := node.read(row, reading)) is not None]
        return Result(plan.sobject, len(records), records)

    def parameters(self, plan: Plan, user_id: str) -> tuple[object, ...]:
        """What to run a plan's SQL with, as it is now and for this user; whoever asks runs it."""
        self._touched.read(plan.reading)
        return self._values(plan.parameters, user_id)

    def _kids(self, children: list[ChildPlan], parents: list[str], base: str, user_id: str) -> list[dict[str, Record]]:
        return [self._children(child, parents, base, user_id) for child in children]

    def _children(self, child: ChildPlan, parents: list[str], base: str, user_id: str) -> dict[str, Record]:
        """The finished child lists of one subquery, by parent id."""
        ids = msgspec.json.encode(parents).decode()
        rows = self._store.select(child.sql, (ids, *self._values(child.parameters, user_id)))
        reading = Reading(base, self._kids(child.children, [row[0] for row in rows], base, user_id))
        lists: dict[str, list[Any]] = {}
        for row in rows:
            lists.setdefault(row[child.parent_at], []).append(child.node.read(row, reading))
        return {
            parent: {"totalSize": len(records), "done": True, "records": records} for parent, records in lists.items()
        }

    def _values(self, parameters: tuple[Parameter, ...], user_id: str) -> tuple[object, ...]:
        return tuple(
            self._edge(parameter)
            if isinstance(parameter, Edge)
            else user_id
            if isinstance(parameter, RunningUser)
            else parameter
            for parameter in parameters
        )

    def _edge(self, edge: Edge) -> str:
        try:
            day = span_bounds(edge.span, self._clock.now())[edge.end].isoformat()
        except (ValueError, OverflowError):
            message = f"Date range out of bounds: {edge.span.name}"
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message) from None
        return f"{day}T00:00:00.000+0000" if edge.datetime else day


def _aggregate(plan: Plan, row: tuple[Any, ...]) -> Record:
    record: Record = {"attributes": {"type": "AggregateResult"}}
    reading = Reading("", [])
    for entry in plan.entries:
        record[entry.key] = entry.read(row, reading)
    return record
