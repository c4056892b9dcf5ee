"""The ERP capability."""

from datetime import date

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post
from shared.binding.problems import Conflict, NotFound, Refused
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, OrderSimulation
from shared.contracts.canonical.party import (
    CreditStanding,
    CustomerDescription,
    ErpCustomer,
    NewDeliveryPlace,
    NewErpCustomer,
    Partner,
    SimilarCustomer,
)
from shared.contracts.canonical.product import Product
from shared.contracts.canonical.returns import ErpReturn, NewErpReturn
from shared.contracts.canonical.values import Id, ShortText, Sku


class ErpCustomerNotFound(NotFound):
    """No customer has this number in the ERP."""


class ProductNotFound(NotFound):
    """No product has this SKU in the ERP."""


class ErpOrderNotFound(NotFound):
    """No order has this number in the ERP."""


class CustomerBlocked(Refused):
    """The ERP takes no orders for this customer."""


class ErpCustomerRejected(Refused):
    """The ERP cannot hold the customer, or one of its rules refused it; `errors` says all that is wrong."""


class OrderRejected(Refused):
    """The ERP refused the order by one of its own rules; `detail` says which."""


class OrderNotCancellable(Conflict):
    """The order has gone too far to be cancelled, for example because goods have left."""


class ErpReturnNotFound(NotFound):
    """No return has this number in the ERP."""


class ReturnRejected(Refused):
    """The ERP refused the return by one of its own rules, for example because more comes back than was ordered."""


class ReturnNotCancellable(Conflict):
    """The return has been credited, or is about to be."""


class ReturnCancelled(Conflict):
    """The return was cancelled; there is nothing to credit."""


class ErpCancellation(msgspec.Struct, frozen=True, rename="camel"):
    """Why an order is cancelled."""

    reason: ShortText


class ErpBlock(msgspec.Struct, frozen=True, rename="camel"):
    """Why a customer is taken out of use."""

    reason: ShortText


