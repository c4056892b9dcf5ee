"""Oracle Fusion Cloud ERP as the `Erp` capability."""

from datetime import date

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
from shared.contracts.system.erp import Erp, ErpBlock, ErpCancellation, ReturnRejected
from system_apis.oracle.accounts import Accounts
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.customer_changes import CustomerChanges
from system_apis.oracle.customers import Customers
from system_apis.oracle.ebs.gateway import IntegratedSoaGateway
from system_apis.oracle.ebs.orders import EbsOrders
from system_apis.oracle.interfaces import OrderKeeping, orders_in_suite
from system_apis.oracle.items import Items
from system_apis.oracle.order_changes import Orders
from system_apis.oracle.parties import Parties
from system_apis.oracle.return_changes import Returns
from system_apis.oracle.simulation import Simulation
from system_apis.oracle.suite_orders import SuiteOrders, not_done


class OracleErp(Erp):
    """Customers, credit, products and orders of one Fusion pod.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        accounts, parties = Accounts(oracle), Parties(oracle)
        self._customers = Customers(oracle, accounts, parties)
        self._entries = CustomerChanges(oracle, accounts, parties)
        self._items = Items(oracle)
        self._simulation = Simulation(oracle, accounts, parties)
        self._orders = Orders(oracle, accounts, parties)
        self._returns = Returns(oracle, accounts)
        self._in_suite = orders_in_suite(oracle.settings.interfaces)
        self._keeping: OrderKeeping = _suite(oracle, accounts, parties) or self._orders

    async def get_customer(self, erp_number: Id) -> ErpCustomer:
        """Three calls, the last two at once; two more for the company above."""
        return await self._customers.get(erp_number)

    async def find_similar_customers(self, description: CustomerDescription) -> list[SimilarCustomer]:
        """Two calls: parties by a word of the name or the tax number, and their accounts."""
        return await self._customers.similar(description)

    async def create_customer(self, customer: NewErpCustomer) -> ErpCustomer:
        """Found by its reference, or entered: party, account and profile, each under a key of ours."""
        return await self._customers.of(await self._entries.enter(customer))

    async def add_delivery_place(self, erp_number: Id, place: NewDeliveryPlace) -> Partner:
        """An address of the party, and a site of the account that is delivered to."""
        return await self._entries.add_place(erp_number, place)

    async def block_customer(self, erp_number: Id, block: ErpBlock) -> ErpCustomer:
        """The account and its sites ended, their references freed; Oracle keeps no text of the reason."""
        del block
        await self._entries.take_out(erp_number)
        return await self._customers.get(erp_number)

    async def get_credit(self, erp_number: Id) -> CreditStanding:
        """The profile's limit, and what the credit check says is available."""
        return await self._customers.credit(erp_number)

    async def list_orders(
        self, erp_number: Id, since: date | None = None, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[ErpOrder]:
        """Two calls: the account, and the orders of its party; those of an E-Business Suite are not listed."""
        if self._in_suite:
            raise not_done("lists no orders of a customer")
        return await self._orders.listed(erp_number, since, cursor, limit)

    async def list_products(self, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[Product]:
        """By item number; numbers that are no SKU, such as those with spaces, are left out."""
        return await self._items.page(cursor, limit)

    async def get_product(self, sku: Sku) -> Product:
        """One item."""
        return await self._items.get(sku)

    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """Priced by Oracle Pricing, promised by Global Order Promising, and checked for credit."""
        return await self._simulation.simulate(order)

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Placed under its reference, or found there; read again, as Oracle may have split its lines."""
        return await self._keeping.place(order)

    async def get_order(self, erp_order_id: Id) -> ErpOrder:
        """One order."""
        return await self._keeping.get(erp_order_id)

    async def cancel_order(self, erp_order_id: Id, cancellation: ErpCancellation) -> ErpOrder:
        """All lines in one change, with the reason code of the settings; Fusion keeps no text of it, the suite does."""
        return await self._keeping.cancel(erp_order_id, cancellation.reason)

    async def list_returns(self, erp_order_id: Id) -> list[ErpReturn]:
        """The returns of the customer whose lines refer to the order, and the credit of each."""
        if self._in_suite:
            await self._keeping.get(erp_order_id)
            raise not_done("lists no returns of an order")
        return await self._returns.of_order(erp_order_id)

    async def create_return(self, new: NewErpReturn) -> ErpReturn:
        """An order of lines that refer to what was sold, under its reference, or the one found there."""
        if self._in_suite:
            await self._keeping.get(new.erp_order_id)
            raise ReturnRejected(
                f"Order {new.erp_order_id} stands in the E-Business Suite; authorize its return there."
            )
        return await self._returns.authorize(new)

    async def get_return(self, erp_return_id: Id) -> ErpReturn:
        """One return, and its credit memo."""
        return await self._returns.get(erp_return_id)

    async def cancel_return(self, erp_return_id: Id, cancellation: ErpCancellation) -> ErpReturn:
        """As `cancel_order`."""
        del cancellation
        return await self._returns.cancel(erp_return_id)

    async def credit_return(self, erp_return_id: Id) -> ErpReturn:
        """A credit memo on account over the whole return, unless there is one."""
        return await self._returns.credit(erp_return_id)


def _suite(oracle: OracleConnector, accounts: Accounts, parties: Parties) -> SuiteOrders | None:
    """The orders of the E-Business Suite, if they stand there."""
    suite = oracle.settings.ebs
    if suite is None or not orders_in_suite(oracle.settings.interfaces):
        return None
    gateway = IntegratedSoaGateway(suite, oracle.outbound)
    return SuiteOrders(EbsOrders(gateway, oracle.outbound.doubts), accounts, parties)
