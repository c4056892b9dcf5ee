"""Oracle Fusion Cloud ERP as the `Erp` capability."""

from shared.binding.declare import Cursor, Page, PageSize
from shared.contracts.canonical.order import NewErpOrder, OrderSimulation
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
from shared.contracts.canonical.values import Id, Sku
from shared.contracts.system.erp import Erp, ErpBlock
from system_apis.oracle.accounts import Accounts
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.customer_changes import CustomerChanges
from system_apis.oracle.customers import Customers
from system_apis.oracle.items import Items
from system_apis.oracle.parties import Parties
from system_apis.oracle.simulation import Simulation


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
        self._simulation = Simulation(oracle, accounts)

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

    async def list_products(self, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[Product]:
        """By item number; numbers that are no SKU, such as those with spaces, are left out."""
        return await self._items.page(cursor, limit)

    async def get_product(self, sku: Sku) -> Product:
        """One item."""
        return await self._items.get(sku)

    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """Priced by Oracle Pricing, promised by Global Order Promising, and checked for credit."""
        return await self._simulation.simulate(order)
