"""Recording a return once as a ReturnOrder with its lines, and noting how far it has come."""

from typing import Final

from shared.binding.problems import Conflict
from shared.contracts.canonical.returns import CrmReturn, NewCrmReturn
from shared.contracts.system.crm import CrmOrderNotFound, CrmReturnNote, CrmReturnNotFound
from system_apis.salesforce.composite import Part, PartRefused, decode_part
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.once import recorded_once
from system_apis.salesforce.order_recording import refuse_unusable
from system_apis.salesforce.queries import Queries
from system_apis.salesforce.record_id import to_18
from system_apis.salesforce.records import OrderWithItems, ReturnRecord
from system_apis.salesforce.return_translator import ReturnTranslator

_IN_DOUBT: Final = frozenset({"DUPLICATE_VALUE"})
_OPERATION: Final = "crm.record_return"


class ReturnRecording:
    """Records returns in one org, each `reference` once: it is a unique field of ReturnOrder.

    Args:
        salesforce: The org; Field Service or Order Management gives it ReturnOrder.
        queries: Its statements.
    """

    def __init__(self, salesforce: SalesforceConnector, queries: Queries) -> None:
        self._salesforce = salesforce
        self._queries = queries
        self._translator = ReturnTranslator(salesforce.settings)

    async def record(self, new: NewCrmReturn) -> CrmReturn:
        """The return with this reference, recorded now or before.

        Raises:
            CrmOrderNotFound, ReturnNotRecordable: See the contract.
            Problem: Salesforce refuses a value or cannot be reached; see `faults`.
        """
        refuse_unusable(new.reference)
        recorded = await recorded_once(
            lambda: self._look(new), lambda order: self._write(new, order), self._translator.crm_return, _IN_DOUBT
        )
        if recorded is None:
            raise Conflict(f"The return {new.reference} could not be recorded for others at work on it; try again.")
        return recorded

    async def get(self, crm_return_id: str) -> CrmReturn:
        """The return.

        Raises:
            CrmReturnNotFound: There is none.
        """
        found = await self._salesforce.query(
            self._queries.crm_return, "crm.get_return", crm_return=_known_form(crm_return_id)
        )
        if not found:
            raise _no_return(crm_return_id)
        return self._translator.crm_return(found[0])

    async def note(self, crm_return_id: str, note: CrmReturnNote) -> CrmReturn:
        """The return after the note, one API call.

        Raises:
            CrmReturnNotFound: There is none.
        """
        row = self._salesforce.row("ReturnOrder", _known_form(crm_return_id))
        change = Part("return", "PATCH", row, self._translator.note_fields(note))
        answer = Part("answer", "GET", f"{row}?fields={self._queries.return_columns}")
        try:
            answers = await self._salesforce.composite([change, answer], "crm.note_return", repeatable=True)
        except PartRefused as refused:
            if refused.part == "return" and refused.code in ("NOT_FOUND", "ENTITY_IS_DELETED"):
                raise _no_return(crm_return_id) from None
            raise refused.problem from None
        return self._translator.crm_return(decode_part(self._queries.return_row, answers[-1]))

    async def _look(self, new: NewCrmReturn) -> tuple[ReturnRecord | None, OrderWithItems]:
        """The return with this reference if it is recorded, and its order with its products."""
        queries, order_id = self._queries, to_18(new.crm_order_id)
        if order_id is None:
            raise CrmOrderNotFound(f"No order {new.crm_order_id} in Salesforce.")
        parts = [
            Part("returns", "GET", queries.returns_like.path(reference=new.reference)),
            Part("order", "GET", queries.order_with_items.path(order=order_id)),
        ]
        try:
            answers = await self._salesforce.composite(parts, _OPERATION, repeatable=True)
        except PartRefused as refused:
            raise refused.problem from None
        found = decode_part(queries.returns_like.rows, answers[0]).records
        orders = decode_part(queries.order_with_items.rows, answers[1]).records
        if not orders:
            raise CrmOrderNotFound(f"No order {new.crm_order_id} in Salesforce.")
        return next((each for each in found if each.return_reference == new.reference), None), orders[0]

    async def _write(self, new: NewCrmReturn, order: OrderWithItems) -> CrmReturn:
        items = await self._salesforce.all_of(order.order_items, self._queries.order_items, _OPERATION)
        made, root = "@{return.id}", self._salesforce.root
        lines = self._translator.line_fields(new, items, made)
        parts = [
            Part("return", "POST", f"{root}/sobjects/ReturnOrder", self._translator.return_fields(new, order)),
            Part("lines", "POST", f"{root}/composite/sobjects", {"allOrNone": True, "records": lines}),
            Part("answer", "GET", self._salesforce.row("ReturnOrder", made, self._queries.return_columns)),
        ]
        answers = await self._salesforce.composite(parts, _OPERATION, repeatable=False)
        return self._translator.crm_return(decode_part(self._queries.return_row, answers[-1]))


def _known_form(crm_return_id: str) -> str:
    full = to_18(crm_return_id)
    if full is None:
        raise _no_return(crm_return_id)
    return full


def _no_return(crm_return_id: str) -> CrmReturnNotFound:
    return CrmReturnNotFound(f"No return {crm_return_id} in Salesforce.")
