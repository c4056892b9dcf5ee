"""The dataset that every org begins with: the customers of the seed company."""

from collections.abc import Sequence
from typing import Any

import msgspec

from sandboxes.company import Customer
from sandboxes.salesforce.analytics.datasets import Dataset
from sandboxes.salesforce.analytics.tables import Column
from sandboxes.salesforce.ids import new_id

_ID, _VERSION = new_id("0Fb", 1, "Se"), new_id("0Fc", 1, "Se")


def seed_dataset(customers: Sequence[Customer], at: str) -> dict[str, Any]:
    """The row of the dataset `Customers`; `at` is when it was made."""
    columns = [
        Column("Id", "Text", is_unique_id=True),
        Column("Name", "Text"),
        Column("Country", "Text"),
        Column("Industry", "Text"),
        Column("CreditLimit", "Numeric", scale=2),
    ]
    rows = [
        {
            "Id": each.salesforce_id, "Name": each.name, "Country": each.billing.country, "Industry": each.industry,
            "CreditLimit": float(each.credit_limit),
        }
        for each in customers
    ]  # fmt: skip
    made = Dataset(_ID, _VERSION, "Customers", "Customers", at, at, columns)
    encoded = {"dataset": msgspec.json.encode(made), "content": msgspec.json.encode(rows)}
    return {"id": made.id, "alias": made.alias, **encoded}
