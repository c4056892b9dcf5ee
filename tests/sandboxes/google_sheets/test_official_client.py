"""gspread, the field's client, with Google's own sign-in: both know nothing of a stand-in."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import gspread
import pytest
from cryptography.hazmat.primitives import serialization
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import Credentials
from gspread.exceptions import APIError, SpreadsheetNotFound, WorksheetNotFound
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

from sandboxes.google_sheets import CLIENT_EMAIL, SPREADSHEET, development_key
from sandboxes.kit import serve_sandbox

SCOPES = ["https://www.googleapis.com/auth/spreadsheets"]


class ToTheSandbox(HTTPAdapter):
    """Carries what is for Google's hosts to this machine."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        assert request.url is not None
        request.url = self._url + request.url[len("https://") :].partition("/")[1] + request.url.split("/", 3)[3]
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="module")
async def url() -> AsyncGenerator[str]:
    async with serve_sandbox("google_sheets") as base_url:
        yield base_url


@pytest.fixture
def client(url: str) -> gspread.Client:
    pem = development_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account", "client_email": CLIENT_EMAIL, "private_key": pem.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    credentials = Credentials.from_service_account_info(json.loads(json.dumps(account)), scopes=SCOPES)
    signing_in = Session()
    signing_in.mount("https://", ToTheSandbox(url))
    session = AuthorizedSession(credentials, auth_request=Request(signing_in))
    session.mount("https://", ToTheSandbox(url))
    return gspread.Client(auth=credentials, session=session)


async def test_rows_are_read_put_and_appended(client: gspread.Client) -> None:
    def work() -> tuple[list[str], list[Any], str, Any]:
        sheet = client.open_by_key(SPREADSHEET).worksheet("Field's wishes")
        header = sheet.row_values(1)
        sheet.append_row(["gspread", "=1+1"], value_input_option="RAW")  # pyright: ignore[reportArgumentType]
        found = sheet.get_all_values()[-1]
        row = len(sheet.get_all_values())
        sheet.update([["changed"]], f"A{row}", raw=True)
        return header, found, sheet.acell(f"A{row}").value or "", sheet.batch_get(["A1:A1", f"A{row}:B{row}"])

    header, found, changed, both = await asyncio.to_thread(work)
    assert header
    assert found[:2] == ["gspread", "=1+1"]
    assert changed == "changed"
    assert [list(each) for each in both] == [[[header[0]]], [["changed", "=1+1"]]]


async def test_refusals_arrive_as_google_says_them(client: gspread.Client) -> None:
    def refused(call: Callable[[], Any]) -> BaseException:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whichever it is, is what is asked
            return error
        raise AssertionError("it was not refused")

    def work() -> list[BaseException]:
        book = client.open_by_key(SPREADSHEET)
        return [
            refused(lambda: book.worksheet("Prices of 1999")),
            refused(lambda: client.open_by_key("1other")),
            refused(lambda: book.values_get("'Nowhere'!A1")),
        ]

    sheet, spreadsheet, values = await asyncio.to_thread(work)
    assert isinstance(sheet, WorksheetNotFound)
    assert isinstance(spreadsheet, SpreadsheetNotFound | PermissionError)
    assert isinstance(values, APIError)
    assert values.code == 400
