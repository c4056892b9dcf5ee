"""Reading, placing and canceling orders, so that a repeat finds what the first try did.

Oracle makes one order of one source transaction: a second request is refused, so sending it again is harmless, and
whatever refused or lost it, the order is then found under its key.
"""

from datetime import date

import msgspec

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import BackendFault, BackendUnavailable, NotFound, Problem
from shared.contracts.canonical.order import ErpOrder, NewErpOrder
from shared.contracts.system.erp import CustomerBlocked, ErpOrderNotFound, OrderNotCancellable, OrderRejected
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown
from system_apis.oracle.accounts import Account, Accounts
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.delivery import delivery_site
from system_apis.oracle.order_body import check_order, order_body
from system_apis.oracle.order_paths import OrderPaths
from system_apis.oracle.order_records import (
    Cancellation,
    LineRow,
    NewOrder,
    OrderKey,
    OrderRow,
    Submission,
)
from system_apis.oracle.order_translator import has_gone_out, is_cancelled, is_draft, is_return, order
from system_apis.oracle.parties import Parties
from system_apis.oracle.rest import Collection


class OrderRows:
    """Reads and writes the orders of Order Management, returns among them.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        self._oracle = oracle
        self.paths = OrderPaths(oracle.settings)

    async def numbered(self, number: str) -> OrderRow | None:
        """The order of this number, with every line."""
        found = await self._oracle.rows(self.paths.numbered(number), OrderRow, "get_order")
        return await self._whole(found[0]) if found else None

    async def referenced(self, reference: str) -> OrderRow | None:
        """The order that we made under this reference, with every line."""
        found = await self._oracle.read(self.paths.referenced(reference), OrderRow, "find_order")
        return await self._whole(found) if found is not None else None

    async def of_party(
        self, party: int, since: date | None, after: tuple[str, int] | None, limit: int
    ) -> list[OrderRow]:
        """So many orders of a party, newest first; of long ones only the first lines."""
        path = self.paths.of_party(party, since, after, limit)
        return await self._oracle.rows(path, OrderRow, "list_orders")

    async def returns_of_party(self, party: int) -> list[OrderRow]:
        """Every return of a party, oldest first, with every line."""
        path = self.paths.returns_of_party(party)
        return [await self._whole(one) async for one in self._oracle.pages(path, OrderRow, "list_returns")]

    async def place(self, body: NewOrder) -> OrderRow:
        """The order of this source transaction: the one there is, or a new one, submitted.

        Raises:
            OrderRejected: Oracle refused it, and there is none.
            Problem: No usable answer came, and the order is not to be found.
        """
        reference = body.SourceTransactionId
        try:
            await self._oracle.create(
                self.paths.orders, body, OrderKey, "create_order", refusal=OrderRejected, repeatable=True
            )
        except NotReached:
            raise
        except NotFound:
            raise BackendFault("Oracle keeps no sales orders at this path; check fscm_path.") from None
        except (OrderRejected, BackendUnavailable, BackendFault) as problem:
            found = await self._recovered(reference, problem)
        else:
            found = await self.referenced(reference)
        if found is None:
            raise OutcomeUnknown("Oracle took an order that it does not show; try again.")
        return await self._submitted(found)

    async def cancel(self, row: OrderRow) -> OrderRow:
        """Cancel an order with every line; returns it as it then is.

        Raises:
            OrderRejected: A rule of Oracle's refused it.
            Problem: No usable answer came, and the order is not canceled.
        """
        body = Cancellation(self._oracle.settings.cancel_reason)
        path = self.paths.item(row.OrderKey)
        try:
            await self._oracle.change(path, body, OrderKey, "cancel_order", refusal=OrderRejected)
        except NotReached:
            raise
        except (OrderRejected, BackendUnavailable, BackendFault) as problem:
            return await self._canceled_after_all(row, problem)
        return await self.numbered(row.OrderNumber) or row

    async def _recovered(self, reference: str, problem: Problem) -> OrderRow:
        """What there is after all."""
        try:
            found = await self.referenced(reference)
        except Problem:
            raise problem from None
        if found is None:
            raise problem
        return found

    async def _canceled_after_all(self, row: OrderRow, problem: Problem) -> OrderRow:
        try:
            found = await self.numbered(row.OrderNumber)
        except Problem:
            raise problem from None
        if found is None or not is_cancelled(found):
            raise problem
        return found

    async def _submitted(self, row: OrderRow) -> OrderRow:
        """An order that Oracle entered but did not submit is submitted now."""
        if not is_draft(row):
            return row
        path = self.paths.item(row.OrderKey)
        await self._oracle.change(path, Submission(), OrderKey, "submit_order", refusal=OrderRejected)
        return await self.numbered(row.OrderNumber) or row

    async def _whole(self, row: OrderRow) -> OrderRow:
        """The order with the lines that did not fit on the first page."""
        if not row.lines.hasMore:
            return row
        path = self.paths.lines(row.OrderKey)
        lines = [one async for one in self._oracle.pages(path, LineRow, "get_order")]
        return msgspec.structs.replace(row, lines=Collection(lines))


class Orders:
    """Sales orders.

    Args:
        oracle: The pod.
        accounts: Its customer accounts.
        parties: Its parties, for the places that goods go to.
    """

    def __init__(self, oracle: OracleConnector, accounts: Accounts, parties: Parties) -> None:
        self._settings = oracle.settings
        self._accounts, self._parties = accounts, parties
        self._rows = OrderRows(oracle)

    async def get(self, number: str) -> ErpOrder:
        """An order with its lines.

        Raises:
            ErpOrderNotFound: There is none.
        """
        return order(await self._row(number), self._settings)

    async def place(self, new: NewErpOrder) -> ErpOrder:
        """The order of this reference: the one there is, or a new one.

        Raises:
            ErpCustomerNotFound: There is no such customer.
            CustomerBlocked: The customer is on hold, or out of use.
            OrderRejected: Oracle refused it, or would.
        """
        check_order(new)
        account = await self._accounts.of(new.erp_number)
        body = order_body(
            new, account, await delivery_site(self._parties, account, new.ship_to_erp_number), self._settings
        )
        try:
            return order(await self._rows.place(body), self._settings)
        except OrderRejected as refused:
            raise await reason(self._accounts, account, refused) from None

    async def cancel(self, number: str, reason: str) -> ErpOrder:
        """Cancel every line; canceling again changes nothing. Oracle takes a reason code, and no text.

        Raises:
            ErpOrderNotFound: There is none.
            OrderNotCancellable: Something was shipped or billed.
        """
        del reason
        row = await self._row(number)
        if is_cancelled(row):
            return order(row, self._settings)
        if has_gone_out(row):
            raise OrderNotCancellable(f"Order {number} was shipped or billed, at least in part; return it.")
        try:
            return order(await self._rows.cancel(row), self._settings)
        except OrderRejected as refused:
            raise OrderNotCancellable(
                f"Oracle does not let order {number} be canceled.", extensions=refused.extensions
            ) from None

    async def listed(self, number: str, since: date | None, cursor: str | None, limit: int) -> Page[ErpOrder]:
        """A page of a customer's orders, newest first, without lines.

        Raises:
            ErpCustomerNotFound: There is no such customer.
        """
        account = await self._accounts.of(number)
        after = decode_cursor(cursor, tuple[str, int]) if cursor is not None else None
        rows = await self._rows.of_party(account.party_id, since, after, limit + 1)
        kept, last = rows[:limit], rows[limit - 1] if len(rows) > limit else None
        found = [order(row, self._settings, with_lines=False) for row in kept if not is_return(row)]
        own = [one for one in found if one.erp_number in ("", account.number)]  # a party may have other accounts
        return Page(own, encode_cursor((last.CreationDate or "", last.HeaderId)) if last else None)

    async def _row(self, number: str) -> OrderRow:
        row = await self._rows.numbered(number)
        if row is None or is_return(row):
            raise ErpOrderNotFound(f"Oracle has no sales order {number}.")
        return row


async def reason(accounts: Accounts, account: Account, refused: OrderRejected) -> Problem:
    """Why Oracle refused an order, judged by the account: what its messages say differs by release."""
    try:
        profile = await accounts.profile(account.number)
    except Problem:
        return refused
    if account.active and not (profile and profile.on_hold):
        return refused
    return CustomerBlocked(
        f"Customer {account.number} takes no orders in Oracle; have the hold lifted first.",
        extensions=refused.extensions,
    )
