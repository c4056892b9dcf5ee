"""The implementation behind each port, as the settings choose."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

from shared.contracts.canonical.order import NewErpOrder
from system_apis.sap.bapi.credit import BapiCredit
from system_apis.sap.bapi.customers import BapiCustomers
from system_apis.sap.bapi.orders import BapiOrders
from system_apis.sap.bapi.transport import RfcTransport, SoapRfc
from system_apis.sap.connector import SapConnector
from system_apis.sap.idoc.order_placing import IdocOrders
from system_apis.sap.interfaces import (
    CreditReading,
    CustomerReading,
    Interface,
    OrderCancelling,
    OrderPlacing,
    OrderReading,
    OrderSimulating,
)
from system_apis.sap.odata_customers import ODataCredit, ODataCustomers
from system_apis.sap.odata_orders import ODataOrders
from system_apis.sap.odata_v4.orders import ODataV4Orders
from system_apis.sap.order_changes import OrderChanges
from system_apis.sap.order_records import OrderRow
from system_apis.sap.partner_numbers import PartnerNumbers

_Port = TypeVar("_Port")


class Ports:
    """One implementation of each port. What no operation was given to is never made.

    Args:
        sap: The system, with the settings that choose.
        partners: Knows which business partner a customer is.

    Attributes:
        customers: Reads customers.
        credit: Reads credit.
        simulating: Simulates orders.
        placing: Places orders.
        reading: Reads orders.
        cancelling: Cancels orders.
    """

    def __init__(self, sap: SapConnector, partners: PartnerNumbers) -> None:
        self._sap = sap
        self._partners = partners
        self.customers: CustomerReading = self._chosen(
            "get_customer",
            {"odata": lambda: ODataCustomers(sap, partners), "bapi": lambda: BapiCustomers(sap.settings, self._rfc)},
        )
        self.credit: CreditReading = self._chosen(
            "get_credit",
            {"odata": lambda: ODataCredit(sap, partners), "bapi": lambda: BapiCredit(sap.settings, self._rfc)},
        )
        self.simulating: OrderSimulating = self._chosen(
            "simulate_order", {"odata": lambda: self._odata, "bapi": lambda: self._bapi}
        )
        self.placing: OrderPlacing = self._chosen(
            "create_order",
            {
                "odata": lambda: self._odata,
                "odata4": lambda: self._odata_v4,
                "bapi": lambda: self._bapi,
                "idoc": lambda: IdocOrders(sap, self._placed, self.simulating),
            },
        )
        self.reading: OrderReading = self._chosen(
            "get_order",
            {"odata": lambda: self._odata, "odata4": lambda: self._odata_v4, "bapi": lambda: self._bapi},
        )
        self.cancelling: OrderCancelling = self._chosen(
            "cancel_order",
            {"odata": lambda: self._odata, "odata4": lambda: self._odata_v4, "bapi": lambda: self._bapi},
        )

    @cached_property
    def _odata(self) -> ODataOrders:
        return ODataOrders(self._sap)

    @cached_property
    def _odata_v4(self) -> ODataV4Orders:
        return ODataV4Orders(self._sap)

    @cached_property
    def _changes(self) -> OrderChanges:
        return OrderChanges(self._sap)

    @cached_property
    def _rfc(self) -> RfcTransport:
        return SoapRfc(self._sap.settings, self._sap.outbound, self._sap.logon)

    @cached_property
    def _bapi(self) -> BapiOrders:
        return BapiOrders(self._sap, self._rfc, BapiCredit(self._sap.settings, self._rfc))

    async def _placed(self, order: NewErpOrder) -> OrderRow | None:
        """The order of the same reference, found by the interface that reads orders."""
        reading = self._sap.settings.interfaces.get("get_order")
        if reading == "bapi":
            return await self._bapi.placed(order)
        if reading == "odata4":
            return await self._odata_v4.placed(order.reference)
        return await self._changes.placed(order.reference)

    def _chosen(self, operation: str, offered: Mapping[Interface, Callable[[], _Port]]) -> _Port:
        return offered[self._sap.settings.interfaces.get(operation, "odata")]()
