"""Customer accounts as orders see them, and their credit."""

import sqlite3
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandboxes.company import minor_units
from sandboxes.oracle.framework.declare import Row

_BY = {
    "CustomerAccountId": "account_id",
    "AccountNumber": "account_number",
    "PartyId": "party_id",
    "BuyingPartyId": "party_id",
    "PartyNumber": "party_number",
    "BuyingPartyNumber": "party_number",
    "PartyName": "party_name",
    "BuyingPartyName": "party_name",
}


@dataclass(frozen=True, slots=True)
class Account:
    """A customer account."""

    account_id: int
    account_number: str
    party_id: int
    party_number: str
    party_name: str
    currency: str
    country: str
    payment_terms: str
    on_hold: bool
    credit_limit: Decimal | None
    used: Decimal


def account_of(connection: sqlite3.Connection, sent: Row) -> Account | None:
    """The account that these fields name, the most telling of them first."""
    for name, column in _BY.items():
        if sent.get(name) is not None:
            sql = f"SELECT * FROM hz_account WHERE {column} = ? ORDER BY account_id"  # noqa: S608 - named above
            found = connection.execute(sql, (sent[name],)).fetchone()
            return _account(found) if found else None
    return None


def site_of(connection: sqlite3.Connection, account: Account, purpose: str, sent: Row) -> sqlite3.Row | None:
    """The account's site in a use that these fields name; its primary one when they name none."""
    sql = "SELECT * FROM hz_site WHERE account_id = ? AND purpose = ?"
    for name, column in (("SiteUseId", "site_use_id"), ("SiteId", "party_site_id")):
        if sent.get(name) is not None:
            named = f"{sql} AND {column} = ?"
            return connection.execute(named, (account.account_id, purpose, sent[name])).fetchone()
    primary = f"{sql} ORDER BY is_primary DESC, site_use_id LIMIT 1"
    return connection.execute(primary, (account.account_id, purpose)).fetchone()


def within_credit(connection: sqlite3.Connection, account: Account, amount: Decimal, currency: str) -> bool:
    """Whether an account may owe this much more; an account without a limit may owe anything."""
    if account.credit_limit is None:
        return True
    return account.used + convert(connection, amount, currency, account.currency) <= account.credit_limit


def book(connection: sqlite3.Connection, account: Account, amount: Decimal, currency: str) -> None:
    """Count an order's value as open, or no longer when negative."""
    booked = convert(connection, amount, currency, account.currency)
    key = (account.account_id,)
    before = connection.execute("SELECT open_orders FROM hz_account WHERE account_id = ?", key).fetchone()[0]
    after = format(Decimal(before) + booked, "f")
    connection.execute("UPDATE hz_account SET open_orders = ? WHERE account_id = ?", (after, *key))


def convert(connection: sqlite3.Connection, amount: Decimal, source: str, target: str) -> Decimal:
    """An amount in another currency, unrounded, at the one rate per currency."""
    return amount if source == target else amount / _rate(connection, source) * _rate(connection, target)


def currency_exists(connection: sqlite3.Connection, currency: str) -> bool:
    """Whether there is an exchange rate."""
    return connection.execute("SELECT 1 FROM gl_rate WHERE currency = ?", (currency,)).fetchone() is not None


def money(amount: Decimal, currency: str) -> Decimal:
    """An amount as the currency can pay it, rounded half up."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def list_price(connection: sqlite3.Connection, item: str, currency: str) -> Decimal | None:
    """The price of a piece by the list, in a currency; None for what is not sold."""
    found = connection.execute("SELECT list_price FROM egp_item WHERE item_number = ?", (item,)).fetchone()
    return money(convert(connection, Decimal(found[0]), "EUR", currency), currency) if found else None


def tax_percent(account: Account) -> int:
    """Sales tax, due at home."""
    return 19 if account.country == "DE" else 0


def _rate(connection: sqlite3.Connection, currency: str) -> Decimal:
    found = connection.execute("SELECT units_per_euro FROM gl_rate WHERE currency = ?", (currency,)).fetchone()
    return Decimal(found[0]) if found else Decimal(1)


def _account(found: sqlite3.Row) -> Account:
    limit = found["credit_limit"]
    return Account(
        **{name: found[name] for name in ("account_id", "account_number", "party_id", "party_number", "party_name")},
        **{name: found[name] for name in ("currency", "country", "payment_terms")},
        on_hold=bool(found["on_hold"]),
        credit_limit=Decimal(limit) if limit is not None else None,
        used=Decimal(found["exposure"]) + Decimal(found["open_orders"]),
    )
