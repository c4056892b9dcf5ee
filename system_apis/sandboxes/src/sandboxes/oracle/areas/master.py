"""Master data that every area reads: accounts, their sites, items, stock, exchange rates.

Plain tables, not resources: what the REST and SOAP services show of them belongs to the areas that publish it, and
what these services write must arrive here to take effect on orders.

- `hz_account`: a customer account; `account_number` is the company-wide customer number. `open_orders` is what
  orders not yet invoiced use of the credit limit, in the account's currency; `on_hold` takes no orders.
- `hz_site`: an address of an account's party in a use (BILL_TO, SHIP_TO); `site_number` is the number of the place.
- `egp_item`: an item with its list price in euro; `status` Active or Inactive.
- `inv_onhand`: pieces of an item in an organization (a warehouse), and how many of them orders have reserved.
- `gl_rate`: units of a currency for one euro.

Amounts and quantities are decimal text.
"""

from collections.abc import Iterator

from sandboxes.company import Address, Company, Customer, company
from sandboxes.oracle.area import Area
from sandboxes.oracle.framework.declare import Work

SCHEMA = """
CREATE TABLE hz_account (
  account_id INTEGER PRIMARY KEY, account_number TEXT NOT NULL UNIQUE, party_id INTEGER NOT NULL,
  party_number TEXT NOT NULL, party_name TEXT NOT NULL, currency TEXT NOT NULL, country TEXT NOT NULL,
  payment_terms TEXT NOT NULL DEFAULT '', on_hold INTEGER NOT NULL DEFAULT 0, credit_limit TEXT,
  exposure TEXT NOT NULL DEFAULT '0', open_orders TEXT NOT NULL DEFAULT '0'
);
CREATE INDEX hz_account_party ON hz_account (party_id);
CREATE TABLE hz_site (
  site_use_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, party_site_id INTEGER NOT NULL,
  site_number TEXT NOT NULL, purpose TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', is_primary INTEGER NOT NULL,
  address1 TEXT NOT NULL DEFAULT '', house_number TEXT NOT NULL DEFAULT '', city TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT '', postal_code TEXT NOT NULL DEFAULT '', country TEXT NOT NULL DEFAULT ''
);
CREATE INDEX hz_site_account ON hz_site (account_id);
CREATE INDEX hz_site_number ON hz_site (site_number);
CREATE TABLE egp_item (
  item_id INTEGER PRIMARY KEY, item_number TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
  long_description TEXT NOT NULL DEFAULT '', status TEXT NOT NULL, uom TEXT NOT NULL, list_price TEXT NOT NULL,
  weight_grams TEXT, item_class TEXT NOT NULL DEFAULT ''
);
CREATE TABLE inv_onhand (
  item_number TEXT NOT NULL, organization_code TEXT NOT NULL, quantity TEXT NOT NULL,
  reserved TEXT NOT NULL DEFAULT '0', PRIMARY KEY (item_number, organization_code)
) WITHOUT ROWID;
CREATE TABLE gl_rate (currency TEXT PRIMARY KEY, units_per_euro TEXT NOT NULL) WITHOUT ROWID;
"""
UOM = "Ea"
"""Code of the unit that everything is counted in."""

ORGANIZATIONS = ("HAM1", "RNO1", "OSA1")
"""Inventory organizations; the first is where orders are fulfilled from when it has enough."""

_PARTY, _ACCOUNT, _SITE, _ITEM = 300_000_001_000_000, 300_000_002_000_000, 300_000_003_000_000, 300_000_004_000_000


def party_id(customer: Customer) -> int:
    """The id of a seed customer's party."""
    return _PARTY + customer.number


def account_id(customer: Customer) -> int:
    """The id of a seed customer's account."""
    return _ACCOUNT + customer.number


def _seed(work: Work) -> None:
    firm, connection = company(), work.records.connection
    connection.executemany(
        "INSERT INTO hz_account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '0')",
        (_account(one) for one in firm.customers),
    )
    connection.executemany(
        "INSERT INTO hz_site VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (site for one in firm.customers for site in _sites(one)),
    )
    connection.executemany("INSERT INTO egp_item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _items(firm))
    connection.executemany(
        "INSERT INTO inv_onhand VALUES (?, ?, ?, '0')",
        ((one.sku, place, str(one.stock.get(place, 0))) for one in firm.products for place in ORGANIZATIONS),
    )
    connection.executemany(
        "INSERT INTO gl_rate VALUES (?, ?)", ((code, str(rate)) for code, rate in firm.exchange_rates.items())
    )


def _account(customer: Customer) -> tuple[object, ...]:
    return (
        account_id(customer),
        customer.sap_customer,
        party_id(customer),
        f"P{customer.sap_customer}",
        customer.legal_name,
        customer.currency,
        customer.country,
        customer.payment_terms,
        int(customer.order_blocked),
        str(customer.credit_limit),
        str(customer.credit_exposure),
    )


def _sites(customer: Customer) -> Iterator[tuple[object, ...]]:
    """The bill-to site, at the legal address, then the ship-to sites, the first of them primary."""
    first = _SITE + customer.number * 10
    yield _site(first, customer, customer.sap_customer, "BILL_TO", customer.legal_name, customer.billing, primary=True)
    for place, one in enumerate(customer.ship_to, 1):
        yield _site(first + place, customer, one.sap_customer, "SHIP_TO", one.name, one.address, primary=place == 1)


def _site(
    number: int, customer: Customer, site_number: str, purpose: str, name: str, address: Address, *, primary: bool
) -> tuple[object, ...]:
    street = (address.street, address.house_number, address.city, address.region, address.postal_code, address.country)
    own = (number, account_id(customer), number + 1_000_000, site_number, purpose, name, int(primary))
    return (*own, *street)


def _items(firm: Company) -> Iterator[tuple[object, ...]]:
    for one in firm.products:
        status = "Active" if one.active else "Inactive"
        text = (one.sku, one.name, one.description, status, UOM, str(one.list_price))
        yield (_ITEM + one.number, *text, str(one.weight_grams), one.family)


area = Area(name="master", schema=SCHEMA, seed=_seed, order=10)
