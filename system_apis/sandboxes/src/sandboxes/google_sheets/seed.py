"""One spreadsheet of the seed company: what was agreed on prices, and wishes of the field."""

import json
import sqlite3
from typing import Any

from sandboxes.company import company

CLIENT_EMAIL = "triptych@tarn-gauge.iam.gserviceaccount.com"
SPREADSHEET = "1TarnGaugeWorks_price-agreements_0000000000x"
SCHEMA = """
CREATE TABLE sheet (spreadsheet TEXT NOT NULL, title TEXT NOT NULL, cells TEXT NOT NULL, rows INTEGER NOT NULL,
    PRIMARY KEY (spreadsheet, title));
"""
GRID_ROWS = 1000
"""A new sheet has 1,000 rows, and 26 columns."""


def seed(connection: sqlite3.Connection) -> None:
    """Fill a new database."""
    agreed: list[list[Any]] = [["sku", "name", "price", "currency", "confirmed"]]
    agreed += [
        [product.sku, product.name, float(product.list_price), product.currency, product.number % 2 == 0]
        for product in company().products[:20]
    ]
    wishes: list[list[Any]] = [["customer", "sku", "pieces", "note"]]
    for title, cells in (("Price agreements", agreed), ("Field's wishes", wishes)):
        connection.execute("INSERT INTO sheet VALUES (?, ?, ?, ?)", (SPREADSHEET, title, json.dumps(cells), GRID_ROWS))
