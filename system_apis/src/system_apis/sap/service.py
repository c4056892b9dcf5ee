"""SAP S/4HANA as the `Erp` capability."""

from datetime import date
from typing import TypeVar

from shared.binding.declare import Cursor, Page, PageSize
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import Problem
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
from shared.contracts.canonical.values import Id, Sku
from shared.contracts.system.erp import (
    CustomerBlocked,
    Erp,
    ErpBlock,
    ErpCancellation,
    ErpCustomerNotFound,
    ErpCustomerRejected,
    OrderRejected,
    ProductNotFound,
)
from system_apis.sap import order_translator, translator
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import day_of
from system_apis.sap.odata_customers import ODataCustomers
from system_apis.sap.order_body import customer_number
from system_apis.sap.order_records import OrderRow
from system_apis.sap.partner_changes import PartnerChanges
from system_apis.sap.partner_numbers import PartnerNumbers
from system_apis.sap.partner_search import PartnerSearch
from system_apis.sap.ports import Ports
from system_apis.sap.records import Found, Many, ProductRow, Single
from system_apis.sap.return_changes import ReturnChanges

_T = TypeVar("_T")


class SapErp(Erp):
    """Customers, credit, products and orders of one SAP system.

    Args:
        sap: The system.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._settings = sap.settings
        self._paths = sap.paths
        self._partners = PartnerNumbers(sap)
        self._customers = ODataCustomers(sap, self._partners)
        self._ports = Ports(sap, self._partners)
        self._returns = ReturnChanges(sap)
        self._entries = PartnerChanges(sap)
        self._search = PartnerSearch(sap)

    async def get_customer(self, erp_number: Id) -> ErpCustomer:
        """With all that its interface tells: by BAPI neither sales areas nor hierarchy."""
        return await self._ports.customers.get_customer(erp_number)

    async def find_similar_customers(self, description: CustomerDescription) -> list[SimilarCustomer]:
        """Two or three calls: by name, by tax number, and who has the tax numbers found."""
        return await self._search.similar(description)

    async def create_customer(self, customer: NewErpCustomer) -> ErpCustomer:
        """Found by its reference, or entered."""
        return await self.get_customer(await self._entries.enter(customer))

    async def add_delivery_place(self, erp_number: Id, place: NewDeliveryPlace) -> Partner:
        """A business partner of its own, ship-to party in every sales area of the customer."""
        _, row = await self._customers.rows(erp_number)
        while True:
            try:
                return await self._entries.add_place(row, place)
            except ErpCustomerRejected:
                _, now = await self._customers.rows(erp_number)
                if now == row:
                    raise
                row = now  # SAP refuses to assign what somebody else has just assigned; what is missing comes next

    async def block_customer(self, erp_number: Id, block: ErpBlock) -> ErpCustomer:
        """Orders blocked, blocked centrally and marked for archiving; SAP keeps no text of the reason."""
        del block
        await self._entries.take_out(customer_number(erp_number))
        return await self.get_customer(erp_number)

    async def get_credit(self, erp_number: Id) -> CreditStanding:
        """The limit that counts, and what is known of its use."""
        return await self._ports.credit.get_credit(erp_number)

    async def list_orders(
        self, erp_number: Id, since: date | None = None, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[ErpOrder]:
        """One call; another only to tell a customer without orders from one that does not exist."""
        number = customer_number(erp_number)
        after = decode_cursor(cursor, tuple[date, str]) if cursor is not None else None
        path = self._paths.orders_of(number, since, after, limit + 1)
        found = await self._sap.read(path, Many[OrderRow], "list_orders")
        rows, more = _page(found, limit)
        if not rows and after is None:
            await self._partners.of(number)
        position = (day_of(rows[-1].CreationDate) or date.min, rows[-1].SalesOrder) if more else None
        return Page([order_translator.order(row) for row in rows], encode_cursor(position) if position else None)

    async def list_products(self, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[Product]:
        """By material number; numbers that are no SKU, such as those with spaces, are left out."""
        after = decode_cursor(cursor, str) if cursor is not None else None
        path = self._paths.products(after, limit + 1)
        rows, more = _page(await self._sap.read(path, Many[ProductRow], "list_products"), limit)
        products = [made for row in rows if (made := translator.product(row, self._settings)) is not None]
        return Page(products, encode_cursor(rows[-1].Product) if more else None)

    async def get_product(self, sku: Sku) -> Product:
        """One material."""
        found = await self._sap.read(self._paths.product(sku), Single[ProductRow], "get_product")
        product = translator.product(found.d, self._settings) if found is not None else None
        if product is None:
            raise ProductNotFound(f"SAP has no product {sku}.")
        return product

    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """Priced, checked and scheduled by SAP as if it were placed."""
        try:
            return await self._ports.simulating.simulate_order(order)
        except OrderRejected as rejected:
            raise await self._reason(order, rejected) from None

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Found by its reference, or placed."""
        try:
            return await self._ports.placing.create_order(order)
        except OrderRejected as rejected:
            raise await self._reason(order, rejected) from None

    async def get_order(self, erp_order_id: Id) -> ErpOrder:
        """One order."""
        return await self._ports.reading.get_order(erp_order_id)

    async def cancel_order(self, erp_order_id: Id, cancellation: ErpCancellation) -> ErpOrder:
        """All items rejected together, with the reason code of the settings; SAP keeps no text of it."""
        del cancellation
        return await self._ports.cancelling.cancel_order(erp_order_id)

    async def list_returns(self, erp_order_id: Id) -> list[ErpReturn]:
        """One call, and two or three for each return; another to tell an order without any from none at all."""
        found = await self._returns.of_order(erp_order_id)
        if not found:
            await self._ports.reading.get_order(erp_order_id)
        return found

    async def create_return(self, new: NewErpReturn) -> ErpReturn:
        """Found by its reference, or made with reference to the order's items."""
        return await self._returns.authorize(new)

    async def get_return(self, erp_return_id: Id) -> ErpReturn:
        """One return, its credit memo request and its credit memo."""
        return await self._returns.get(erp_return_id)

    async def cancel_return(self, erp_return_id: Id, cancellation: ErpCancellation) -> ErpReturn:
        """All items rejected in one changeset, with the reason code of the settings; SAP keeps no text of it."""
        del cancellation
        return await self._returns.cancel(erp_return_id)

    async def credit_return(self, erp_return_id: Id) -> ErpReturn:
        """A credit memo request over the whole return, unless there is one; billing follows in SAP."""
        return await self._returns.credit(erp_return_id)

    async def _reason(self, order: NewErpOrder, rejected: OrderRejected) -> Problem:
        """Why SAP refused, judged by the customer's record: the numbers of its messages differ by release."""
        if not rejected.extensions:
            return rejected  # refused before SAP was asked
        try:
            customer = await self.get_customer(order.erp_number)
        except ErpCustomerNotFound as unknown:
            return unknown
        except Problem:
            return rejected
        if not translator.takes_no_orders(customer, self._settings):
            return rejected
        return CustomerBlocked(
            f"Customer {customer.erp_number} is blocked for orders; have the block lifted first.",
            extensions=rejected.extensions,
        )


def _page(found: Many[_T] | None, limit: int) -> tuple[list[_T], bool]:
    """The rows of a page that was asked for with one more, and whether others follow."""
    page: Found[_T] = found.d if found is not None else Found([])
    return page.results[:limit], bool(page.results) and (len(page.results) > limit or page.following is not None)
