"""Authorizing, canceling and crediting returns, so that a repeat finds what the first try did.

A return is an order whose lines refer to lines that were sold (`order_changes.OrderRows`); its credit is a credit
memo on account, under a number that Oracle takes once.
"""

from collections.abc import Sequence
from decimal import Decimal

from shared.binding.problems import BackendFault, BackendUnavailable, NotFound, Problem
from shared.contracts.canonical.returns import ErpReturn, NewErpReturn
from shared.contracts.system.erp import (
    ErpOrderNotFound,
    ErpReturnNotFound,
    OrderRejected,
    ReturnCancelled,
    ReturnNotCancellable,
    ReturnRejected,
)
from shared.resilience.outbound_faults import NotReached
from system_apis.oracle.accounts import Accounts
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.order_changes import OrderRows
from system_apis.oracle.order_records import OrderRow
from system_apis.oracle.order_translator import is_cancelled, is_return, live_lines
from system_apis.oracle.rest import address, any_of, literal
from system_apis.oracle.return_records import CreditMemoRow
from system_apis.oracle.return_translator import (
    check_return,
    credit_body,
    credit_number,
    erp_return,
    original_orders,
    return_body,
    returned_lines,
)

_AT_ONCE = 50
"""Credit memos that one request asks for."""

_MEMO = "TransactionNumber,CreditMemoStatus,AccountingDate,TransactionDate"


