"""The credit check: limit against exposure, orders still open, and the order at hand."""

from decimal import Decimal

from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.tables import CREDIT_ACCOUNTS, EXCHANGE_RATES, EXPOSURES, PARTNERS
from sandboxes.sap.services.credit_account import SEGMENT
from sandboxes.sap.storage import Records

APPROVED, BLOCKED = "A", "B"


def check_credit(records: Records, customer: str, amount: Decimal, currency: str) -> str:
    """The status of an order worth `amount` net: A within the limit, B beyond it, empty without a credit account."""
    partner = records.find(PARTNERS, Customer=customer)
    account = (
        records.get(CREDIT_ACCOUNTS, BusinessPartner=partner[0]["BusinessPartner"], CreditSegment=SEGMENT)
        if partner
        else None
    )
    if account is None:
        return ""
    if account["CreditAccountIsBlocked"]:
        return BLOCKED
    exposure = records.get(EXPOSURES, Customer=customer) or {}
    wanted = convert(records, amount, currency, text(account, "CreditSegmentCurrency"))
    used = number(exposure, "Amount") + number(exposure, "OpenOrders")
    return APPROVED if used + wanted <= number(account, "CreditLimitAmount") else BLOCKED


def book(records: Records, customer: str, amount: Decimal, currency: str) -> None:
    """Count an order's net value as open, or no longer when negative."""
    partner = records.find(PARTNERS, Customer=customer)
    account = (
        records.get(CREDIT_ACCOUNTS, BusinessPartner=partner[0]["BusinessPartner"], CreditSegment=SEGMENT)
        if partner
        else None
    )
    exposure = records.get(EXPOSURES, Customer=customer)
    if account is None or exposure is None:
        return
    booked = convert(records, amount, currency, text(account, "CreditSegmentCurrency"))
    records.change(EXPOSURES, {"Customer": customer}, {"OpenOrders": number(exposure, "OpenOrders") + booked})


def convert(records: Records, amount: Decimal, source: str, target: str) -> Decimal:
    """An amount in another currency, unrounded, at the system's one rate per currency."""
    if source == target:
        return amount
    return amount / _units_per_euro(records, source) * _units_per_euro(records, target)


def currency_exists(records: Records, currency: str) -> bool:
    """Whether there is an exchange rate."""
    return records.get(EXCHANGE_RATES, Currency=currency) is not None


def country_of(records: Records, customer: str) -> str:
    """The country of a customer's first address; empty when it has none."""
    found = records.connection.execute(_COUNTRY, (customer.zfill(10),)).fetchone()
    return str(found[0]) if found else ""


def _units_per_euro(records: Records, currency: str) -> Decimal:
    found = records.get(EXCHANGE_RATES, Currency=currency)
    return number(found, "UnitsPerEuro") if found else Decimal(1)


_COUNTRY = (
    'SELECT a."Country" FROM "API_BUSINESS_PARTNER.A_BusinessPartnerAddress" a '
    'JOIN "API_BUSINESS_PARTNER.A_BusinessPartner" p ON p."BusinessPartner" = a."BusinessPartner" '
    'WHERE p."Customer" = ? ORDER BY a."AddressID" LIMIT 1'
)
