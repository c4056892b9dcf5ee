"""One NetSuite account over the outbound policies: records, queries and transformations by REST.

What NetSuite refuses is a problem by the time it leaves here (`faults`); what is missing is None. Every request, by
REST, RESTlet (`restlets`) or SOAP (`soap`), holds one of the slots that the account has for all of them together.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from shared.binding.problems import BackendFault, NotFound
from shared.contracts.system.erp import OrderRejected
from shared.resilience.credentials import Credentials
from shared.resilience.once import Once
from shared.resilience.outbound import Backend, Classify, Outbound, Sign
from shared.resilience.outbound_faults import decode_json
from shared.resilience.outbound_settings import BackendSettings
from shared.resilience.slots import SlotBudget
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret
from system_apis.netsuite.faults import NAME, problem_of
from system_apis.netsuite.limits import PATH as LIMITS
from system_apis.netsuite.limits import SMALLEST, AccountLimits, GovernanceLimits
from system_apis.netsuite.machine_login import TOKEN_PATH, MachineLogin, problem_of_sign_in
from system_apis.netsuite.settings import NetSuiteSettings
from system_apis.netsuite.suiteql import Value, statement
from system_apis.netsuite.tokens import TokenAuthentication

_T = TypeVar("_T")

RECORDS = "/services/rest/record/v1"
_SUITEQL = "/services/rest/query/v1/suiteql"
_READ: Mapping[str, str] = {"accept": "application/json"}
_QUERY: Mapping[str, str] = {**_READ, "content-type": "application/json", "prefer": "transient"}
_WRITE: Mapping[str, str] = {
    **_READ,
    "content-type": "application/json",
    "x-netsuite-propertynamevalidation": "Error",  # else a field that the account does not have is left out unsaid
}
_encoder = msgspec.json.Encoder(decimal_format="number")


class Rows(msgspec.Struct, frozen=True, rename="camel"):
    """A page of SuiteQL; each item is decoded once its kind is known."""

    items: list[msgspec.Raw]
    has_more: bool = False


class NetSuiteConnector:
    """One NetSuite account.

    Args:
        settings: `[backends.netsuite]`.
        outbound: Makes the backends with their policies.

    Attributes:
        settings: The same.
        tokens: How SOAP signs in; None where only a certificate is configured.
    """

    def __init__(self, settings: NetSuiteSettings, outbound: Outbound) -> None:
        self.settings = settings
        self.tokens = _tokens(settings)
        self._outbound = outbound
        asked = settings.concurrency == "account"
        slots = SMALLEST if settings.concurrency == "account" else settings.concurrency
        self._slots = outbound.treasury.slots(
            SlotBudget(name=f"NetSuite {settings.account}", slots=slots, max_wait=settings.slot_wait)
        )
        self._limits = AccountLimits(self._slots, self._told_limits) if asked else None
        self._login = _machine_login(settings, outbound)
        self._rest = self.channel(NAME, settings.rest)
        self._asked = self.channel(f"{NAME} limits", settings.rest, takes_slots=False)

    def once(self, kind: str) -> Once[Any]:
        """Makes what has no external id of its own once for each reference."""
        return Once(self._outbound.doubts, NAME, kind, self.settings.settle_seconds)

    def external_id(self, reference: str) -> str:
        """The external id of a caller's reference."""
        return self.settings.external_id_prefix + reference

    def channel(
        self,
        name: str,
        settings: BackendSettings,
        *,
        classify: Classify = problem_of,
        sign: Sign | None = None,
        takes_slots: bool = True,
    ) -> Backend:
        """Another way into the account, which shares its slots.

        Args:
            name: As people call it.
            settings: Where it is.
            classify: Its fault mapping.
            sign: How its requests are signed, where not as those of REST.
            takes_slots: Whether its requests hold slots of the account.
        """
        credentials: Credentials | None = None if sign else self._login
        if sign is None and self._login is None and self.tokens is not None:
            sign = self.tokens.sign
        slots = self._slots if takes_slots else None
        return self._outbound.backend(
            name, settings, credentials=credentials, classify=classify, slots=slots, sign=sign
        )

    async def sized(self) -> None:
        """Have as many slots as the account says, where the settings leave that to it; before requests of any door."""
        if self._limits is not None:
            await self._limits.keep()

    async def _told_limits(self) -> GovernanceLimits:
        reply = await self._asked.send("GET", LIMITS, headers=_READ, operation="read_limits")
        return decode_json(reply, GovernanceLimits, backend=NAME)

    async def read(self, path: str, kind: type[_T], operation: str) -> _T | None:
        """The record at a path below the record service, as `kind`; None when there is none.

        Raises:
            Problem: As `Backend.send` and `faults.problem_of`; `BackendFault` if it is not of that kind.
        """
        await self.sized()
        try:
            reply = await self._rest.send("GET", RECORDS + path, headers=_READ, operation=operation)
        except NotFound:
            return None
        except OrderRejected as refused:
            raise BackendFault("NetSuite does not let us read this.", extensions=refused.extensions) from None
        return decode_json(reply, kind, backend=NAME)

    async def write(
        self,
        method: str,
        path: str,
        body: msgspec.Struct | Mapping[str, Any],
        operation: str,
        *,
        headers: Mapping[str, str] | None = None,
        answers: Callable[[WireReply], bool] | None = None,
        repeatable: bool = True,
    ) -> WireReply:
        """Send a record.

        What is sent may mostly be sent twice: it has an external id, which is unique, or says how things shall be.

        Args:
            method: POST creates, PATCH changes.
            path: Below the record service, with query.
            body: Encoded as JSON, amounts as numbers.
            operation: Names the span.
            headers: More of them.
            answers: Which refusals are answers to the caller.
            repeatable: False where sending it twice does it twice.

        Raises:
            Problem: As `read`; `Conflict` where another record has the external id.
        """
        await self.sized()
        return await self._rest.send(
            method,
            RECORDS + path,
            headers={**_WRITE, **(headers or {})},
            body=_encoder.encode(body),
            repeatable=repeatable,
            operation=operation,
            classify=None if answers is None else lambda reply: None if answers(reply) else problem_of(reply),
        )

    async def create(self, path: str, body: msgspec.Struct | Mapping[str, Any], operation: str) -> str:
        """Create or transform; returns the internal id of what was made."""
        return made_id(await self.write("POST", path, body, operation))

    async def query(
        self, text: str, kind: type[_T], operation: str, limit: int | None = None, **values: Value
    ) -> list[_T]:
        """The first rows of a SuiteQL statement.

        Args:
            text: The statement with places for values, see `suiteql.statement`.
            kind: What a row holds; columns come in lower case, empty ones are left out.
            operation: Names the span.
            limit: Rows at most, up to a page.
            values: For its places.

        Raises:
            Problem: As `read`.
        """
        rows = await self._page(statement(text, **values), limit or self.settings.query_page, operation)
        return [_row(each, kind) for each in rows.items]

    async def every(self, text: str, kind: type[_T], operation: str, **values: Value) -> AsyncGenerator[_T]:
        """All rows of a statement, however many: SuiteQL ends at 100,000, so each page begins after the last id.

        Args:
            text: With a place `{after}` for that id (`WHERE id > {after}`), the column `id`, and ordered by it.
            kind: As `query`.
            operation: As `query`.
            values: For its other places.
        """
        after, more = 0, True
        while more:
            rows = await self._page(statement(text, **{**values, "after": after}), self.settings.query_page, operation)
            for each in rows.items:
                yield _row(each, kind)
            more = rows.has_more and bool(rows.items)
            if more:
                after = _row(rows.items[-1], _Key).id

    async def _page(self, text: str, limit: int, operation: str) -> Rows:
        await self.sized()
        body = msgspec.json.encode({"q": text})
        try:
            reply = await self._rest.send(
                "POST",
                f"{_SUITEQL}?{urlencode({'limit': limit, 'offset': 0})}",
                headers=_QUERY,
                body=body,
                repeatable=True,
                operation=operation,
            )
        except (OrderRejected, NotFound) as refused:
            raise BackendFault("NetSuite cannot answer our query.", extensions=refused.extensions) from None
        return decode_json(reply, Rows, backend=NAME)

    async def send(
        self, method: str, path: str, operation: str, *, headers: Mapping[str, str] | None = None
    ) -> WireReply:
        """A request without body to the REST services, from their root."""
        await self.sized()
        return await self._rest.send(method, path, headers={**_READ, **(headers or {})}, operation=operation)


