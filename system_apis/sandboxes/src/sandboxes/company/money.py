"""Currencies of the seed company."""

from decimal import ROUND_HALF_EVEN, Decimal

EXCHANGE_RATES = {
    "EUR": Decimal(1),
    "USD": Decimal("1.08"),
    "GBP": Decimal("0.85"),
    "PLN": Decimal("4.30"),
    "CHF": Decimal("0.95"),
    "BRL": Decimal("5.40"),
    "JPY": Decimal(160),
    "KWD": Decimal("0.33"),
    "AED": Decimal("3.97"),
    "UAH": Decimal("42.50"),
    "INR": Decimal("90.10"),
    "KRW": Decimal(1450),
    "CNY": Decimal("7.80"),
}
_MINOR_UNITS = {"JPY": 0, "KRW": 0, "KWD": 3}


def minor_units(currency: str) -> int:
    """Decimal places of an amount in this currency (ISO 4217)."""
    return _MINOR_UNITS.get(currency, 2)


def from_euro(amount: Decimal, currency: str) -> Decimal:
    """The amount in euro as an amount in `currency`, rounded to what the currency can pay."""
    step = Decimal(1).scaleb(-minor_units(currency))
    return (amount * EXCHANGE_RATES[currency]).quantize(step, ROUND_HALF_EVEN)
