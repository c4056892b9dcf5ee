"""Salesforce's REST API: queries and Composite over one backend, one session, limits observed."""

import asyncio
import random
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal, TypeVar

import msgspec

from shared.binding.problems import BackendFault, Transient
from shared.contracts.system.salesforce_events import Channel
from shared.resilience.credentials import Credentials
from shared.resilience.outbound import Backend, Classify, Outbound
from shared.resilience.outbound_faults import in_doubt
from shared.resilience.quota_budget import Budget, Share
from shared.resilience.wire import WireReply
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.child_pages import ChildPages
from system_apis.salesforce.coalescing import Coalescing
from system_apis.salesforce.composite import Part, envelope, refusal_of
from system_apis.salesforce.faults import (
    BACKEND,
    problem_of_reply,
)
from system_apis.salesforce.limits import ApiUsage, call_budget
from system_apis.salesforce.oauth.sessions import OrgSession
from system_apis.salesforce.oauth.settings import LoginSettings
from system_apis.salesforce.oauth.token_endpoint import UserInfo
from system_apis.salesforce.records import CompositeAnswer, Rows, SubResult
from system_apis.salesforce.soql import Statement, Value

_Record = TypeVar("_Record", bound=msgspec.Struct)
OrgName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
ApiName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80)]
ApiNameOrNone = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z][A-Za-z0-9_]*)?$", max_length=80)]


class SalesforceSettings(LoginSettings, frozen=True, kw_only=True):
    """How one org is reached (see `LoginSettings`) and what its fields are called.

    Attributes:
        org: Name of this one among several; its metrics and refusals carry it.
        orgs: Further orgs by name, each with all settings of its own; `SalesforceOrgs` connects to them.
        api_version: Version of the REST API.
        client_name: Our name in `Sforce-Call-Options`; change events carry it, so that we know our own.
        organization_id: The org's id, 18 characters; asked of the org when empty.
        event_door: How events come: the Pub/Sub API, or the Streaming API (CometD) where gRPC is closed.
        pubsub_url: Host and port of the Pub/Sub API.
        pubsub_ca: Path of a PEM file with the authority to trust there; the machine's own authorities when empty.
        event_channels: Channels with subscribers, `/data/AccountChangeEvent`, so that the permission set has them.
        published_events: Platform events that somebody publishes, `Order_Status__e`; likewise.
        event_buffer: Events of one channel that are held until they are dealt with.
        event_silence: Seconds without a sign of life after which an event stream is opened anew.
        currency: The org's currency (ISO 4217); empty for a multi-currency org, whose records say theirs.
        erp_customer_field: Account: the ERP's customer number; it should be marked unique.
        legal_name_field: Account: the name in the commercial register; empty if the org has none.
        tax_number_field: Account: the tax number; empty if the org has none.
        order_block_field: Account: a checkbox that says that the ERP takes no orders; empty if the org has none.
        order_reference_field: Order: our `reference`; it must be marked unique, repeats depend on it.
        erp_order_field: Order: the ERP's order number.
        tracking_field: Order: the parcel's tracking number.
        fulfilment_field: Order: how far fulfilment has come; its values begin with a capital. Following an order
            notes Pending, Released, Packed, Shipped, Delivered, Invoiced and Failed.
        return_reference_field: ReturnOrder: our `reference`; it must be marked unique, repeats depend on it. Return
            orders come with Field Service or Order Management.
        erp_return_field: ReturnOrder: the ERP's number of the return.
        return_tracking_field: ReturnOrder: the parcel's tracking number.
        credit_memo_field: ReturnOrder: the ERP's number of the credit memo.
        refund_field: ReturnOrder: what the customer was credited.
        new_fulfilment: Its value for a new order; empty to leave it alone.
        cancelled_fulfilment: Its value for a cancelled order.
        cancelled_status: Status of a cancelled order; standard orgs have none, so it becomes a draft again.
        describe_ttl: Seconds for which a description of an object counts without asking whether it has changed.
        bulk: Of loads and extracts of many records.
        daily_calls: API calls in 24 hours that the org may come to, all its apps together; 0 for as many as it allows.
        batch_reserve: Share of them that batch work never spends.
        interactive_reserve: Share of them that only interactive calls spend; part of `batch_reserve`.
        quota: Names the ledger of calls; suites that share a Valkey share it, so give each org a name of its own.
        coalesce_milliseconds: Longest time that a read waits for others like it, so that they become one call; a
            lone read never waits. 0 sends every read by itself.
    """

    org: OrgName | Literal[""] = ""
    orgs: "dict[OrgName, SalesforceSettings]" = msgspec.field(default_factory=dict)
    api_version: Annotated[str, msgspec.Meta(pattern=r"^\d{2,3}\.0$")] = "66.0"
    client_name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_./-]{1,64}$")] = "triptych"
    organization_id: Annotated[str, msgspec.Meta(pattern=r"^(00D[A-Za-z0-9]{15})?$")] = ""
    event_door: Literal["pubsub", "cometd"] = "pubsub"
    pubsub_url: str = "api.pubsub.salesforce.com:7443"
    pubsub_ca: str = ""
    event_channels: tuple[Channel, ...] = ()
    published_events: tuple[ApiName, ...] = ()
    event_buffer: Annotated[int, msgspec.Meta(ge=50, le=10_000)] = 400
    event_silence: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    currency: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{3})?$")] = ""
    erp_customer_field: ApiName = "ERP_Customer_Number__c"
    legal_name_field: ApiNameOrNone = "Legal_Name__c"
    tax_number_field: ApiNameOrNone = "Tax_Number__c"
    order_block_field: ApiNameOrNone = "Order_Block__c"
    order_reference_field: ApiName = "External_Order_Id__c"
    erp_order_field: ApiName = "ERP_Order_Number__c"
    tracking_field: ApiName = "Tracking_Number__c"
    fulfilment_field: ApiName = "Fulfilment_Status__c"
    return_reference_field: ApiName = "External_Return_Id__c"
    erp_return_field: ApiName = "ERP_Return_Number__c"
    return_tracking_field: ApiName = "Tracking_Number__c"
    credit_memo_field: ApiName = "Credit_Memo_Number__c"
    refund_field: ApiName = "Refund_Amount__c"
    new_fulfilment: str = "Pending"
    cancelled_fulfilment: str = "Cancelled"
    cancelled_status: str = "Draft"
    describe_ttl: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 600.0
    bulk: BulkSettings = BulkSettings()
    daily_calls: Annotated[int, msgspec.Meta(ge=0)] = 0
    batch_reserve: Share = 0.2
    interactive_reserve: Share = 0.02
    quota: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "salesforce"
    coalesce_milliseconds: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.budget  # whose terms are checked where they are read, with the file at hand

    @property
    def budget(self) -> Budget:
        """What may be spent of the org's allowance."""
        return call_budget(self.quota, self.daily_calls, self.batch_reserve, self.interactive_reserve)


