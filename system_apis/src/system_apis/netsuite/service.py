"""Oracle NetSuite as the `Erp` capability."""

from datetime import UTC, date, datetime

from shared.binding.declare import Cursor, Page, PageSize
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
from shared.contracts.system.erp import Erp, ErpBlock, ErpCancellation
from system_apis.netsuite.connector import NetSuiteConnector
from system_apis.netsuite.customers import Customers
from system_apis.netsuite.lists import Lists
from system_apis.netsuite.orders import Orders
from system_apis.netsuite.products import Products
from system_apis.netsuite.returns import Returns


class NetSuiteErp(Erp):
    """Customers, credit, products and orders of one NetSuite account.

    Customers go by their number (`entityId`), orders, returns and delivery places by internal id.

    Args:
        netsuite: The account.
    """

    def __init__(self, netsuite: NetSuiteConnector) -> None:
        lists = Lists(netsuite)
        self._customers = Customers(netsuite, lists)
        self._products = Products(netsuite, lists)
        self._orders = Orders(netsuite, lists, self._customers, self._products)
        self._returns = Returns(netsuite, lists, self._orders)

    async def get_customer(self, erp_number: Id) -> ErpCustomer:
        """Two calls: a query for its key, then the record with its address book; a third for its parent's number."""
        return await self._customers.get(erp_number)

    async def find_similar_customers(self, description: CustomerDescription) -> list[SimilarCustomer]:
        """One query for tax number and postal code; names are compared here."""
        return await self._customers.similar(description)

    async def create_customer(self, customer: NewErpCustomer) -> ErpCustomer:
        """Found by its external id, or created with it. Sales areas name a subsidiary by its external id."""
        return await self._customers.enter(customer)

    async def add_delivery_place(self, erp_number: Id, place: NewDeliveryPlace) -> Partner:
        """An entry of the customer's address book, labelled with the reference."""
        return await self._customers.add_place(erp_number, place)

    async def block_customer(self, erp_number: Id, block: ErpBlock) -> ErpCustomer:
        """Inactive and on credit hold; the reason joins the comments, the external id is renamed."""
        return await self._customers.take_out(erp_number, block.reason)

    async def get_credit(self, erp_number: Id) -> CreditStanding:
        """Two calls; in the customer's own currency."""
        return await self._customers.credit(erp_number)

    async def list_orders(
        self, erp_number: Id, since: date | None = None, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[ErpOrder]:
        """Two queries; newest are those with the highest internal id."""
        return await self._orders.page(erp_number, since, cursor, limit)

    async def list_products(self, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[Product]:
        """One query, by name of the item; names that are no SKU, such as those with spaces, are left out."""
        return await self._products.page(cursor, limit)

    async def get_product(self, sku: Sku) -> Product:
        """One query, with the list price at the price level and in the currency of the settings."""
        return await self._products.get(sku)

    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """Computed here from four queries, because NetSuite has no service that simulates.

        Prices are those of the customer's price level, quantities what is available at the location, the tax that of
        the customer's tax code, and credit is its limit less balance and unbilled orders. What scripts and promotions
        would change when the order is saved does not show.
        """
        return await self._orders.simulate(order, datetime.now(UTC).date())

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Found by its external id, or created with it."""
        return await self._orders.place(order)

    async def get_order(self, erp_order_id: Id) -> ErpOrder:
        """One order by internal id."""
        return await self._orders.get(erp_order_id)

    async def cancel_order(self, erp_order_id: Id, cancellation: ErpCancellation) -> ErpOrder:
        """All lines closed; the reason goes into the field of the settings."""
        return await self._orders.cancel(erp_order_id, cancellation.reason)

    async def list_returns(self, erp_order_id: Id) -> list[ErpReturn]:
        """One query, and two or three calls for each return; another to tell an order without any from none at all."""
        return await self._returns.of_order(erp_order_id)

    async def create_return(self, new: NewErpReturn) -> ErpReturn:
        """Found by its external id, or made from the order by transformation."""
        return await self._returns.authorize(new)

    async def get_return(self, erp_return_id: Id) -> ErpReturn:
        """One return authorization and its credit memo."""
        return await self._returns.get(erp_return_id)

    async def cancel_return(self, erp_return_id: Id, cancellation: ErpCancellation) -> ErpReturn:
        """All lines closed; the reason goes into the field of the settings."""
        return await self._returns.cancel(erp_return_id, cancellation.reason)

    async def credit_return(self, erp_return_id: Id) -> ErpReturn:
        """An item receipt where the goods are not booked in yet, then a credit memo, unless there is one."""
        return await self._returns.credit(erp_return_id)
