"""A query job at work: rows of one SOQL query become lines of CSV, a slice at a time."""

import sqlite3
from typing import Any

from sandboxes.salesforce.bulk.jobs import Job, Jobs
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.soql.compiler import Plan
from sandboxes.salesforce.soql.execution import Queries
from sandboxes.salesforce.soql.shapes import Compound, Node, Reading, Row, Value
from sandboxes.salesforce.storage import Store

RESULTS = "results"
_READING = Reading("", [])
Column = tuple[str, Value]


def refuse_unsupported(plan: Plan) -> list[Column]:
    """The columns of a query that a bulk job may run; ApiError for one that it may not."""
    if plan.node is None:
        message = "Implementation restriction: aggregate queries are not supported in Bulk Query"
        raise ApiError(400, "API_ERROR", message)
    if plan.children:
        raise ApiError(400, "API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if " OFFSET " in plan.sql and not plan.sql.endswith(" OFFSET 0"):
        raise ApiError(400, "API_ERROR", "Implementation restriction: OFFSET is not supported in Bulk Query")
    return _columns(plan.node, "")


def _columns(node: Node, path: str) -> list[Column]:
    found: list[Column] = []
    for entry in node.entries:
        match entry:
            case Value():
                found.append((path + entry.key, entry))
            case Node():
                found += _columns(entry, f"{path}{entry.key}.")
            case Compound():
                raise ApiError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")
            case _:
                raise ApiError(400, "API_ERROR", "TYPEOF is not supported in Bulk Query")
    return found


class Extraction:
    """One query job under way.

    Args:
        job: What to read.
        jobs: Keeps the lines.
        store: The records.
        queries: Compiles SOQL.
    """

    def __init__(self, job: Job, jobs: Jobs, store: Store, queries: Queries) -> None:
        self.job = job
        self._jobs, self._store = jobs, store
        plan = queries.plan(job.query, deleted=job.operation == "queryAll", version=job.api_version)
        self._columns = refuse_unsupported(plan)
        job.columns = [name for name, _ in self._columns]
        self._rows: sqlite3.Cursor = store.cursor(plan.sql, queries.parameters(plan, job.user_id))
        if job.processed:  # it began in an earlier life
            self._rows.fetchmany(job.processed)

    def step(self, most: int) -> bool:
        """Read up to `most` records; False when nothing is left."""
        rows = self._rows.fetchmany(most)
        with self._store.savepoint():
            self._jobs.add_part(self.job, RESULTS, self.job.processed, [self._line(row) for row in rows])
            self.job.processed += len(rows)
            self._jobs.save(self.job)
        return len(rows) == most

    def give_up(self) -> None:
        """Stop reading."""
        self._rows.close()

    def _line(self, row: Row) -> list[str]:
        return [_text(value.read(row, _READING)) for _, value in self._columns]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.endswith("+0000"):
        return value.removesuffix("+0000") + "Z"
    return str(value)
