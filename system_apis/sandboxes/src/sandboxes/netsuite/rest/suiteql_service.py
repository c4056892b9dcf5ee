"""SuiteQL over REST."""

import msgspec

from sandboxes.kit import Request, Response
from sandboxes.netsuite.account import Account
from sandboxes.netsuite.refusals import Refusal, invalid, invalid_header, invalid_parameter
from sandboxes.netsuite.rest.collections_ import page_of, paged
from sandboxes.netsuite.rest.record_service import origin
from sandboxes.netsuite.suiteql.execution import MOST_ROWS, Suiteql

SUITEQL = "/services/rest/query/v1/suiteql"


class _Query(msgspec.Struct, forbid_unknown_fields=True):
    q: str


class SuiteqlService:
    """`POST /services/rest/query/v1/suiteql?limit=&offset=` with `{"q": "SELECT …"}`."""

    def __init__(self, account: Account) -> None:
        self._suiteql = Suiteql(account.state.connection, account.clock.now)

    def answer(self, request: Request) -> Response:
        """A page of rows.

        Raises:
            Refusal: the header `Prefer: transient` is missing, or the query cannot be run.
        """
        if "transient" not in request.headers.get("prefer", "").replace(" ", "").lower().split(","):
            raise invalid_header("Prefer", "The header Prefer: transient is required to run SuiteQL queries.")
        try:
            query = msgspec.json.decode(request.body, type=_Query).q
        except msgspec.MsgspecError:
            raise invalid("q", "q") from None
        limit, offset = page_of(request.query)
        if unknown := sorted(request.query.keys() - {"limit", "offset"}):
            raise invalid_parameter(unknown[0], f"Query parameter '{unknown[0]}' is not supported here.")
        if offset + limit > MOST_ROWS:
            raise Refusal(
                "INVALID_PARAMETER",
                f"A query returns up to {MOST_ROWS} rows; narrow it, for example by id > the last one read.",
                path="offset",
                where="o:errorQueryParam",
            )
        rows, total = self._suiteql.page(query, limit, offset)
        return Response(
            paged(rows, total, limit, offset, f"{origin(request)}{SUITEQL}", {}),
            media_type="application/vnd.oracle.resource+json; type=collection; charset=UTF-8",
        )