class Returns:
    """Returns and the credit memos that follow them.

    Args:
        oracle: The pod.
        accounts: Its customer accounts.
    """

    def __init__(self, oracle: OracleConnector, accounts: Accounts) -> None:
        self._oracle, self._accounts = oracle, accounts
        self._settings = oracle.settings
        self._rows = OrderRows(oracle)
        self._memos = f"{oracle.settings.fscm_path}/receivablesCreditMemos"

    async def of_order(self, number: str) -> list[ErpReturn]:
        """Every return of an order, oldest first.

        Raises:
            ErpOrderNotFound: There is no such order.
        """
        rows = await self._returns_of(await self._order(number))
        memos = await self._memos_of(rows)
        return [erp_return(one, memos.get(credit_number(one.OrderNumber))) for one in rows]

    async def get(self, number: str) -> ErpReturn:
        """A return with its credit.

        Raises:
            ErpReturnNotFound: There is none.
        """
        return await self._with_credit(await self._row(number))

    async def authorize(self, new: NewErpReturn) -> ErpReturn:
        """The return of this reference: the one there is, or a new one.

        Raises:
            ErpOrderNotFound: There is no such order.
            ReturnRejected: Oracle refused it, or would.
        """
        check_return(new)
        order = await self._order(new.erp_order_id)
        account = await self._accounts.of(_account(order))
        body = return_body(new, order, account, await self._taken(order), self._settings)
        try:
            return await self._with_credit(await self._rows.place(body))
        except OrderRejected as refused:
            raise ReturnRejected(
                "Oracle refused the return by one of its rules, given as `remark`.", extensions=refused.extensions
            ) from None

    async def cancel(self, number: str) -> ErpReturn:
        """Cancel every line; canceling again changes nothing.

        Raises:
            ErpReturnNotFound: There is none.
            ReturnNotCancellable: It has been credited, or goods are back.
        """
        row = await self._row(number)
        if is_cancelled(row):
            return erp_return(row)
        if await self._memo_of(row) is not None:
            raise ReturnNotCancellable(f"Return {number} has been credited; nothing of it can be taken back.")
        try:
            return erp_return(await self._rows.cancel(row))
        except OrderRejected as refused:
            raise ReturnNotCancellable(
                f"Oracle does not let return {number} be canceled.", extensions=refused.extensions
            ) from None

    async def credit(self, number: str) -> ErpReturn:
        """The return with its credit: the one there is, or a new one.

        Raises:
            ErpReturnNotFound: There is none.
            ReturnCancelled: Every line of it is canceled.
            BackendFault: Oracle refuses the credit by a rule of its own.
        """
        row = await self._row(number)
        memo = await self._memo_of(row)
        if memo is None and not live_lines(returned_lines(row)):
            raise ReturnCancelled(f"Return {number} was canceled in Oracle; there is nothing to credit.")
        return erp_return(row, memo or await self._credited(row))

    async def _order(self, number: str) -> OrderRow:
        row = await self._rows.numbered(number)
        if row is None or is_return(row):
            raise ErpOrderNotFound(f"Oracle has no sales order {number}.")
        return row

    async def _row(self, number: str) -> OrderRow:
        row = await self._rows.numbered(number)
        if row is None or not returned_lines(row):
            raise ErpReturnNotFound(f"Oracle has no return {number}.")
        return row

    async def _returns_of(self, order: OrderRow) -> list[OrderRow]:
        party = order.BuyingPartyId
        rows = await self._rows.returns_of_party(party) if party is not None else []
        return [one for one in rows if order.OrderNumber in original_orders(one)]

    async def _taken(self, order: OrderRow) -> dict[int, Decimal]:
        """How much of each fulfillment line comes back already; asked for only where order lines were split."""
        if len({one.LineId for one in order.lines.items}) == len(order.lines.items):
            return {}
        taken: dict[int, Decimal] = {}
        for row in await self._returns_of(order):
            for line in live_lines(returned_lines(row)):
                for reference in line.originalOrderReference.items:
                    identity = reference.OriginalFulfillLineId or 0
                    taken[identity] = taken.get(identity, Decimal(0)) + line.OrderedQuantity
        return taken

    async def _with_credit(self, row: OrderRow) -> ErpReturn:
        return erp_return(row, await self._memo_of(row))

    async def _memo_of(self, row: OrderRow) -> CreditMemoRow | None:
        found = await self._memos_of([row])
        return next(iter(found.values()), None)

    async def _memos_of(self, rows: Sequence[OrderRow]) -> dict[str, CreditMemoRow]:
        """The credit memos of returns, by number."""
        found: dict[str, CreditMemoRow] = {}
        for group in (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)):
            numbers = any_of("TransactionNumber", [credit_number(one.OrderNumber) for one in group])
            condition = f"TransactionSource={literal(self._settings.credit_source)} and ({numbers})"
            path = address(self._memos, q=condition, fields=_MEMO, onlyData=True, limit=_AT_ONCE)
            memos = await self._oracle.rows(path, CreditMemoRow, "find_credit_memo")
            found |= {one.TransactionNumber: one for one in memos}
        return found

    async def _credited(self, row: OrderRow) -> CreditMemoRow:
        body = credit_body(row, _account(row), self._settings)
        try:
            return await self._oracle.create(
                self._memos, body, CreditMemoRow, "credit_return", refusal=ReturnRejected, repeatable=True
            )
        except NotReached:
            raise
        except NotFound:
            raise BackendFault("Oracle keeps no credit memos at this path; check fscm_path.") from None
        except (ReturnRejected, BackendUnavailable, BackendFault) as problem:
            found = await self._credited_after_all(row, problem)
            if found is not None:
                return found
            if not isinstance(problem, ReturnRejected):
                raise
            raise BackendFault(
                f"Oracle refuses to credit return {row.OrderNumber}, whose goods are back; mend that in Oracle first.",
                extensions=problem.extensions,
            ) from None

    async def _credited_after_all(self, row: OrderRow, problem: Problem) -> CreditMemoRow | None:
        try:
            return await self._memo_of(row)
        except Problem:
            raise problem from None


def _account(row: OrderRow) -> str:
    account = next((one.AccountNumber for one in row.billToCustomer.items if one.AccountNumber), None)
    if account is None:
        raise BackendFault(f"Oracle does not say which account order {row.OrderNumber} is billed to.")
    return account
