"""query, queryAll and the pages that follow, explain."""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

import re
from typing import Any

import msgspec

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.http import Response
from sandboxes.salesforce.ids import new_id
from sandboxes.salesforce.resources.columns import column_metadata
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.soql.compiler import ChildPlan, Plan
from sandboxes.salesforce.soql.execution import Result
from sandboxes.salesforce.soql.shapes import Record

_PAGE = 2_000
_SMALLEST = 200
_CURSOR_SECONDS = 2 * 86_400
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def _query(call: Call) -> Response:
    return _ask(call, "query", deleted=False)


def _query_all(call: Call) -> Response:
    return _ask(call, "queryAll", deleted=True)


def _ask(call: Call, resource: str, *, deleted: bool) -> Response:
    query = call.request.query
    if "explain" in query:
        return _explain(call, query["explain"])
    if "q" not in query:
        raise ApiError(400, "MALFORMED_QUERY", "a query string has to be specified")
    plan = call.org.queries.plan(query["q"], deleted=deleted, version=call.version)
    if query.get("columns", "").lower() == "true":
        return Response(200, column_metadata(plan))
    return Response(200, answer(call, plan, resource))


def answer(call: Call, plan: Plan, resource: str = "query") -> Record:
    """What a query answers: the first page, and where the next one is."""
    result = call.org.queries.run(plan, call.rows, call.session.user_id)
    size = _page_size(call)
    _page_children(call, plan.children, result.records, size)
    return _first_page(call, result, size, resource)


def _page_size(call: Call) -> int:
    if call.org.page_rows:
        return call.org.page_rows
    wanted = _BATCH_SIZE.search(call.request.headers.get("sforce-query-options", ""))
    return max(_SMALLEST, min(_PAGE, int(wanted[1]))) if wanted else _PAGE


def _page_children(call: Call, children: list[ChildPlan], parents: list[Record], size: int) -> None:
    for child in children:
        for kids in filter(None, (parent[child.key] for parent in parents)):
            rest = kids["records"]
            _page_children(call, child.children, rest, size)
            if len(rest) > size:
                kids |= {"done": False, "nextRecordsUrl": _keep(call, rest, size, "query"), "records": rest[:size]}


def _first_page(call: Call, result: Result, size: int, resource: str) -> Record:
    page: Record = {"totalSize": result.total, "done": len(result.records) <= size}
    if not page["done"]:
        page["nextRecordsUrl"] = _keep(call, result.records, size, resource)
    page["records"] = result.records[:size]
    return page


def _keep(call: Call, records: list[Any], size: int, resource: str) -> str:
    """Store every page but the first; returns the URL of the second."""
    store, now = call.org.store, call.org.clock.timestamp()
    store.execute("DELETE FROM _page WHERE created < ?", (now - _CURSOR_SECONDS,))
    cursor = new_id("01g", store.next_number("cursor"))
    with store.savepoint():
        for start in range(size, len(records), size):
            page = msgspec.json.encode(records[start : start + size])
            sql = "INSERT INTO _page VALUES (?, ?, ?, ?, ?)"
            store.execute(sql, (cursor, start, len(records), page, now))
    return f"{call.path}/{resource}/{cursor}-{size}"


def _more(call: Call) -> Response:
    return _page(call, "query")


def _more_all(call: Call) -> Response:
    return _page(call, "queryAll")


def _page(call: Call, resource: str) -> Response:
    cursor, _, start = call.params["locator"].partition("-")
    oldest = call.org.clock.timestamp() - _CURSOR_SECONDS
    sql = "SELECT start, total, records FROM _page WHERE cursor = ? AND start >= ? AND created >= ? LIMIT 2"
    rows = call.org.store.select(sql, (cursor, int(start), oldest)) if start.isdigit() else []
    if not rows or rows[0][0] != int(start):
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    page: Record = {"totalSize": rows[0][1], "done": len(rows) == 1}
    if len(rows) > 1:
        page["nextRecordsUrl"] = f"{call.path}/{resource}/{cursor}-{rows[1][0]}"
    page["records"] = msgspec.Raw(rows[0][2])
    return Response(200, page)


def _explain(call: Call, soql: str) -> Response:
    """The plan SQLite chose, in the words of the query plan tool."""
    plan = call.org.queries.plan(soql, version=call.version)
    steps = call.org.store.select(f"EXPLAIN QUERY PLAN {plan.sql}", [None] * len(plan.parameters))
    indexed = any("SEARCH" in step[3] and " t0 " in step[3] for step in steps)
    total = call.org.store.select(f'SELECT COUNT(*) FROM "{plan.sobject.name}"')[0][0]
    leading = "Index" if indexed else "TableScan"
    described: dict[str, Any] = {
        "cardinality": 1 if indexed else total,
        "fields": [],
        "leadingOperationType": leading,
        "notes": [],
        "relativeCost": 0.1 if indexed else 1.5,
        "sobjectCardinality": total,
        "sobjectType": plan.sobject.name,
    }
    return Response(200, {"plans": [described], "sourceQuery": soql})


ROUTES = (
    Route("GET", "query", _query),
    Route("GET", "queryall", _query_all),
    Route("GET", "query/{locator}", _more),
    Route("GET", "queryall/{locator}", _more_all),
)
