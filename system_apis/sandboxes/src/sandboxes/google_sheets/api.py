"""Sheets API v4 over HTTP: tokens, quota, routes."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from sandboxes.google_sheets.refusals import Refusal, invalid, not_found
from sandboxes.google_sheets.sign_in import SignIn
from sandboxes.google_sheets.spreadsheets import Spreadsheets
from sandboxes.kit import Clock, Request, Response, Router, SandboxApp, http_app

_ROOT = "/v4/spreadsheets/{id}"


class _Quota:
    """How many reads, and as many writes, a user may make in a minute; None is no limit, which is how it starts."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._per_minute = clock, None
        self._made: dict[tuple[str, int], int] = {}

    def change(self, body: dict[str, Any]) -> dict[str, int | None]:
        """The control `rate-limit`: `{"per_minute": n}` or null."""
        self._per_minute = body["per_minute"]
        self._made.clear()
        return {"per_minute": self._per_minute}

    def count(self, request: Request) -> None:
        """Let one more request in, or refuse it."""
        kind = "Read" if request.method == "GET" else "Write"
        bucket = kind, int(self._clock.timestamp() // 60)
        self._made[bucket] = self._made.get(bucket, 0) + 1
        if self._per_minute is not None and self._made[bucket] > self._per_minute:
            raise Refusal(
                429, "RESOURCE_EXHAUSTED",
                f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute per user' of "
                "service 'sheets.googleapis.com' for consumer 'project_number:1'.",
            )  # fmt: skip


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """The spreadsheets of one service account."""
    sheets, sign_in, quota = Spreadsheets(state), SignIn(clock), _Quota(clock)
    router = _routes(sheets)

    async def respond(request: Request) -> Response:
        if (request.method, request.path) == ("POST", "/token"):
            return sign_in.grant(request)
        try:
            endpoint = router.find(request)
            if isinstance(endpoint, tuple):
                raise not_found()
            sign_in.check(request)
            quota.count(request)
            return await endpoint(request)
        except Refusal as refused:
            return refused.response()

    return SandboxApp(
        http_app(respond),
        close=sheets.state.close,
        reset=sheets.state.reset,
        ledger=sheets.ledger,
        controls={"rate-limit": quota.change, "expire-tokens": sign_in.expire},
    )


def _routes(sheets: Spreadsheets) -> Router:
    async def spreadsheet(request: Request) -> Response:
        key = request.params["id"]
        told = [
            {"properties": {"sheetId": number, "title": title, "index": number, "sheetType": "GRID",
                            "gridProperties": {"rowCount": rows, "columnCount": 26}}}
            for number, (title, rows) in enumerate(sheets.titles(key))
        ]  # fmt: skip
        return Response({"spreadsheetId": key, "properties": {"title": "Tarn Gauge Works"}, "sheets": told})

    async def get(request: Request) -> Response:
        render = request.query.get("valueRenderOption", "FORMATTED_VALUE")
        return Response(sheets.read(request.params["id"], request.params["range"], render))

    async def batch_get(request: Request) -> Response:
        key, query = request.params["id"], parse_qs(request.query_string, keep_blank_values=True)
        render = query.get("valueRenderOption", ["FORMATTED_VALUE"])[-1]
        found = [sheets.read(key, each, render) for each in query.get("ranges", [])]
        return Response({"spreadsheetId": key, "valueRanges": found})

    async def put(request: Request) -> Response:
        one = {**_body(request), "range": request.params["range"]}
        return Response(sheets.put(request.params["id"], request.query.get("valueInputOption", ""), [one])[0])

    async def batch_update(request: Request) -> Response:
        key, body = request.params["id"], _body(request)
        responses = sheets.put(key, body.get("valueInputOption", ""), body.get("data", []))
        total = sum(one["updatedRows"] for one in responses)
        return Response({"spreadsheetId": key, "totalUpdatedRows": total, "responses": responses})

    async def append(request: Request) -> Response:
        place, _, verb = request.params["range"].rpartition(":")
        if verb != "append":
            raise not_found()
        query = request.query
        return Response(
            sheets.append(
                request.params["id"], place, query.get("valueInputOption", ""), _body(request).get("values", []),
                insert=query.get("insertDataOption") == "INSERT_ROWS",
            )
        )  # fmt: skip

    router = Router()
    router.add("GET", _ROOT, spreadsheet)
    router.add("GET", f"{_ROOT}/values:batchGet", batch_get)
    router.add("POST", f"{_ROOT}/values:batchUpdate", batch_update)
    router.add("GET", f"{_ROOT}/values/{{range}}", get)
    router.add("PUT", f"{_ROOT}/values/{{range}}", put)
    router.add("POST", f"{_ROOT}/values/{{range}}", append)
    return router


def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
    except msgspec.MsgspecError as unreadable:
        raise invalid("Invalid JSON payload received.") from unreadable
