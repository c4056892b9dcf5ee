"""Amounts with the places their currency has."""

from decimal import Decimal

from shared.binding.problems import BackendFault
from shared.contracts.canonical.currency import minor_units
from shared.contracts.canonical.values import Money


def money(amount: Decimal, currency: str) -> Money:
    """An amount with the places its currency has, and more only where SAP sent more.

    Raises:
        BackendFault: It is no number.
    """
    if not amount.is_finite():
        raise BackendFault("SAP answered an amount that is no number.")
    places = minor_units(currency)
    plain_amount = f"{amount:f}"
    whole, _, fraction = plain_amount.partition(".")
    kept = fraction.rstrip("0").ljust(places, "0")
    return Money(Decimal(f"{whole}.{kept}" if kept else whole), currency)
