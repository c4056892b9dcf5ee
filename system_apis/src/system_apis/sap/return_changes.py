"""Authorizing, cancelling and crediting returns so that a repeat finds what the first try did."""

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, NotFound, PreconditionFailed
from shared.contracts.canonical.returns import ErpReturn, NewErpReturn, ReturnCredit
from shared.contracts.system.erp import (
    ErpOrderNotFound,
    ErpReturnNotFound,
    OrderRejected,
    ReturnCancelled,
    ReturnNotCancellable,
    ReturnRejected,
)
from shared.resilience.once import Once
from system_apis.sap.batch import Change
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number
from system_apis.sap.order_body import NUMBER_LENGTH
from system_apis.sap.order_records import Rejection
from system_apis.sap.records import Many, Single
from system_apis.sap.return_paths import ReturnPaths, return_item_path
from system_apis.sap.return_records import (
    CreditItemRow,
    CreditMemoItemRow,
    CreditRequestRow,
    NewReturn,
    ReturnNumber,
    ReturnRow,
)
from system_apis.sap.return_translator import (
    credit_body,
    erp_return,
    is_cancelled,
    live_items,
    return_body,
    return_credit,
    standing_request,
)

_CANCELLING_ROUNDS = 4


class ReturnChanges:
    """Reads and writes customer returns and the credit memo requests that follow them.

    Args:
        sap: Where.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._paths = ReturnPaths(sap.settings)
        self._returns: Once[ReturnRow] = sap.once("return")
        self._credits: Once[CreditRequestRow] = sap.once("credit memo request")

    async def of_order(self, order: str) -> list[ErpReturn]:
        """Every return of an order, by number."""
        number = document_number(order)
        if len(number) > NUMBER_LENGTH:
            return []
        found = await self._sap.read(self._paths.of_order(number), Many[ReturnNumber], "list_returns")
        numbers = dict.fromkeys(row.CustomerReturn for row in found.d.results) if found else {}
        return [await self.get(one) for one in numbers]

    async def get(self, number: str) -> ErpReturn:
        """A return with its credit.

        Raises:
            ErpReturnNotFound: There is none.
        """
        return await self._with_credit(await self._row(number))

    async def authorize(self, new: NewErpReturn) -> ErpReturn:
        """The return of this reference: the one there is, or a new one.

        Raises:
            ErpOrderNotFound: The order it refers to is none of SAP's.
            ReturnRejected: SAP refused it, or would.
            OutcomeUnknown: See `Once.make`.
        """
        if len(document_number(new.erp_order_id)) > NUMBER_LENGTH:
            raise ErpOrderNotFound(f"SAP has no sales order {new.erp_order_id}.")
        body = return_body(new, self._sap.settings)
        row = await self._returns.make(
            new.reference, lambda: self._made_before(new.reference), lambda: self._post(body)
        )
        return await self._with_credit(await self._row(row.CustomerReturn))

    async def cancel(self, number: str) -> ErpReturn:
        """Reject every item that is not yet; returns the return as it then is.

        Raises:
            ErpReturnNotFound: There is none.
            ReturnNotCancellable: It has been credited.
            BackendUnavailable: Somebody else keeps changing it.
        """
        for _ in range(_CANCELLING_ROUNDS):
            row = await self._row(number)
            if is_cancelled(row) or not live_items(row):
                return erp_return(row)
            if await self._credit_of(row.CustomerReturn) is not None:
                raise ReturnNotCancellable(f"Return {number} has been credited; nothing of it can be taken back.")
            try:
                await self._reject(row)
            except PreconditionFailed:
                continue
            except OrderRejected as refused:
                raise ReturnNotCancellable(
                    f"SAP does not let return {number} be cancelled.", extensions=refused.extensions
                ) from None
        raise BackendUnavailable(f"Return {number} is being changed by somebody else; try again.")

    async def credit(self, number: str) -> ErpReturn:
        """The return with its credit: the one there is, whoever asked for it, or a new one.

        Raises:
            ErpReturnNotFound: There is none.
            ReturnCancelled: Every item of it is rejected.
            BackendFault: SAP refuses the credit by a rule of its own.
            OutcomeUnknown: See `Once.make`.
        """
        row = await self._row(number)
        document = row.CustomerReturn
        if not live_items(row):
            raise ReturnCancelled(f"Return {number} was cancelled in SAP; there is nothing to credit.")
        await self._credits.make(document, lambda: self._credit_of(document), lambda: self._request_credit(row))
        return await self._with_credit(row)

    async def _row(self, number: str) -> ReturnRow:
        plain = document_number(number)
        path = self._paths.document(plain)
        found = await self._sap.read(path, Single[ReturnRow], "get_return") if len(plain) <= NUMBER_LENGTH else None
        if found is None:
            raise ErpReturnNotFound(f"SAP has no customer return {number}.")
        return found.d

    async def _made_before(self, reference: str) -> ReturnRow | None:
        found = await self._sap.read(self._paths.with_reference(reference), Many[ReturnRow], "find_return")
        return found.d.results[0] if found is not None and found.d.results else None

    async def _post(self, body: NewReturn) -> ReturnRow:
        try:
            made, _ = await self._sap.create(self._paths.returns, body, ReturnRow, "create_return")
        except NotFound:
            raise ErpOrderNotFound(f"SAP has no sales order {body.ReferenceSDDocument}.") from None
        except OrderRejected as refused:
            raise ReturnRejected(
                "SAP refused the return by one of its rules, given as `remark`.", extensions=refused.extensions
            ) from None
        return made

    async def _credit_of(self, number: str) -> CreditRequestRow | None:
        found = await self._sap.read(self._paths.credits_of(number), Many[CreditItemRow], "find_credit")
        return standing_request(found.d.results) if found is not None else None

    async def _request_credit(self, row: ReturnRow) -> CreditRequestRow:
        body = credit_body(row, self._sap.settings)
        try:
            made, _ = await self._sap.create(self._paths.credits, body, CreditRequestRow, "credit_return")
        except OrderRejected as refused:
            raise BackendFault(
                f"SAP refuses to credit return {row.CustomerReturn}, whose goods are back; mend that in SAP first.",
                extensions=refused.extensions,
            ) from None
        return made

    async def _with_credit(self, row: ReturnRow) -> ErpReturn:
        request = await self._credit_of(document_number(row.CustomerReturn))
        if request is None:
            return erp_return(row)
        path = self._paths.memos_of(request.CreditMemoRequest)
        memos = await self._sap.read(path, Many[CreditMemoItemRow], "find_credit_memo")
        credit: ReturnCredit = return_credit(request, memos.d.results if memos is not None else [])
        return erp_return(row, credit)

    async def _reject(self, row: ReturnRow) -> None:
        body = msgspec.json.encode(Rejection(self._sap.settings.rejection_reason))
        changes = [
            Change(
                return_item_path(row.CustomerReturn, item.CustomerReturnItem),
                body,
                item.metadata.etag or row.metadata.etag or "",
            )
            for item in live_items(row)
        ]
        await self._sap.change(self._paths.batch, changes, "cancel_return")
