"""Orders of an E-Business Suite, each placed once under our reference.

PROCESS_ORDER makes two orders of one request sent twice. It finds an order by order source and reference where no
HEADER_ID is given, so the reference is looked for with a change that changes nothing before an order is made.
"""

from typing import Any

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, Refused
from shared.contracts.canonical.order import ErpOrder, NewErpOrder
from shared.contracts.system.erp import ErpOrderNotFound, OrderNotCancellable, OrderRejected
from shared.resilience.doubt import Doubts
from shared.resilience.once import Once
from shared.resilience.outbound_faults import NotReached
from system_apis.oracle.ebs.gateway import NAME, IntegratedSoaGateway
from system_apis.oracle.ebs.records import OrderOutput
from system_apis.oracle.ebs.translator import cancellation, has_gone_out, new_order, order, state_of
from system_apis.oracle.order_body import check_order

_CONVENTIONS = {"P_API_VERSION_NUMBER": 1.0, "P_INIT_MSG_LIST": "T", "P_RETURN_VALUES": "T"}


class EbsOrders:
    """Places, reads and cancels orders.

    Args:
        gateway: The suite.
        doubts: What may be under way already, here or in another process.
    """

    def __init__(self, gateway: IntegratedSoaGateway, doubts: Doubts) -> None:
        self._gateway = gateway
        self._settings = gateway.settings
        self._once = Once[OrderOutput](doubts, NAME, "order", gateway.settings.settle_seconds)

    async def place(self, new: NewErpOrder) -> ErpOrder:
        """The order of this reference: the one there is, or a new one, booked.

        Raises:
            OrderRejected: The suite refused it (X_RETURN_STATUS E), or it is in no shape to be sent.
            OutcomeUnknown: No answer came and the order is not to be found; a repeat looks again first.
        """
        check_order(new)
        parameters = new_order(new, self._settings)
        made = await self._once.make(
            new.reference,
            lambda: self._known(new.reference),
            lambda: self._call("process_order", parameters, refusal=OrderRejected),
        )
        return order(made)

    async def get(self, header_id: str) -> ErpOrder:
        """An order by the id of its header.

        Raises:
            ErpOrderNotFound: There is none.
        """
        return order(await self._found(header_id))

    async def cancel(self, header_id: str, reason: str) -> ErpOrder:
        """Cancel every line; canceling again changes nothing.

        Raises:
            ErpOrderNotFound: There is none.
            OrderNotCancellable: Something was shipped or billed, or a rule of the suite forbids it.
        """
        found = await self._found(header_id)
        if state_of(found) == "cancelled":
            return order(found)
        if has_gone_out(found):
            raise OrderNotCancellable(f"Order {header_id} was shipped or billed, at least in part; return it.")
        parameters = cancellation(int(header_id), reason, self._settings)
        try:
            await self._call("process_order", parameters, refusal=OrderRejected, repeatable=True)
        except NotReached:
            raise
        except (OrderRejected, BackendUnavailable, BackendFault) as problem:
            return await self._cancelled_after_all(header_id, problem)
        return order(await self._found(header_id))

    async def _cancelled_after_all(self, header_id: str, problem: Problem) -> ErpOrder:
        """What an answer that refused or was lost leaves in doubt."""
        try:
            found = await self._found(header_id)
        except Problem:
            raise problem from None
        if state_of(found) == "cancelled":
            return order(found)
        if isinstance(problem, OrderRejected):
            raise OrderNotCancellable(
                f"{NAME} does not let order {header_id} be cancelled.", extensions=problem.extensions
            ) from None
        raise problem

    async def _found(self, header_id: str) -> OrderOutput:
        if not (header_id.isascii() and header_id.isdigit()):
            raise ErpOrderNotFound(f"{NAME} has no order {header_id}: its ids are numbers.")
        parameters = {"P_HEADER_ID": int(header_id)}
        try:
            return await self._call("get_order", parameters, refusal=OrderRejected, repeatable=True)
        except OrderRejected:
            raise ErpOrderNotFound(f"{NAME} has no order {header_id}.") from None

    async def _known(self, reference: str) -> OrderOutput | None:
        key = {"ORDER_SOURCE_ID": self._settings.order_source_id, "ORIG_SYS_DOCUMENT_REF": reference}
        look = {"P_HEADER_REC": {**key, "OPERATION": "UPDATE"}}
        try:
            found = await self._call("process_order", look, refusal=OrderRejected, repeatable=True)
        except OrderRejected as refused:
            said = str(refused.extensions.get("remark", "")).casefold()
            if any(one.casefold() in said for one in self._settings.no_such_order):
                return None
            raise BackendFault(
                f"{NAME} does not say whether there is an order {reference}; if it does, in words unknown to us, add "
                "them to no_such_order.",
                extensions=refused.extensions,
            ) from None
        return found if found.X_HEADER_REC.HEADER_ID is not None else None

    async def _call(
        self, procedure: str, parameters: dict[str, Any], *, refusal: type[Refused], repeatable: bool = False
    ) -> OrderOutput:
        return await self._gateway.call(
            self._settings.order_alias,
            procedure,
            {**_CONVENTIONS, **parameters},
            OrderOutput,
            refusal=refusal,
            repeatable=repeatable,
        )