def made_id(reply: WireReply) -> str:
    """The internal id of what a request made or changed: the end of `Location`.

    Raises:
        BackendFault: There is none.
    """
    key = (reply.headers.get("location") or "").partition("?")[0].rstrip("/").rpartition("/")[2]
    if not key.isascii() or not key.isdecimal():
        raise BackendFault("NetSuite does not say under which id it saved a record; look for it by its external id.")
    return key


def by_external_id(external_id: str) -> str:
    """A record's place in a path by its external id."""
    return f"eid:{quote(external_id, safe='')}"


class _Key(msgspec.Struct, frozen=True):
    id: int


def _row(raw: msgspec.Raw, kind: type[_T]) -> _T:
    try:
        return _row_decoder(kind).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BackendFault("NetSuite answered a query with rows of another shape than asked for.") from None


@cache
def _row_decoder(kind: type[_T]) -> msgspec.json.Decoder[_T]:
    return msgspec.json.Decoder(kind, strict=False)  # columns come as text, numbers too


def _tokens(settings: NetSuiteSettings) -> TokenAuthentication | None:
    consumer_secret, token_secret = settings.consumer_secret, settings.token_secret
    if consumer_secret is None or token_secret is None or not (settings.consumer_key and settings.token_id):
        return None
    return TokenAuthentication(
        account=settings.account,
        consumer_key=settings.consumer_key,
        consumer_secret=consumer_secret,
        token_id=settings.token_id,
        token_secret=token_secret,
    )


def _machine_login(settings: NetSuiteSettings, outbound: Outbound) -> MachineLogin | None:
    if settings.auth != "m2m":
        return None
    private_key: Secret | None = settings.private_key
    assert private_key is not None  # noqa: S101 - settings without one were refused
    return MachineLogin(
        outbound.backend(f"{NAME} sign-in", settings.rest, credentials=None, classify=problem_of_sign_in),
        audience=settings.token_url or settings.rest.url.rstrip("/") + TOKEN_PATH,
        client_id=settings.client_id,
        certificate_id=settings.certificate_id,
        private_key=private_key,
        algorithm=settings.algorithm,
        scopes=settings.scopes,
    )
