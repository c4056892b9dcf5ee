"""Orders by OData."""

from shared.contracts.canonical.order import ErpOrder, NewErpOrder, OrderSimulation
from system_apis.sap import order_translator
from system_apis.sap.connector import SapConnector
from system_apis.sap.order_body import simulation_body
from system_apis.sap.order_changes import OrderChanges
from system_apis.sap.order_records import SimulationRow


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
        return order_translator.simulation(simulated, order_translator.remarks(reply))

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Found by its reference, or placed."""
        return order_translator.order(await self._orders.place(order))

    async def get_order(self, erp_order_id: str) -> ErpOrder:
        """One order with everything below it."""
        return order_translator.order(await self._orders.get(erp_order_id))

    async def cancel_order(self, erp_order_id: str) -> ErpOrder:
        """All items rejected in one changeset."""
        return order_translator.order(await self._orders.cancel(erp_order_id))
