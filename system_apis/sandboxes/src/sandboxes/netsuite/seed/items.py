"""Items with a base price in every currency and stock at every location."""

from decimal import Decimal

from sandboxes.company import Company, Product
from sandboxes.company.money import from_euro
from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.rules.lines import BASE_PRICE
from sandboxes.netsuite.seed.customers import CREATED
from sandboxes.netsuite.seed.lists import Keys

_GRAMS = "4"


def seed_items(records: Records, company: Company, keys: Keys) -> None:
    """Write every product as an inventory item."""
    for product in company.products:
        records.put("inventoryItem", _item(product, company, keys) | {"id": records.next_id("item")})


def _item(product: Product, company: Company, keys: Keys) -> Document:
    return {
        "itemId": product.sku,
        "externalId": product.sku,
        "displayName": product.name[:250],
        "salesDescription": product.description[:999],
        "isInactive": not product.active,
        "class": keys["classification", product.family],
        "subsidiary": keys["subsidiary", "1010"],
        "weight": product.weight_grams,
        "weightUnit": _GRAMS,
        "stockUnit": product.base_unit,
        "averageCost": (product.list_price * Decimal("0.6")).quantize(Decimal("0.01")),
        "createdDate": CREATED,
        "lastModifiedDate": CREATED,
        "price": [
            {
                "currencyPage": keys["currency", code],
                "priceLevel": BASE_PRICE,
                "quantity": 0,
                "price": from_euro(product.list_price, code),
            }
            for code in company.exchange_rates
        ],
        "locations": [
            {
                "location": keys["location", one.code],
                "quantityOnHand": product.stock.get(one.code, 0),
                "quantityCommitted": 0,
                "quantityAvailable": product.stock.get(one.code, 0),
                "quantityOnOrder": 0,
                "quantityBackOrdered": 0,
            }
            for one in company.warehouses
        ],
    }
