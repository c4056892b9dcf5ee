"""The implementation behind each port, as the settings choose."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

from system_apis.sap.connector import SapConnector
from system_apis.sap.idoc.order_placing import IdocOrders
from system_apis.sap.interfaces import (
    CreditReading,
    Interface,
    OrderCancelling,
    OrderPlacing,
    OrderReading,
    OrderSimulating,
)
from system_apis.sap.odata_orders import ODataCredit, ODataOrders
from system_apis.sap.order_changes import OrderChanges
from system_apis.sap.partner_numbers import PartnerNumbers

_Port = TypeVar("_Port")


class Ports:
    """One implementation of each port. What no operation was given to is never made.

    Args:
        sap: The system, with the settings that choose.
        partners: Knows which business partner a customer is.

    Attributes:
        credit: Reads credit.
        simulating: Simulates orders.
        placing: Places orders.
        reading: Reads orders.
        cancelling: Cancels orders.
    """

    def __init__(self, sap: SapConnector, partners: PartnerNumbers) -> None:
        self._sap = sap
        self._partners = partners
        self.credit: CreditReading = self._chosen("get_credit", {"odata": lambda: ODataCredit(sap, partners)})
        self.simulating: OrderSimulating = self._chosen("simulate_order", {"odata": lambda: self._odata})
        self.placing: OrderPlacing = self._chosen(
            "create_order", {"odata": lambda: self._odata, "idoc": lambda: IdocOrders(sap, OrderChanges(sap))}
        )
        self.reading: OrderReading = self._chosen("get_order", {"odata": lambda: self._odata})
        self.cancelling: OrderCancelling = self._chosen("cancel_order", {"odata": lambda: self._odata})

    @cached_property
    def _odata(self) -> ODataOrders:
        return ODataOrders(self._sap)

    def _chosen(self, operation: str, offered: Mapping[Interface, Callable[[], _Port]]) -> _Port:
        return offered[self._sap.settings.interfaces.get(operation, "odata")]()
