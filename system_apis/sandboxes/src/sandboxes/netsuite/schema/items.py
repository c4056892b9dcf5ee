"""Inventory items, their prices and their stock by location."""

from sandboxes.netsuite.schema.model import Field, RecordType, boolean, moment, number, reference, select, string

WEIGHT_UNITS = {"1": "lb", "2": "oz", "3": "kg", "4": "g"}

PRICES = Field(
    "price",
    "sublist",
    inner=(
        reference("currencyPage", "currency"),
        reference("priceLevel", "priceLevel"),
        number("quantity"),
        number("price"),
    ),
    key=("quantity", "currencyPage", "priceLevel"),
    soap="pricingMatrix",
)

LOCATIONS = Field(
    "locations",
    "sublist",
    inner=(
        reference("location", "location"),
        number("quantityOnHand"),
        number("quantityCommitted"),
        number("quantityAvailable"),
        number("quantityOnOrder"),
        number("quantityBackOrdered"),
    ),
    key=("location",),
    fixed=True,
)

INVENTORY_ITEM = RecordType(
    "inventoryItem",
    "Inventory Item",
    "item",
    (
        string("itemId", 60),
        string("externalId", 80),
        string("displayName", 250),
        string("salesDescription", 999),
        boolean("isInactive"),
        reference("class", "classification"),
        reference("subsidiary", "subsidiary"),
        number("weight"),
        select("weightUnit", WEIGHT_UNITS),
        string("stockUnit", 20),
        number("averageCost", fixed=True),
        moment("createdDate"),
        moment("lastModifiedDate"),
        PRICES,
        LOCATIONS,
    ),
    shown="itemId",
    code="InvtPart",
)

ITEMS = (INVENTORY_ITEM,)
