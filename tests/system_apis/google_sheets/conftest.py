"""A Google Sheets sandbox over HTTP, the service that talks to it, and its control path."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bad_day import Fail, failing
from cryptography.hazmat.primitives import serialization

from sandboxes.google_sheets import CLIENT_EMAIL, SPREADSHEET, development_key
from sandboxes.kit import serve_sandbox
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.google_sheets import GoogleSheetsTables
from system_apis.google_sheets.connector import GoogleSheets, GoogleSheetsSettings, SheetTable

TABLES = {
    "prices": SheetTable(spreadsheet=SPREADSHEET, sheet="Price agreements"),
    "wishes": SheetTable(spreadsheet=SPREADSHEET, sheet="Field's wishes"),
    "no-sheet": SheetTable(spreadsheet=SPREADSHEET, sheet="Prices of 1999"),
    "not-shared": SheetTable(spreadsheet="1other", sheet="Sheet1"),
}


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service account's private key."""
    file = tmp_path_factory.mktemp("google") / "private_key.pem"
    file.write_bytes(
        development_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


@pytest.fixture(scope="session")
async def sandbox() -> AsyncGenerator[str]:
    async with serve_sandbox("google_sheets") as url:
        yield url


@pytest.fixture
async def control(sandbox: str) -> AsyncGenerator[httpx.AsyncClient]:
    """The control path of spreadsheets as they were at first."""
    async with httpx.AsyncClient(base_url=f"{sandbox}/__sandbox__") as client:
        await client.post("/reset")
        yield client
        await client.post("/rate-limit", json={"per_minute": None})


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    """`fail("POST", "*:append", "lost-reply")`: what Google does on a bad day."""
    return failing(control, "method", "path", "fault")


@pytest.fixture
def sheets(control: httpx.AsyncClient) -> Callable[[], Awaitable[dict[str, list[list[Any]]]]]:
    """Every sheet as it stands, formulas as objects."""

    async def read() -> dict[str, list[list[Any]]]:
        return (await control.get("/ledger")).json()["sheets"]

    return read


@pytest.fixture
async def opened(
    sandbox: str, control: httpx.AsyncClient, key_file: Path
) -> AsyncGenerator[Callable[..., GoogleSheetsTables]]:
    """A service with these settings, as another process would have it."""
    del control
    wire = open_wire()

    def open_(**settings: Any) -> GoogleSheetsTables:
        chosen = {
            "url": sandbox, "login_url": sandbox, "client_email": CLIENT_EMAIL, "retry_delays": (0.01, 0.01),
            "private_key": Secret(f"file:{key_file}"), "tables": TABLES, **settings,
        }  # fmt: skip
        return GoogleSheetsTables(GoogleSheets(GoogleSheetsSettings(**chosen), Outbound(wire)))

    yield open_
    await wire.aclose()


@pytest.fixture
def tables(opened: Callable[..., GoogleSheetsTables]) -> GoogleSheetsTables:
    return opened()
