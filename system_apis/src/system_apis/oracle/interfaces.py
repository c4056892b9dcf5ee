"""Which of Oracle's products keeps an order: Fusion, or an E-Business Suite beside it.

Fusion does every operation. What the suite does besides is listed here once; `[backends.oracle.interfaces]` chooses.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, Protocol

from shared.contracts.canonical.order import ErpOrder, NewErpOrder
from shared.contracts.system.erp import Erp

Interface = Literal["fusion", "ebs"]

BESIDES_FUSION: Final[Mapping[str, tuple[Interface, ...]]] = MappingProxyType(
    {"create_order": ("ebs",), "get_order": ("ebs",), "cancel_order": ("ebs",)}
)
"""The interfaces, besides Fusion's services, that do an operation."""


class OrderKeeping(Protocol):
    """Places, reads and cancels orders; promises as `Erp` does."""

    async def place(self, new: NewErpOrder) -> ErpOrder:
        """Return the order of this reference, placed if need be; `OrderRejected` where it is refused."""
        ...

    async def get(self, number: str) -> ErpOrder:
        """Return an order with its lines and state."""
        ...

    async def cancel(self, number: str, reason: str) -> ErpOrder:
        """Cancel every line of an order; return it as it then is."""
        ...


def check_interfaces(chosen: Mapping[str, Interface]) -> None:
    """Refuse a choice that cannot be kept.

    Args:
        chosen: Interface by operation of `Erp`.

    Raises:
        ValueError: An operation is unknown, its interface does not do it, or an order could not be found where it was
            placed; says what is possible.
    """
    for operation, interface in chosen.items():
        if operation not in Erp.operations:
            possible = ", ".join(BESIDES_FUSION)
            raise ValueError(
                f'interfaces names "{operation}", which is no operation of the ERP; a choice is possible for {possible}'
            )
        if interface not in ("fusion", *BESIDES_FUSION.get(operation, ())):
            raise ValueError(
                f'interfaces.{operation} = "{interface}": {interface.upper()} does not do {operation}; '
                'possible is "fusion"'
            )
    missing = [one for one in BESIDES_FUSION if chosen.get(one, "fusion") == "fusion"]
    if missing and orders_in_suite(chosen):
        raise ValueError(
            "an order is read and cancelled where it was placed: "
            f'set {" and ".join(f"interfaces.{one}" for one in missing)} to "ebs" too'
        )


def orders_in_suite(chosen: Mapping[str, Interface]) -> bool:
    """Whether orders stand in the E-Business Suite."""
    return "ebs" in chosen.values()
