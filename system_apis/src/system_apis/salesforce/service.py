"""The CRM contract on Salesforce."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any

import msgspec

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.contracts.canonical.order import CrmOrder, NewCrmOrder
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.quote import Quote, QuoteState
from shared.contracts.canonical.returns import CrmReturn, NewCrmReturn
from shared.contracts.system.crm import (
    Crm,
    CrmOrderNotFound,
    CrmOrderStatus,
    CrmReturnNote,
    CustomerNotFound,
    CustomerOverview,
    ErpIdentity,
    ErpNumberTaken,
    ErpRecord,
    OrderCancellation,
    QuoteNotFound,
)
from system_apis.salesforce.composite import Part, PartRefused, decode_part
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.order_recording import OrderRecording
from system_apis.salesforce.queries import Queries
from system_apis.salesforce.record_id import to_18
from system_apis.salesforce.return_recording import ReturnRecording
from system_apis.salesforce.soql import Value, containing
from system_apis.salesforce.translator import ACCEPTED, REOPENING, STATUSES, Translator

_MAX_NAME_BYTES = 300
"""Longer names do not fit a cursor; they are read again instead."""


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class SalesforceCrm(Crm):
    """Customers, quotes and orders in one Salesforce org.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._salesforce = salesforce
        self._queries = Queries(salesforce.settings)
        self._translator = Translator(salesforce.settings)
        self._recording = OrderRecording(salesforce, self._queries, self._translator, _today)
        self._returns = ReturnRecording(salesforce, self._queries)

    async def list_customers(
        self, search: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Customer]:
        """See `Crm.list_customers`."""
        values: dict[str, Value] = {"limit": limit + 1}
        if search is not None:
            values["pattern"] = containing(search)
        if cursor is not None:
            values["last"], values["name"] = await self._place(cursor)
        statement = self._queries.customers(searching=search is not None, further=cursor is not None)
        records = await self._salesforce.query(statement, "crm.list_customers", **values)
        following = None
        if len(records) > limit:
            last = records[limit - 1]
            short = len(last.name.encode()) <= _MAX_NAME_BYTES
            following = encode_cursor((last.id, last.name if short else None))
        return Page([self._translator.customer(each) for each in records[:limit]], following)

    async def get_customer(self, customer_id: str) -> Customer:
        """See `Crm.get_customer`."""
        found = await self._salesforce.query(self._queries.customer, "crm.get_customer", customer=_account(customer_id))
        if not found:
            raise _no_customer(customer_id)
        return self._translator.customer(found[0])

    async def note_erp_number(self, customer_id: str, identity: ErpIdentity) -> Customer:
        """See `Crm.note_erp_number`; one or two API calls. The field is unique, so two accounts never share one."""
        account, operation = _account(customer_id), "crm.note_erp_number"
        found = await self._salesforce.query_anew(self._queries.customer, operation, customer=account)
        if not found:
            raise _no_customer(customer_id)
        known = self._translator.customer(found[0])
        if known.erp_number is not None:
            if known.erp_number != identity.erp_number:
                raise ErpNumberTaken(f"Customer {customer_id} has the number {known.erp_number} in the ERP already.")
            return known
        try:
            fields = self._translator.erp_fields(identity.erp_number)
            return await self._change_account(known.customer_id, fields, operation)
        except PartRefused as refused:
            if refused.code == "DUPLICATE_VALUE":
                raise ErpNumberTaken(f"The number {identity.erp_number} is another customer's.") from None
            raise refused.problem from None

    async def find_customer(self, erp_number: str) -> Customer:
        """See `Crm.find_customer`; one API call."""
        found = await self._salesforce.query(
            self._queries.customer_numbered, "crm.find_customer", erp_number=erp_number
        )
        if not found:
            raise CustomerNotFound(f"No customer in Salesforce has the number {erp_number} in the ERP.")
        return self._translator.customer(found[0])

    async def note_erp_record(self, customer_id: str, record: ErpRecord) -> Customer:
        """See `Crm.note_erp_record`; one API call, two if something differs."""
        account, operation = _account(customer_id), "crm.note_erp_record"
        found = await self._salesforce.query_anew(self._queries.customer, operation, customer=account)
        if not found:
            raise _no_customer(customer_id)
        known = self._translator.customer(found[0])
        fields = self._translator.erp_record_fields(record, known)
        if not fields:
            return known
        try:
            return await self._change_account(known.customer_id, fields, operation)
        except PartRefused as refused:
            raise refused.problem from None

    async def get_customer_overview(self, customer_id: str) -> CustomerOverview:
        """See `Crm.get_customer_overview`; one API call."""
        today = _today()
        found = await self._salesforce.query(
            self._queries.overview,
            "crm.get_customer_overview",
            customer=_account(customer_id),
            today=today,
        )
        if not found:
            raise _no_customer(customer_id)
        return self._translator.overview(found[0], today)

    async def list_quotes(
        self, customer_id: str, state: QuoteState | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Quote]:
        """See `Crm.list_quotes`."""
        account, today = _account(customer_id), _today()
        values: dict[str, Value] = {"customer": account, "limit": limit + 1, "today": today}
        if state is not None:
            values["statuses"] = STATUSES[state]
        if cursor is not None:
            values["created"], values["last"] = decode_cursor(cursor, tuple[_Moment, str])
        statement = self._queries.quotes(state, further=cursor is not None)
        found = await self._salesforce.query(statement, "crm.list_quotes", **values)
        if not found:
            raise _no_customer(customer_id)
        records = found[0].quotes.records if found[0].quotes else []
        last = records[limit - 1] if len(records) > limit else None
        return Page(
            [self._translator.quote(each, account, today) for each in records[:limit]],
            None if last is None else encode_cursor((last.created_date, last.id)),
        )

    async def get_quote(self, quote_id: str) -> Quote:
        """See `Crm.get_quote`; one API call."""
        found = await self._salesforce.query(
            self._queries.quote, "crm.get_quote", quote=_known_form(quote_id, _no_quote)
        )
        if not found or found[0].account_id is None:
            raise _no_quote(quote_id)
        record = found[0]
        lines = record.quote_line_items.records if record.quote_line_items else []
        return self._translator.quote(record, found[0].account_id, _today(), lines)

    async def get_order(self, crm_order_id: str) -> CrmOrder:
        """See `Crm.get_order`."""
        found = await self._salesforce.query(
            self._queries.order, "crm.get_order", order=_known_form(crm_order_id, _no_order)
        )
        if not found:
            raise _no_order(crm_order_id)
        return self._translator.order(found[0])

    async def record_order(self, order: NewCrmOrder) -> CrmOrder:
        """See `Crm.record_order`; two API calls, one if the order stands already."""
        return await self._recording.record(order)

    async def note_order_status(self, crm_order_id: str, status: CrmOrderStatus) -> CrmOrder:
        """See `Crm.note_order_status`; one API call."""
        order_id = _known_form(crm_order_id, _no_order)
        change = Part("order", "PATCH", self._row(order_id), self._translator.status_fields(status))
        return await self._change(order_id, [change], "crm.note_order_status")

    async def cancel_order(self, crm_order_id: str, cancellation: OrderCancellation) -> CrmOrder:
        """See `Crm.cancel_order`; a quote that is accepted becomes approved again."""
        order_id = _known_form(crm_order_id, _no_order)
        found = await self._salesforce.query_anew(self._queries.order, "crm.cancel_order", order=order_id)
        if not found:
            raise _no_order(crm_order_id)
        order = found[0]
        if self._translator.is_cancelled(order):
            return self._translator.order(order)
        fields = self._translator.cancellation_fields(cancellation.reason)
        changes = [Part("order", "PATCH", self._row(order_id), fields)]
        if order.quote_id and order.quote and order.quote.status == ACCEPTED:
            url = self._salesforce.row("Quote", order.quote_id)
            changes.append(Part("quote", "PATCH", url, REOPENING))
        return await self._change(order_id, changes, "crm.cancel_order")

    async def record_return(self, new: NewCrmReturn) -> CrmReturn:
        """See `Crm.record_return`; two API calls, one if the return stands already."""
        return await self._returns.record(new)

    async def get_return(self, crm_return_id: str) -> CrmReturn:
        """See `Crm.get_return`."""
        return await self._returns.get(crm_return_id)

    async def note_return(self, crm_return_id: str, note: CrmReturnNote) -> CrmReturn:
        """See `Crm.note_return`; one API call."""
        return await self._returns.note(crm_return_id, note)

    async def _change(self, order_id: str, changes: list[Part], operation: str) -> CrmOrder:
        answer = Part("answer", "GET", self._row(order_id, self._queries.order_columns))
        try:
            answers = await self._salesforce.composite([*changes, answer], operation, repeatable=True)
        except PartRefused as refused:
            if refused.part == "order" and refused.code in ("NOT_FOUND", "ENTITY_IS_DELETED"):
                raise _no_order(order_id) from None
            raise refused.problem from None
        return self._translator.order(decode_part(self._queries.order_row, answers[-1]))

    async def _change_account(self, account: str, fields: dict[str, Any], operation: str) -> Customer:
        row = partial(self._salesforce.row, "Account", account)
        parts = [Part("account", "PATCH", row(), fields), Part("answer", "GET", row(self._queries.customer_columns))]
        answers = await self._salesforce.composite(parts, operation, repeatable=True)
        return self._translator.customer(decode_part(self._queries.customer_row, answers[-1]))

    async def _place(self, cursor: str) -> tuple[str, str]:
        """The id and name of the last customer of the page before."""
        last, name = decode_cursor(cursor, tuple[str, str | None])
        if name is not None:
            return last, name
        found = await self._salesforce.query(self._queries.customer_name, "crm.list_customers", customer=_account(last))
        if not found:
            raise _no_customer(last)
        return last, found[0].name

    def _row(self, order_id: str, columns: str = "") -> str:
        return self._salesforce.row("Order", order_id, columns)


def _today() -> date:
    return datetime.now(UTC).date()


def _account(customer_id: str) -> str:
    return _known_form(customer_id, _no_customer)


def _known_form(record_id: str, missing: Callable[[str], CustomerNotFound | QuoteNotFound | CrmOrderNotFound]) -> str:
    full = to_18(record_id)
    if full is None:
        raise missing(record_id)
    return full


def _no_customer(customer_id: str) -> CustomerNotFound:
    return CustomerNotFound(f"No customer {customer_id} in Salesforce.")


def _no_quote(quote_id: str) -> QuoteNotFound:
    return QuoteNotFound(f"No quote {quote_id} in Salesforce.")


def _no_order(crm_order_id: str) -> CrmOrderNotFound:
    return CrmOrderNotFound(f"No order {crm_order_id} in Salesforce.")
