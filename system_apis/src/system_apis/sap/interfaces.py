"""Which of SAP's interfaces does which operation, and the ports between the service and those interfaces.

OData V2 ("odata") does every operation. What V4 ("odata4"), BAPIs and IDocs do besides is listed here once;
`[backends.sap.interfaces]` chooses among it, operation by operation.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, Protocol

from shared.contracts.canonical.order import ErpOrder, NewErpOrder, OrderSimulation
from shared.contracts.canonical.party import CreditStanding, ErpCustomer
from shared.contracts.system.erp import Erp

Interface = Literal["odata", "odata4", "bapi", "idoc"]

BESIDES_ODATA: Final[Mapping[str, tuple[Interface, ...]]] = MappingProxyType(
    {
        "get_customer": ("bapi",),
        "get_credit": ("bapi",),
        "simulate_order": ("bapi",),
        "create_order": ("odata4", "bapi", "idoc"),
        "get_order": ("odata4", "bapi"),
        "cancel_order": ("odata4", "bapi"),
    }
)
"""The interfaces, besides OData, that do an operation."""


class CustomerReading(Protocol):
    """Reads customers; promises as `Erp` does, as far as its interface tells."""

    async def get_customer(self, erp_number: str) -> ErpCustomer:
        """Return a customer."""
        ...


class CreditReading(Protocol):
    """Reads what customers may still owe; promises as `Erp` does."""

    async def get_credit(self, erp_number: str) -> CreditStanding:
        """Return what a customer may still owe."""
        ...


class OrderSimulating(Protocol):
    """Prices and schedules an order without placing it; promises as `Erp` does."""

    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """Say what an order would come to; `OrderRejected` where SAP refuses it."""
        ...


class OrderPlacing(Protocol):
    """Places orders, one for each reference; promises as `Erp` does."""

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Return the order of this reference, placed if need be; `OrderRejected` where SAP refuses it."""
        ...


class OrderReading(Protocol):
    """Reads orders; promises as `Erp` does."""

    async def get_order(self, erp_order_id: str) -> ErpOrder:
        """Return an order with its lines and state."""
        ...


class OrderCancelling(Protocol):
    """Cancels orders; promises as `Erp` does."""

    async def cancel_order(self, erp_order_id: str) -> ErpOrder:
        """Reject what is left of an order; return it as it then is."""
        ...


def check_interfaces(chosen: Mapping[str, Interface]) -> None:
    """Refuse a choice that cannot be kept.

    Args:
        chosen: Interface by operation of `Erp`.

    Raises:
        ValueError: An operation is unknown, or its interface does not do it; says what is possible.
    """
    for operation, interface in chosen.items():
        if operation not in Erp.operations:
            raise ValueError(
                f'interfaces names "{operation}", which is no operation of the ERP; '
                f"a choice is possible for {_listed(BESIDES_ODATA)}"
            )
        possible = ("odata", *BESIDES_ODATA.get(operation, ()))
        if interface not in possible:
            raise ValueError(
                f'interfaces.{operation} = "{interface}": {interface.upper()} does not do {operation}; '
                f"possible is {_listed(possible)}"
            )


def _listed(names: Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(names) or "no operation"
