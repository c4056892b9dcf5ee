"""Amounts with the places their currency has."""

from decimal import ROUND_HALF_UP, Decimal

from shared.binding.problems import BackendFault
from shared.contracts.canonical.values import Money

_NO_MINOR_UNITS = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905 - reads better
)
_THREE_PLACES = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
"""ISO 4217 minor units where they are not two."""


def money(amount: Decimal, currency: str) -> Money:
    """An amount as its currency is paid.

    Raises:
        BackendFault: It is no number.
    """
    if not amount.is_finite():
        raise BackendFault("NetSuite answered an amount that is no number.")
    return Money(rounded(amount, currency), currency)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's smallest unit, half up."""
    places = 0 if currency in _NO_MINOR_UNITS else 3 if currency in _THREE_PLACES else 2
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
