"""Recording an order once: look, then write all or nothing, and look again whenever the outcome is in doubt."""

from collections.abc import Callable
from datetime import date
from email.utils import format_datetime
from typing import Final

from shared.binding.problems import Conflict, FieldError, Invalid
from shared.contracts.canonical.order import CrmOrder, NewCrmOrder
from shared.contracts.system.crm import CustomerNotFound, QuoteAlreadyOrdered, QuoteNotFound
from system_apis.salesforce.composite import Part, PartRefused, decode_part
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.once import recorded_once
from system_apis.salesforce.queries import Queries
from system_apis.salesforce.record_id import to_18
from system_apis.salesforce.records import IdRecord, OrderRecord, QuoteStanding
from system_apis.salesforce.translator import ACCEPTANCE, ACTIVATION, Translator

_COLLECTION: Final = 200
"""Records a collection may hold (REST API Developer Guide, "sObject Collections")."""
_IN_DOUBT: Final = frozenset({"DUPLICATE_VALUE", "PRECONDITION_FAILED"})
_MAX_REFERENCE: Final = 255
_OPERATION: Final = "crm.record_order"


class OrderRecording:
    """Records orders in one org, each `reference` once and each quote once.

    The reference is a unique field, so a second order with it is refused with all its products; the quote is
    written only if nobody has changed it since we looked.

    Args:
        salesforce: The org.
        queries: Its statements.
        translator: Its vocabulary.
        today: The current date in UTC.
    """

    def __init__(
        self, salesforce: SalesforceConnector, queries: Queries, translator: Translator, today: Callable[[], date]
    ) -> None:
        self._salesforce = salesforce
        self._queries = queries
        self._translator = translator
        self._today = today

    async def record(self, order: NewCrmOrder) -> CrmOrder:
        """The order with this reference, recorded now or before.

        Raises:
            CustomerNotFound, QuoteNotFound, QuoteAlreadyOrdered: See the contract.
            Conflict: Others kept changing the quote meanwhile.
            Problem: Salesforce refuses a value or cannot be reached; see `faults`.
        """
        refuse_unusable(order.reference)
        recorded = await recorded_once(
            lambda: self._look(order), lambda quote: self._write(order, quote), self._translator.order, _IN_DOUBT
        )
        if recorded is None:
            raise Conflict(f"The quote {order.quote_id} kept changing while it was being ordered; try again.")
        return recorded

    async def _look(self, order: NewCrmOrder) -> tuple[OrderRecord | None, QuoteStanding]:
        """The order with this reference if it stands, and the quote."""
        queries = self._queries
        customer_id, quote_id = to_18(order.customer_id), to_18(order.quote_id)
        if customer_id is None:
            raise CustomerNotFound(f"No customer {order.customer_id} in Salesforce.")
        if quote_id is None:
            raise QuoteNotFound(f"No quote {order.quote_id} in Salesforce.")
        parts = [
            Part("orders", "GET", queries.orders_like.path(reference=order.reference, quote=quote_id)),
            Part("quote", "GET", queries.quote_standing.path(quote=quote_id)),
            Part("customer", "GET", queries.customer_exists.path(customer=customer_id)),
        ]
        try:
            answers = await self._salesforce.composite(parts, _OPERATION, repeatable=True)
        except PartRefused as refused:
            raise refused.problem from None
        found = decode_part(queries.orders_like.rows, answers[0]).records
        quotes = decode_part(queries.quote_standing.rows, answers[1]).records
        customers = decode_part(queries.customer_exists.rows, answers[2]).records
        known = next((each for each in found if each.reference == order.reference), None)
        if not quotes:
            raise QuoteNotFound(f"No quote {order.quote_id} in Salesforce.")
        if known is None:
            self._refuse_unfit(order, found, quotes[0], customers)
        return known, quotes[0]

    def _refuse_unfit(
        self, order: NewCrmOrder, others: list[OrderRecord], quote: QuoteStanding, customers: list[IdRecord]
    ) -> None:
        if not customers or quote.account_id not in (None, to_18(order.customer_id)):
            raise CustomerNotFound(f"No customer {order.customer_id} in Salesforce has the quote {order.quote_id}.")
        standing = next((each for each in others if not self._translator.is_cancelled(each)), None)
        if standing is not None:
            raise QuoteAlreadyOrdered(
                f"The quote {order.quote_id} is the order {standing.order_number} already; read that, or cancel it.",
                extensions={"crmOrderId": standing.id},
            )

    async def _write(self, order: NewCrmOrder, quote: QuoteStanding) -> CrmOrder:
        parts = self._parts(order, quote)
        answers = await self._salesforce.composite(parts, _OPERATION, repeatable=False)
        return self._translator.order(decode_part(self._queries.order_row, answers[-1]))

    def _parts(self, order: NewCrmOrder, quote: QuoteStanding) -> list[Part]:
        row = self._salesforce.row
        unchanged = {"If-Unmodified-Since": format_datetime(quote.last_modified_date, usegmt=True)}
        new = "@{order.id}"
        items = self._translator.order_items(order, new)
        return [
            Part("quote", "PATCH", row("Quote", quote.id), ACCEPTANCE, unchanged),
            Part(
                "order",
                "POST",
                f"{self._salesforce.root}/sobjects/Order",
                self._translator.order_fields(order, quote, self._today()),
            ),
            *(
                Part(
                    f"items{at}",
                    "POST",
                    f"{self._salesforce.root}/composite/sobjects",
                    {"allOrNone": True, "records": items[at : at + _COLLECTION]},
                )
                for at in range(0, len(items), _COLLECTION)
            ),
            Part("activation", "PATCH", row("Order", new), ACTIVATION),
            Part("answer", "GET", row("Order", new, self._queries.order_columns)),
        ]


def refuse_unusable(reference: str) -> None:
    """Salesforce trims text, bounds it and replaces references in it, and would then not find what it was given."""
    if not reference or reference != reference.strip() or len(reference) > _MAX_REFERENCE or "@{" in reference:
        detail = f"1 to {_MAX_REFERENCE} characters, without space around them and without @{{"
        raise Invalid("The reference is unusable.", errors=[FieldError(detail=detail, pointer="/reference")])
