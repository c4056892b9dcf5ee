"""Google Sheets API v4: which spreadsheets there are, who we are there, and its paths."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from shared.binding.problems import BackendFault, QuotaExceeded
from shared.contracts.system.tables import CellValue
from shared.resilience.once import Once
from shared.resilience.outbound import BackendSettings, Outbound
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret
from system_apis.google_sheets.pacing import MinuteQuota
from system_apis.google_sheets.records import Appended, ValueRange, ValueRanges, ValuesToPut
from system_apis.google_sheets.sign_in import service_account
from system_apis.google_sheets.translator import (
    NAME,
    a1,
    first_row,
    is_beyond_grid,
    problem_of_reply,
    problem_of_sign_in,
)

_JSON: Final = {"content-type": "application/json", "accept": "application/json"}
_AS_THEY_ARE: Final = [("valueRenderOption", "UNFORMATTED_VALUE"), ("dateTimeRenderOption", "FORMATTED_STRING")]


class SheetTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of ours.

    Attributes:
        spreadsheet: Its id, as its address has it.
        sheet: Title of the sheet; row 1 is the header.
    """

    spreadsheet: str
    sheet: str


class GoogleSheetsSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.google_sheets]` of a topology; what every backend has, and:

    Attributes:
        url: `https://sheets.googleapis.com`.
        login_url: Host of the token endpoint.
        audience: URL of the token endpoint, as Google knows it.
        client_email: The service account, with which each spreadsheet must be shared.
        private_key: Reference to the PEM of its key.
        tables: By the name that callers use.
        reference_column: Title of the column that holds our references; added to a header that lacks it, and free to
            be hidden.
        settle_seconds: How long Google may work on a request after we stopped waiting for it.
        reads_per_minute: Google's quota for one user of a project, which our service account is.
        writes_per_minute: The same for changes.
        max_quota_wait: Seconds that a request waits for the minute to have room at most.
    """  # noqa: D415 - a heading that the list completes

    url: str = "https://sheets.googleapis.com"
    login_url: str = "https://oauth2.googleapis.com"
    audience: str = "https://oauth2.googleapis.com/token"
    client_email: str
    private_key: Secret
    tables: dict[str, SheetTable]
    reference_column: str = "triptych_reference"
    settle_seconds: float = 30.0
    reads_per_minute: int = 60
    writes_per_minute: int = 60
    max_quota_wait: float = 5.0


class GoogleSheets:
    """The spreadsheets of our service account."""

    def __init__(self, settings: GoogleSheetsSettings, outbound: Outbound) -> None:
        self.settings = settings
        self._doubts = outbound.doubts
        login = msgspec.structs.replace(settings, url=settings.login_url)
        host = outbound.backend(f"{NAME} login", login, credentials=None, classify=problem_of_sign_in)
        credentials = service_account(host, settings.client_email, settings.audience, settings.private_key)
        self._backend = outbound.backend(NAME, settings, credentials=credentials, classify=problem_of_reply)
        account, treasury, wait = f"{NAME} {settings.client_email}", outbound.treasury, settings.max_quota_wait
        self._reads = MinuteQuota(treasury, f"{account} reads", settings.reads_per_minute, wait)
        self._writes = MinuteQuota(treasury, f"{account} writes", settings.writes_per_minute, wait)

    def once(self, change: str) -> Once[Any]:
        """Makes changes that Google would make twice; `change` says which, in a word."""
        return Once(self._doubts, NAME, change, self.settings.settle_seconds)

    async def read(
        self, table: SheetTable, ranges: Sequence[str], operation: str
    ) -> list[list[list[CellValue]]] | None:
        """The values of each range, by rows; None where one begins below the sheet's last row."""
        asked = urlencode([*(("ranges", a1(table.sheet, each)) for each in ranges), *_AS_THEY_ARE])
        path = f"{_path(table)}:batchGet?{asked}"
        reply = await self._send(self._reads, "GET", path, None, operation)
        if is_beyond_grid(reply):
            return None
        found = decode_json(reply, ValueRanges, backend=NAME).valueRanges
        if len(found) != len(ranges):
            raise BackendFault("Google did not answer every range.")
        return [each.values for each in found]

    async def put(self, table: SheetTable, data: list[ValueRange], operation: str) -> None:
        """Change cells, all or none; a repeat is harmless."""
        body = msgspec.json.encode(ValuesToPut(data))
        await self._send(self._writes, "POST", f"{_path(table)}:batchUpdate", body, operation)

    async def append(self, table: SheetTable, rows: list[list[CellValue]], operation: str) -> int:
        """Insert rows below the table, all or none, and tell the number of the first. Google would do it twice."""
        below = quote(a1(table.sheet, "A1"), safe="")
        path = f"{_path(table)}/{below}:append?valueInputOption=RAW&insertDataOption=INSERT_ROWS"
        body = msgspec.json.encode({"values": rows})
        reply = await self._send(self._writes, "POST", path, body, operation, repeatable=False)
        return first_row(decode_json(reply, Appended, backend=NAME, repeatable=False).updates.updatedRange)

    async def _send(
        self, quota: MinuteQuota, method: str, path: str, body: bytes | None, operation: str, *, repeatable: bool = True
    ) -> WireReply:
        await quota.take()
        try:
            return await self._backend.send(
                method, path, headers=_JSON, body=body, repeatable=repeatable, operation=operation
            )
        except QuotaExceeded:
            quota.spent()
            raise


def _path(table: SheetTable) -> str:
    return f"/v4/spreadsheets/{quote(table.spreadsheet, safe='')}/values"
