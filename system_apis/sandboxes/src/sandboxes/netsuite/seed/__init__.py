"""The seed company as a NetSuite account keeps it.

Set-up lists come first, then customers (entityId is the company's customer number; an address book entry is labelled
with the number of the place), contacts, items (itemId and externalId are the SKU) and a history of orders.
"""

import sqlite3

from sandboxes.company import company
from sandboxes.netsuite.records.store import Records
from sandboxes.netsuite.seed.customers import seed_customers
from sandboxes.netsuite.seed.history import seed_history
from sandboxes.netsuite.seed.items import seed_items
from sandboxes.netsuite.seed.lists import seed_lists


def seed(connection: sqlite3.Connection) -> None:
    """Fill a new database."""
    records, firm = Records(connection), company()
    keys = seed_lists(records, firm)
    seed_customers(records, firm, keys)
    seed_items(records, firm, keys)
    seed_history(records, firm)
    connection.execute("INSERT INTO seeded_sequence SELECT name, last FROM sequence")


__all__ = ["seed"]
