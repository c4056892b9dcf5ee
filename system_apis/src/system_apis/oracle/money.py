"""Amounts with the places their currency has."""

from decimal import Decimal

from shared.binding.problems import BackendFault
from shared.contracts.canonical.currency import minor_units
from shared.contracts.canonical.values import Money


def money(amount: Decimal, currency: str) -> Money:
    """An amount with the places its currency has, and more only where Oracle sent more.

    Raises:
        BackendFault: It is no number.
    """
    if not amount.is_finite():
        raise BackendFault("Oracle answered an amount that is no number.")
    whole, _, fraction = f"{amount:f}".partition(".")
    kept = fraction.rstrip("0").ljust(minor_units(currency), "0")
    return Money(Decimal(f"{whole}.{kept}" if kept else whole), currency)


def plain(number: Decimal) -> Decimal:
    """A number without trailing zeros or exponent."""
    whole, _, fraction = f"{number:f}".partition(".")
    return Decimal(f"{whole}.{fraction.rstrip('0')}".rstrip("."))
