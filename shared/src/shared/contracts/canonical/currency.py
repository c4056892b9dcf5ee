"""How many places after the point a currency has (ISO 4217)."""

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


def minor_units(currency: str) -> int:
    """Places after the point of an amount in this currency."""
    return 0 if currency in _NO_MINOR_UNITS else 3 if currency in _THREE_PLACES else 2
