"""Orders and credit by OData."""

from shared.contracts.canonical.order import ErpOrder, NewErpOrder, OrderSimulation
from shared.contracts.canonical.party import CreditStanding
from shared.contracts.system.erp import ErpCustomerNotFound
from system_apis.sap import order_translator, translator
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number
from system_apis.sap.order_body import customer_number, simulation_body
from system_apis.sap.order_changes import OrderChanges
from system_apis.sap.order_records import SimulationRow
from system_apis.sap.partner_numbers import PartnerNumbers
from system_apis.sap.records import CreditPartner, Single


class ODataOrders:
    """Implements every order port of `interfaces`.

    Args:
        sap: The system.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._orders = OrderChanges(sap)

    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """One call of the simulation service."""
        body = simulation_body(order, self._sap.settings)
        simulated, reply = await self._sap.create(
            self._sap.paths.simulations, body, SimulationRow, "simulate_order", repeatable=True
        )
        return order_translator.simulation(simulated, reply)

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Found by its reference, or placed."""
        return order_translator.order(await self._orders.place(order))

    async def get_order(self, erp_order_id: str) -> ErpOrder:
        """One order with everything below it."""
        return order_translator.order(await self._orders.get(erp_order_id))

    async def cancel_order(self, erp_order_id: str) -> ErpOrder:
        """All items rejected in one changeset."""
        return order_translator.order(await self._orders.cancel(erp_order_id))


class ODataCredit:
    """Implements `interfaces.CreditReading`.

    Args:
        sap: The system.
        partners: Knows which business partner a customer is.
    """

    def __init__(self, sap: SapConnector, partners: PartnerNumbers) -> None:
        self._sap = sap
        self._partners = partners

    async def get_credit(self, erp_number: str) -> CreditStanding:
        """One call, after a first that finds the customer's business partner."""
        number = customer_number(erp_number)
        path = self._sap.paths.credit(await self._partners.of(number))
        found = await self._sap.read(path, Single[CreditPartner], "get_credit")
        segment = document_number(self._sap.settings.credit_segment)
        accounts = found.d.to_CreditMgmtAccountTP.results if found is not None else []
        account = next((one for one in accounts if document_number(one.CreditSegment) == segment), None)
        if found is None or account is None:
            raise ErpCustomerNotFound(f"Customer {number} has no credit account in SAP's credit segment {segment}.")
        return translator.credit_standing(number, found.d, account)
