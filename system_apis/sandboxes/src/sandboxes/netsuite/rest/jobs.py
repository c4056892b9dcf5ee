"""Asynchronous requests: jobs of tasks, done when they are due, with results that can be read again."""

import sqlite3
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from sandboxes.kit import Clock, Request, Response
from sandboxes.netsuite.refusals import Refusal, no_record

ASYNC = "/services/rest/async/v1"
IDEMPOTENCY_KEY = "x-netsuite-idempotency-key"

SCHEMA = """
CREATE TABLE job (id INTEGER PRIMARY KEY, key TEXT UNIQUE, due REAL NOT NULL);
CREATE TABLE task (
    job INTEGER NOT NULL, id INTEGER NOT NULL, request BLOB NOT NULL, status INTEGER, headers TEXT, body BLOB,
    PRIMARY KEY (job, id)
);
"""


class Asked(Struct, frozen=True):
    """A request to be done later."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def request(self) -> Request:
        """The request as it was."""
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        scope = {
            "method": self.method,
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self.query.encode(),
            "headers": raw,
        }
        return Request(scope, self.body)


class Jobs:
    """The account's jobs.

    Args:
        connection: Where they are kept.
        clock: Says what is due.
        perform: Does one request and answers it, refusals too.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, perform: Callable[[Request], Response]) -> None:
        self._connection, self._clock, self._perform = connection, clock, perform
        self.delay_seconds = 0.0

    def submit(self, key: str | None, asked: Sequence[Asked], origin: str) -> Response:
        """Take a job in: 202 with its address.

        Raises:
            Refusal: IDEMPOTENCY_ERROR, the key was used before; Location is the first job's.
        """
        if key and (found := self._connection.execute("SELECT id FROM job WHERE key = ?", (key,)).fetchone()):
            raise Refusal(
                "IDEMPOTENCY_ERROR",
                f"The idempotency key {key} was already used.",
                path="X-NetSuite-Idempotency-Key",
                where="o:errorHeader",
                headers={"location": f"{origin}{ASYNC}/job/{found[0]}"},
            )
        due = self._clock.timestamp() + self.delay_seconds
        job = self._connection.execute("INSERT INTO job (key, due) VALUES (?, ?)", (key, due)).lastrowid
        rows = [(job, number, msgspec.msgpack.encode(one)) for number, one in enumerate(asked, 1)]
        self._connection.executemany("INSERT INTO task (job, id, request) VALUES (?, ?, ?)", rows)
        self.work()
        headers = {"location": f"{origin}{ASYNC}/job/{job}", "preference-applied": "respond-async"}
        return Response(None, 202, headers)

    def work(self) -> None:
        """Do what is due."""
        due = self._connection.execute(
            "SELECT task.job, task.id, request FROM task JOIN job ON job.id = task.job "
            "WHERE status IS NULL AND due <= ? ORDER BY task.job, task.id",
            (self._clock.timestamp(),),
        ).fetchall()
        for job, task, request in due:
            answer = self._perform(msgspec.msgpack.decode(request, type=Asked).request())
            self._connection.execute(
                "UPDATE task SET status = ?, headers = ?, body = ? WHERE job = ? AND id = ?",
                (answer.status, msgspec.json.encode(answer.headers).decode(), answer.body, job, task),
            )

    def job(self, job: str, origin: str) -> Response:
        """How far a job has come."""
        tasks = self._tasks(job)
        url = f"{origin}{ASYNC}/job/{job}"
        done = [one["status"] for one in tasks if one["status"] is not None]
        document = {
            "links": [{"rel": "self", "href": url}],
            "id": job,
            "completed": len(done) == len(tasks),
            "progress": _progress([one["status"] for one in tasks]),
            "task": {"links": [{"rel": "self", "href": f"{url}/task"}]},
        }
        return _singular(document)

    def tasks(self, job: str, origin: str) -> Response:
        """The tasks of a job, ids and links only."""
        url = f"{origin}{ASYNC}/job/{job}/task"
        items = [
            {"links": [{"rel": "self", "href": f"{url}/{one['id']}"}], "id": str(one["id"])} for one in self._tasks(job)
        ]
        document = {
            "links": [{"rel": "self", "href": url}],
            "items": items,
            "count": len(items),
            "hasMore": False,
            "offset": 0,
            "totalResults": len(items),
        }
        return Response(document, media_type="application/vnd.oracle.resource+json; type=collection")

    def task(self, job: str, task: str, origin: str) -> Response:
        """How far a task has come."""
        row = self._task(job, task)
        url = f"{origin}{ASYNC}/job/{job}/task/{task}"
        document: dict[str, object] = {
            "links": [{"rel": "self", "href": url}],
            "id": task,
            "completed": row["status"] is not None,
            "progress": _progress([row["status"]]),
        }
        if row["status"] is not None:
            document["result"] = {"links": [{"rel": "self", "href": f"{url}/result"}]}
        return _singular(document)

    def result(self, job: str, task: str) -> Response:
        """The answer to a task's request, again."""
        row = self._task(job, task)
        if row["status"] is None:
            raise no_record(f"job/{job}/task/{task}/result")
        headers = msgspec.json.decode(row["headers"], type=dict[str, str])
        return Response(bytes(row["body"]) or None, row["status"], headers)

    def _task(self, job: str, task: str) -> sqlite3.Row:
        found = next((one for one in self._tasks(job) if str(one["id"]) == task), None)
        if found is None:
            raise no_record(f"job/{job}/task/{task}")
        return found

    def _tasks(self, job: str) -> list[sqlite3.Row]:
        rows = self._connection.execute("SELECT * FROM task WHERE job = ? ORDER BY id", (job,)).fetchall()
        if not rows:
            raise no_record(f"job/{job}")
        return rows


def _progress(statuses: Sequence[int | None]) -> str:
    if any(status is None for status in statuses):
        return "pending" if all(status is None for status in statuses) else "processing"
    return "failed" if any(status is not None and status >= 400 for status in statuses) else "succeeded"  # noqa: PLR2004 - HTTP


def _singular(document: object) -> Response:
    return Response(document, media_type="application/vnd.oracle.resource+json; type=singular")
