"""One coherent firm, Tarn Gauge Works, that fills every sandbox, so that their records agree.

`company()` returns it whole. Ids are valid where the vendor checks them (`salesforce_id`, `checksum`).
"""

from sandboxes.company.firm import company
from sandboxes.company.identifiers import checksum, salesforce_id
from sandboxes.company.money import minor_units
from sandboxes.company.records import (
    Address,
    Company,
    Contact,
    Customer,
    Product,
    Quote,
    QuoteLine,
    QuoteStatus,
    Salesperson,
    ShipTo,
    Warehouse,
)

__all__ = [
    "Address",
    "Company",
    "Contact",
    "Customer",
    "Product",
    "Quote",
    "QuoteLine",
    "QuoteStatus",
    "Salesperson",
    "ShipTo",
    "Warehouse",
    "checksum",
    "company",
    "minor_units",
    "salesforce_id",
]