class Erp(Contract, tier="system", version="v1"):
    """Customers, credit, products, prices and sales orders, whichever ERP keeps them."""

    @get("/customers/{erp_number}", scope="erp:read", raises=[ErpCustomerNotFound])
    async def get_customer(self, erp_number: Id) -> ErpCustomer:
        """Return a customer with hierarchy, sales areas, partners and blocks."""
        ...

    @post("/customer-matches", scope="erp:read", safe=True)
    async def find_similar_customers(self, description: CustomerDescription) -> list[SimilarCustomer]:
        """List customers that may be the company described, at most 20, those with most in common first.

        Alike is who has the same tax number, or the same name (letter case, punctuation and legal form aside) at
        the same postal code. The customer of the description's own `reference` is not listed, nor what was taken
        out of use.
        """
        ...

    @post("/customers", scope="erp:write", repeatable=True, raises=[ErpCustomerRejected])
    async def create_customer(self, customer: NewErpCustomer) -> ErpCustomer:
        """Enter a customer with its company code and sales areas, so that it can be sold to and billed.

        The same `reference` always answers with the same customer, so a repeat is harmless.
        """
        ...

    @post(
        "/customers/{erp_number}/delivery-places",
        scope="erp:write",
        repeatable=True,
        raises=[ErpCustomerNotFound, ErpCustomerRejected],
    )
    async def add_delivery_place(self, erp_number: Id, place: NewDeliveryPlace) -> Partner:
        """Add a place that goods for a customer may go to, in all its sales areas.

        The same `reference` always answers with the same place, so a repeat is harmless.
        """
        ...

    @post("/customers/{erp_number}/block", scope="erp:write", repeatable=True, status=200, raises=[ErpCustomerNotFound])
    async def block_customer(self, erp_number: Id, block: ErpBlock) -> ErpCustomer:
        """Take a customer out of use; repeating changes nothing.

        ERPs do not delete customers. It takes no orders any more, is marked for removal and gives up its
        `reference`, so that the same company can be entered anew. Its delivery places go with it.
        """
        ...

    @get("/customers/{erp_number}/credit", scope="erp:read", raises=[ErpCustomerNotFound])
    async def get_credit(self, erp_number: Id) -> CreditStanding:
        """Return what the customer may still owe."""
        ...

    @get("/customers/{erp_number}/orders", scope="erp:read", raises=[ErpCustomerNotFound])
    async def list_orders(
        self, erp_number: Id, since: date | None = None, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[ErpOrder]:
        """List a customer's orders, newest first, without lines.

        Args:
            since: Only orders created on or after this day.
            cursor: Where the previous page ended.
            limit: Orders a page.
        """
        ...

    @get("/products", scope="erp:read")
    async def list_products(self, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[Product]:
        """List products by SKU."""
        ...

    @get("/products/{sku}", scope="erp:read", raises=[ProductNotFound])
    async def get_product(self, sku: Sku) -> Product:
        """Return one product."""
        ...

    @post(
        "/order-simulations",
        scope="erp:read",
        safe=True,
        raises=[ErpCustomerNotFound, CustomerBlocked, OrderRejected],
    )
    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """Say what an order would cost, whether credit allows it and what can be delivered when; nothing is saved."""
        ...

    @post("/orders", scope="erp:write", repeatable=True, raises=[ErpCustomerNotFound, CustomerBlocked, OrderRejected])
    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Place an order.

        The same `reference` always answers with the same order, so a repeat is harmless.
        """
        ...

    @get("/orders/{erp_order_id}", scope="erp:read", raises=[ErpOrderNotFound])
    async def get_order(self, erp_order_id: Id) -> ErpOrder:
        """Return an order with its lines and state."""
        ...

    @post(
        "/orders/{erp_order_id}/cancellation",
        scope="erp:write",
        repeatable=True,
        status=200,
        raises=[ErpOrderNotFound, OrderNotCancellable],
    )
    async def cancel_order(self, erp_order_id: Id, cancellation: ErpCancellation) -> ErpOrder:
        """Cancel an order by rejecting its items; repeating changes nothing."""
        ...

    @get("/orders/{erp_order_id}/returns", scope="erp:read", raises=[ErpOrderNotFound])
    async def list_returns(self, erp_order_id: Id) -> list[ErpReturn]:
        """Return every return of an order, oldest first, cancelled ones too."""
        ...

    @post("/returns", scope="erp:write", repeatable=True, raises=[ErpOrderNotFound, ReturnRejected])
    async def create_return(self, new: NewErpReturn) -> ErpReturn:
        """Authorize goods of an order to come back, valued as they were sold.

        The same `reference` always answers with the same return, so a repeat is harmless.
        """
        ...

    @get("/returns/{erp_return_id}", scope="erp:read", raises=[ErpReturnNotFound])
    async def get_return(self, erp_return_id: Id) -> ErpReturn:
        """Return a return with its lines, and its credit as far as that has come."""
        ...

    @post(
        "/returns/{erp_return_id}/cancellation", scope="erp:write", repeatable=True, status=200,
        raises=[ErpReturnNotFound, ReturnNotCancellable],
    )  # fmt: skip
    async def cancel_return(self, erp_return_id: Id, cancellation: ErpCancellation) -> ErpReturn:
        """Cancel a return by rejecting its items; repeating changes nothing."""
        ...

    @post(
        "/returns/{erp_return_id}/credit", scope="erp:write", repeatable=True, status=200,
        raises=[ErpReturnNotFound, ReturnCancelled],
    )  # fmt: skip
    async def credit_return(self, erp_return_id: Id) -> ErpReturn:
        """Credit the customer for a return whose goods are back; a return is credited at most once.

        The credit memo may follow later: `credit.creditMemoId` is there once the ERP has posted it. The credit is
        owed by then, so an ERP that refuses it by a rule of its own is a fault for people to mend, not an answer.
        """
        ...