_answer = msgspec.json.Decoder(CompositeAnswer)
_user_info = msgspec.json.Decoder(UserInfo)
MAX_PAGES = 50
"""Further pages of one answer that are followed; each is an API call."""


def root_of(settings: SalesforceSettings) -> str:
    """Path of the API version."""
    return f"/services/data/v{settings.api_version}"


class SalesforceConnector:
    """One org.

    Attributes:
        settings: How it is reached.
        root: Path of the API version.
        usage: Spends its allowance, and knows how much is used.
        session: Its session: introspect it, end it.
        credentials: The session's headers.
        backend: The org's host, with a session; what it refuses is a problem of `faults`.
        read_headers: Of every call: JSON, and who we are.
        write_headers: The same with a JSON body.
    """

    def __init__(self, settings: SalesforceSettings, outbound: Outbound) -> None:
        self.settings = settings
        self.root = root_of(settings)
        self.usage = ApiUsage(outbound.treasury.treasurer(settings.budget))
        self._composite = f"{self.root}/composite"
        options = f"client={settings.client_name}"
        self.read_headers = {"accept": "application/json", "sforce-call-options": options}
        self.write_headers = {**self.read_headers, "content-type": "application/json"}
        self._outbound = outbound
        self._name = f"{BACKEND}-{settings.org}" if settings.org else BACKEND
        self.session = OrgSession(self._name, settings, outbound)
        self.credentials = self.session.credentials
        self.backend = outbound.backend(
            self._name, settings, credentials=self.credentials, classify=problem_of_reply, quota=self.usage
        )
        self._backends = [self.backend]
        self._coalescing = Coalescing(self, settings.coalesce_milliseconds)

    @property
    def changes(self) -> int:
        """Requests to the org, on any line, that ended and may have changed something."""
        return sum(backend.changes for backend in self._backends)

    def line(
        self,
        name: str,
        *,
        timeout: float,
        classify: Classify = problem_of_reply,
        credentials: Credentials | None = None,
    ) -> Backend:
        """Another way to the same org, with places, a circuit and a time of its own, for what takes long.

        Args:
            name: Appears in refusals, spans and metrics, with the org's name if it is one of several.
            timeout: Seconds for one call.
            classify: What its refusals mean.
            credentials: The session of the org by default.
        """
        settings = msgspec.structs.replace(self.settings, timeout=timeout)
        used = credentials or self.credentials
        name += f"-{settings.org}" if settings.org else ""
        backend = self._outbound.backend(name, settings, credentials=used, classify=classify, quota=self.usage)
        self._backends.append(backend)
        return backend

    async def userinfo(self) -> UserInfo:
        """Whom our session acts for.

        Raises:
            Problem: See `faults`.
        """
        path = "/services/oauth2/userinfo"
        reply = await self.backend.send("GET", path, headers=self.read_headers, operation="salesforce.userinfo")
        return _decoded(_user_info, reply)

    async def query(self, statement: Statement[_Record], operation: str, **values: Value) -> list[_Record]:
        """Every row of a query, with all of its children; at most one call, unless there are further pages.

        Raises:
            Problem: See `faults`.
        """
        records = await self._coalescing.read(statement, operation, values)
        return await self._completed(records, statement.children, operation)

    async def query_anew(self, statement: Statement[_Record], operation: str, **values: Value) -> list[_Record]:
        """As `query`, but no call that is under way already answers it: for reads on which a write will rest."""
        records = await self._coalescing.read(statement, operation, values, anew=True)
        return await self._completed(records, statement.children, operation)

    async def _completed(self, records: list[_Record], children: ChildPages, operation: str) -> list[_Record]:
        if children:
            for at, record in enumerate(records):
                if children.unfinished(record):
                    follow = partial(self.all_of, operation=operation)
                    records[at] = await children.completed(record, follow)
        return records

    async def fetch(self, statement: Statement[_Record], path: str, operation: str) -> list[_Record]:
        """Every row of a query, asked for by itself; `path` is the statement's with its values."""
        reply = await self.backend.send("GET", path, headers=self.read_headers, operation=operation)
        return await self.all_of(_decoded(statement.rows, reply), statement.rows, operation)

    async def fetch_each(self, parts: Sequence[Part], operation: str) -> list[SubResult]:
        """The answers of up to five queries as one call; each may be refused by itself."""
        body = envelope(parts, all_or_none=False)
        reply = await self.backend.send(
            "POST", self._composite, headers=self.write_headers, body=body, repeatable=True, operation=operation
        )
        answers = _decoded(_answer, reply).composite_response
        if len(answers) != len(parts):
            raise BackendFault("Salesforce answered another number of parts than it was asked.")
        return answers

    async def all_of(
        self, rows: Rows[_Record] | None, decoder: msgspec.json.Decoder[Rows[_Record]], operation: str
    ) -> list[_Record]:
        """The rows of a first page and of all pages after it."""
        if rows is None:
            return []
        records, seen = rows.records, set[str]()
        while not rows.done and rows.next_records_url:
            if rows.next_records_url in seen or len(seen) == MAX_PAGES:
                raise BackendFault("Salesforce names page after page without an end; nothing of them was used.")
            seen.add(rows.next_records_url)
            reply = await self.backend.send(
                "GET", rows.next_records_url, headers=self.read_headers, operation=operation
            )
            rows = _decoded(decoder, reply)
            records = records + rows.records
        return records

    async def composite(self, parts: Sequence[Part], operation: str, *, repeatable: bool) -> list[SubResult]:
        """Run up to 25 requests in their order as one call, all or none.

        Contention for rows undoes the whole, so it is repeated here after a short pause, even if the parts
        must not be sent twice.

        Args:
            parts: Queries and writes.
            operation: What is being done; names the span.
            repeatable: Whether sending them twice does what sending them once does.

        Raises:
            PartRefused: A part was refused.
            OutcomeUnknown: They must not be sent twice, and there was no answer that can be read.
            Problem: The call as a whole failed; see `faults`.
        """
        body = envelope(parts)
        for delay in (*self.settings.retry_delays, None):
            reply = await self.backend.send(
                "POST",
                self._composite,
                headers=self.write_headers,
                body=body,
                repeatable=repeatable,
                operation=operation,
            )
            answer = _decoded(_answer, reply, repeatable=repeatable).composite_response
            if len(answer) != len(parts):
                break
            refusal = refusal_of(answer)
            if refusal is None:
                return answer
            if not isinstance(refusal.problem, Transient):
                raise refusal
            if delay is None:
                raise refusal.problem
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311 - jitter, not a secret
        raise BackendFault("Salesforce answered another number of parts than it was asked.")

    def row(self, sobject: str, record_id: str, columns: str = "") -> str:
        """The URL of a row, for a part; with `columns` of those fields only."""
        path = f"{self.root}/sobjects/{sobject}/{record_id}"
        return f"{path}?fields={columns}" if columns else path


def _decoded(decoder: msgspec.json.Decoder[_Record], reply: WireReply, *, repeatable: bool = True) -> _Record:
    try:
        return decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if not repeatable:
            raise in_doubt(BACKEND) from None
        raise BackendFault(f"Salesforce answered {reply.status} with something that is no answer.") from None
