"""Returns: authorized from an order, received, credited, cancelled, each once."""

from msgspec.structs import replace

from shared.binding.problems import BackendFault, Conflict, NotFound
from shared.contracts.canonical.returns import ErpReturn, NewErpReturn, ReturnCredit
from shared.contracts.system.erp import (
    ErpOrderNotFound,
    ErpReturnNotFound,
    OrderRejected,
    ReturnCancelled,
    ReturnNotCancellable,
    ReturnRejected,
)
from system_apis.netsuite import return_translator as shapes
from system_apis.netsuite.connector import NetSuiteConnector, by_external_id
from system_apis.netsuite.lists import Lists
from system_apis.netsuite.orders import Orders, is_key
from system_apis.netsuite.records import CreditMemoRecord, KeyRow, ReturnRecord

_FOLLOWING = """
SELECT DISTINCT t.id FROM transaction t JOIN transactionline l ON l.transaction = t.id
WHERE t.type = {type} AND l.createdfrom = {source} ORDER BY t.id
"""


class Returns:
    """The return authorizations of one account, and the credit memos that follow them.

    Args:
        netsuite: Where.
        lists: Its currencies.
        orders: Its sales orders.
    """

    def __init__(self, netsuite: NetSuiteConnector, lists: Lists, orders: Orders) -> None:
        self._netsuite, self._lists, self._orders = netsuite, lists, orders

    async def of_order(self, order: str) -> list[ErpReturn]:
        """Every return of an order, by internal id.

        Raises:
            ErpOrderNotFound: There is no such order.
        """
        if not is_key(order):
            raise ErpOrderNotFound(f"NetSuite has no sales order {order}.")
        keys = await self._following("RtnAuth", order)
        if not keys:
            await self._orders.record(order)
        return [await self.get(key) for key in keys]

    async def get(self, key: str) -> ErpReturn:
        """A return with its credit.

        Raises:
            ErpReturnNotFound: There is none.
        """
        record = await self._record(key)
        return await self._shown(record, await self._credit(record))

    async def authorize(self, new: NewErpReturn) -> ErpReturn:
        """The return of this reference: the one there is, or a new one; its external id is unique.

        Raises:
            ErpOrderNotFound: There is no such order.
            ReturnRejected: NetSuite refused it, or would.
        """
        external_id = self._netsuite.external_id(new.reference)
        found = await self._known(external_id)
        if found is None:
            source = await self._orders.record(new.erp_order_id)
            body = shapes.return_body(new, source, self._netsuite.settings, external_id)
            path = f"/salesOrder/{source.id}/!transform/returnAuthorization?replace=item"
            try:
                found = await self._record(await self._netsuite.create(path, body, "create_return"))
            except NotFound as missing:
                raise ErpOrderNotFound(f"NetSuite has no sales order {new.erp_order_id}.") from missing
            except (Conflict, OrderRejected) as refused:
                found = await self._known(external_id)
                if found is None:
                    raise ReturnRejected(
                        "NetSuite refused the return by one of its rules, given as `remark`.",
                        errors=refused.errors,
                        extensions=refused.extensions,
                    ) from None
        return await self._shown(found, await self._credit(found))

    async def cancel(self, key: str, reason: str) -> ErpReturn:
        """Close every line that is not yet.

        Raises:
            ErpReturnNotFound: There is none.
            ReturnNotCancellable: It has been credited, or goods have come back.
        """
        record = await self._record(key)
        left = [one.line for one in record.item.items if not one.is_closed]
        if await self._credit(record) is not None or any(one.quantity_received > 0 for one in record.item.items):
            raise ReturnNotCancellable(f"Return {key} has been received or credited; nothing of it can be taken back.")
        if shapes.is_cancelled(record) or not left:
            return await self._shown(record, None)
        field = self._netsuite.settings.cancel_reason_field
        body = {"item": {"items": [{"line": line, "isClosed": True} for line in left]}}
        try:
            await self._netsuite.write(
                "PATCH", f"/returnAuthorization/{key}", body | ({field: reason} if field else {}), "cancel_return"
            )
        except OrderRejected as refused:
            raise ReturnNotCancellable(
                f"NetSuite does not let return {key} be cancelled.", extensions=refused.extensions
            ) from None
        return await self.get(key)

    async def credit(self, key: str) -> ErpReturn:
        """The return with its credit memo: the one there is, whoever made it, or a new one.

        Raises:
            ErpReturnNotFound: There is none.
            ReturnCancelled: Every line of it is closed.
            BackendFault: NetSuite refuses the credit by a rule of its own.
        """
        record = await self._record(key)
        credit = await self._credit(record)
        if credit is None:
            if shapes.is_cancelled(record):
                raise ReturnCancelled(f"Return {key} was cancelled in NetSuite; there is nothing to credit.")
            await self._receive(record)
            await self._follow(record, "creditMemo", "credit")
            record = await self._record(key)
            credit = await self._credit(record)
        return await self._shown(record, credit)

    async def _receive(self, record: ReturnRecord) -> None:
        """Book the goods in, where NetSuite waits for them; it refunds what was received."""
        waits = any(one.quantity_received < one.quantity and not one.is_closed for one in record.item.items)
        if waits and self._netsuite.settings.receive_returns:
            await self._follow(record, "itemReceipt", "receipt")

    async def _follow(self, record: ReturnRecord, target: str, name: str) -> None:
        """Make what follows a return, once: its external id is the return's own."""
        path = f"/returnAuthorization/{record.id}/!transform/{target}"
        body = {"externalId": self._netsuite.external_id(f"{name}-of-return-{record.id}")}
        try:
            await self._netsuite.create(path, body, f"{name}_return")
        except Conflict:
            return
        except OrderRejected as refused:
            known = by_external_id(body["externalId"])
            if await self._netsuite.read(f"/{target}/{known}", CreditMemoRecord, f"find_{name}") is None:
                raise BackendFault(
                    f"NetSuite refuses the {name} of return {record.id}, whose goods are back; mend that there first.",
                    extensions=refused.extensions,
                ) from None

    async def _record(self, key: str) -> ReturnRecord:
        path = f"/returnAuthorization/{key}?expandSubResources=true"
        found = await self._netsuite.read(path, ReturnRecord, "get_return") if is_key(key) else None
        if found is None:
            raise ErpReturnNotFound(f"NetSuite has no return authorization {key}.")
        return found

    async def _known(self, external_id: str) -> ReturnRecord | None:
        path = f"/returnAuthorization/{by_external_id(external_id)}?expandSubResources=true"
        return await self._netsuite.read(path, ReturnRecord, "find_return")

    async def _following(self, kind: str, source: str) -> list[str]:
        rows = await self._netsuite.query(_FOLLOWING, KeyRow, "find_following", type=kind, source=int(source))
        return [str(row.id) for row in rows]

    async def _credit(self, record: ReturnRecord) -> ReturnCredit | None:
        for key in await self._following("CustCred", record.id):
            memo = await self._netsuite.read(f"/creditMemo/{key}", CreditMemoRecord, "get_credit_memo")
            if memo is not None:
                return shapes.return_credit(memo, (await self._lists.currency(memo.currency.id)).symbol)
        return None

    async def _shown(self, record: ReturnRecord, credit: ReturnCredit | None) -> ErpReturn:
        shown = shapes.erp_return(record, (await self._lists.currency(record.currency.id)).symbol, credit)
        return replace(shown, reference=shown.reference.removeprefix(self._netsuite.settings.external_id_prefix))
