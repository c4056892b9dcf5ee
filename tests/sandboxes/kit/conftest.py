"""A sandbox small enough to see through."""

import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from sandboxes.kit import (
    Clock,
    Request,
    Response,
    Router,
    Sandbox,
    SandboxApp,
    State,
    http_app,
    serve_sandbox,
)


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """Notes that can be written, read and counted."""

    def seed(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note VALUES ('first')")

    store = State(state, "CREATE TABLE note (text TEXT PRIMARY KEY)", seed)
    router = Router()

    def notes() -> list[str]:
        return [row["text"] for row in store.connection.execute("SELECT text FROM note ORDER BY rowid")]

    async def write(request: Request) -> Response:
        with store.transaction() as connection:
            connection.execute("INSERT INTO note VALUES (?)", (request.json()["text"],))
        return Response({"written": request.json()["text"]}, 201)

    async def read(request: Request) -> Response:
        return Response({"text": request.params["text"], "now": clock.now(), "query": request.query})

    router.add("POST", "/notes", write)
    router.add("GET", "/notes/{text}", read)

    async def respond(request: Request) -> Response:
        endpoint = router.find(request)
        if isinstance(endpoint, tuple):
            return Response({"allowed": endpoint}, 405 if endpoint else 404)
        return await endpoint(request)

    return SandboxApp(
        http_app(respond),
        close=store.close,
        reset=store.reset,
        ledger=lambda: {"notes": notes()},
        controls={"forget": lambda body: {"forgotten": body["text"]}},
    )


@pytest.fixture
def notes() -> Sandbox:
    return Sandbox(name="notes", create=create_app)


@pytest.fixture
async def client(notes: Sandbox) -> AsyncGenerator[httpx.AsyncClient]:
    async with serve_sandbox(notes) as url, httpx.AsyncClient(base_url=url) as session:
        yield session
