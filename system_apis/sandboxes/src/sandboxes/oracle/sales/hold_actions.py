"""Holds on several orders in one request, as Oracle publishes the actions: on the collection, with `holdRequests`.

Source: REST API for Oracle Fusion Cloud SCM, "Apply hold". An order is named by its source transaction or its number,
always with the source system. The array of releaseHold is named alike, which the published pages leave open.
"""

from collections.abc import Mapping

from sandboxes.oracle.framework.declare import Act, Row, Work
from sandboxes.oracle.framework.problems import refuse
from sandboxes.oracle.sales.changes import apply_hold, release_hold
from sandboxes.oracle.sales.line_actions import rows_of
from sandboxes.oracle.sales.order_hub import HUB

_ARRAY = "holdRequests"


def apply_holds(work: Work, _: Row | None, sent: Mapping[str, object]) -> object:
    """`applyHold` on the collection."""
    return _each(work, sent, apply_hold)


def release_holds(work: Work, _: Row | None, sent: Mapping[str, object]) -> object:
    """`releaseHold` on the collection."""
    return _each(work, sent, release_hold)


def _each(work: Work, sent: Mapping[str, object], act: Act) -> object:
    for place, one in enumerate(rows_of(sent, _ARRAY)):
        named = {
            name: str(one[name])
            for name in ("SourceTransactionSystem", "SourceTransactionId", "OrderNumber")
            if one.get(name)
        }
        found = work.records.get(HUB, **named) if len(named) > 1 and "SourceTransactionSystem" in named else None
        if found is None:
            path = f"/{_ARRAY}/{place}/SourceTransactionSystem"
            raise refuse(400, "The source system with an order of it is required.", "FOM-4515703", path)
        act(work, found, one)
    return "SUCCESS"
