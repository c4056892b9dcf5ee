"""Amounts with the places their currency has."""

from decimal import Decimal

from shared.binding.problems import BackendFault
from shared.contracts.canonical.values import Money

_NO_MINOR_UNITS = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
_THREE_PLACES = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
"""ISO 4217 minor units where they are not two."""


def money(amount: Decimal, currency: str) -> Money:
    """An amount with the places its currency has, and more only where SAP sent more.

    Raises:
        BackendFault: It is no number.
    """
    if not amount.is_finite():
        raise BackendFault("SAP answered an amount that is no number.")
    places = 0 if currency in _NO_MINOR_UNITS else 3 if currency in _THREE_PLACES else 2
    plain_amount = f"{amount:f}"
    whole, _, fraction = plain_amount.partition(".")
    kept = fraction.rstrip("0").ljust(places, "0")
    return Money(Decimal(f"{whole}.{kept}" if kept else whole), currency)
