"""The CRM capability."""

from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post
from shared.binding.problems import Conflict, NotFound, Refused
from shared.contracts.canonical.order import CrmOrder, NewCrmOrder
from shared.contracts.canonical.party import Contact, Customer
from shared.contracts.canonical.quote import Opportunity, Quote, QuoteState
from shared.contracts.canonical.returns import CrmReturn, NewCrmReturn
from shared.contracts.canonical.values import Id, Money, Name, ShortText
from shared.security.sensitive import Sensitive

SearchText = Annotated[str, msgspec.Meta(min_length=2, max_length=100)]


class CustomerNotFound(NotFound):
    """No customer has this id in the CRM."""


class QuoteNotFound(NotFound):
    """No quote has this id in the CRM."""


class CrmOrderNotFound(NotFound):
    """No order has this id in the CRM."""


class ErpNumberTaken(Conflict):
    """The customer has another number in the ERP already, or the number is another customer's."""


class QuoteAlreadyOrdered(Conflict):
    """The quote has become an order under another reference."""


class CrmReturnNotFound(NotFound):
    """No return has this id in the CRM."""


class ReturnNotRecordable(Refused):
    """A line of the return is no product of the order in the CRM; `errors` names it."""


class CustomerOverview(msgspec.Struct, frozen=True, rename="camel"):
    """A customer with what is open around it, read in one go. The open quotes carry their lines."""

    customer: Customer
    contacts: list[Contact]
    open_opportunities: list[Opportunity]
    open_quotes: list[Quote]
    recent_orders: list[CrmOrder]


class CrmOrderStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What to note on an order in the CRM."""

    fulfilment: ShortText
    tracking_number: ShortText = ""


class ErpIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """Who a customer is in the ERP."""

    erp_number: Id


class ErpRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the ERP leads of a customer; what is left out stays as it is in the CRM.

    Attributes:
        legal_name: The name in the commercial register.
        tax_number: As the ERP bills by it.
        order_blocked: Whether the ERP takes no orders of the customer.
    """

    legal_name: Name | None = None
    tax_number: Sensitive[ShortText] | None = None
    order_blocked: bool | None = None


class OrderCancellation(msgspec.Struct, frozen=True, rename="camel"):
    """Why an order is cancelled."""

    reason: ShortText


class CrmReturnNote(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What to note on a return in the CRM; what is left out stays as it is.

    `refund` is what the customer was credited, in the currency of the order.
    """

    state: Literal["approved", "cancelled", "closed"]
    note: ShortText = ""
    erp_return_id: ShortText = ""
    tracking_number: ShortText = ""
    credit_memo_id: ShortText = ""
    refund: Money | None = None


class Crm(Contract, tier="system", version="v1"):
    """Customers, their contacts, opportunities, quotes and orders, whichever CRM holds them."""

    @get("/customers", scope="crm:read")
    async def list_customers(
        self, search: SearchText | None = None, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[Customer]:
        """List customers by name.

        Args:
            search: Part of the name.
            cursor: Where the previous page ended.
            limit: Customers a page.
        """
        ...

    @get("/customers/{customer_id}", scope="crm:read", raises=[CustomerNotFound])
    async def get_customer(self, customer_id: Id) -> Customer:
        """Return one customer."""
        ...

    @post(
        "/customers/{customer_id}/erp-number",
        scope="crm:write",
        repeatable=True,
        status=200,
        raises=[CustomerNotFound, ErpNumberTaken],
    )
    async def note_erp_number(self, customer_id: Id, identity: ErpIdentity) -> Customer:
        """Note the number a customer has in the ERP; repeating changes nothing, and one that is there stays."""
        ...

    @get("/erp-customers/{erp_number}", scope="crm:read", raises=[CustomerNotFound])
    async def find_customer(self, erp_number: Id) -> Customer:
        """Return the customer who has this number in the ERP."""
        ...

    @post(
        "/customers/{customer_id}/erp-record",
        scope="crm:write",
        repeatable=True,
        status=200,
        raises=[CustomerNotFound],
    )
    async def note_erp_record(self, customer_id: Id, record: ErpRecord) -> Customer:
        """Note what the ERP leads of a customer.

        Only what differs is written, and nothing where nothing does; fields that the CRM has no room for are left out.
        """
        ...

    @get("/customers/{customer_id}/overview", scope="crm:read", raises=[CustomerNotFound])
    async def get_customer_overview(self, customer_id: Id) -> CustomerOverview:
        """Return a customer with contacts, open opportunities, open quotes and the latest orders."""
        ...

    @get("/customers/{customer_id}/quotes", scope="crm:read", raises=[CustomerNotFound])
    async def list_quotes(
        self,
        customer_id: Id,
        state: QuoteState | None = None,
        cursor: Cursor | None = None,
        limit: PageSize = 50,
    ) -> Page[Quote]:
        """List a customer's quotes, newest first, without lines."""
        ...

    @get("/quotes/{quote_id}", scope="crm:read", raises=[QuoteNotFound])
    async def get_quote(self, quote_id: Id) -> Quote:
        """Return the quote with its lines, as it stands now."""
        ...

    @get("/orders/{crm_order_id}", scope="crm:read", raises=[CrmOrderNotFound])
    async def get_order(self, crm_order_id: Id) -> CrmOrder:
        """Return one order."""
        ...

    @post("/orders", scope="crm:write", repeatable=True, raises=[CustomerNotFound, QuoteNotFound, QuoteAlreadyOrdered])
    async def record_order(self, order: NewCrmOrder) -> CrmOrder:
        """Record an order that stands in the ERP, and mark its quote as accepted.

        The same `reference` always answers with the same order, so a repeat is harmless.
        """
        ...

    @post("/orders/{crm_order_id}/status", scope="crm:write", repeatable=True, status=200, raises=[CrmOrderNotFound])
    async def note_order_status(self, crm_order_id: Id, status: CrmOrderStatus) -> CrmOrder:
        """Note how far fulfilment has come; repeating changes nothing."""
        ...

    @post(
        "/orders/{crm_order_id}/cancellation", scope="crm:write", repeatable=True, status=200, raises=[CrmOrderNotFound]
    )
    async def cancel_order(self, crm_order_id: Id, cancellation: OrderCancellation) -> CrmOrder:
        """Cancel an order and open its quote again; repeating changes nothing."""
        ...

    @post("/returns", scope="crm:write", repeatable=True, raises=[CrmOrderNotFound, ReturnNotRecordable])
    async def record_return(self, new: NewCrmReturn) -> CrmReturn:
        """Record a return that a customer asks for.

        The same `reference` always answers with the same return, so a repeat is harmless.
        """
        ...

    @get("/returns/{crm_return_id}", scope="crm:read", raises=[CrmReturnNotFound])
    async def get_return(self, crm_return_id: Id) -> CrmReturn:
        """Return one return."""
        ...

    @post("/returns/{crm_return_id}/status", scope="crm:write", repeatable=True, status=200, raises=[CrmReturnNotFound])
    async def note_return(self, crm_return_id: Id, note: CrmReturnNote) -> CrmReturn:
        """Note how far a return has come; repeating changes nothing."""
        ...
