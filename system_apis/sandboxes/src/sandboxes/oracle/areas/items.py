"""itemsV2, inventoryOnhandBalances, onhandQuantityDetails and priceLists (fscmRestApi).

Source: REST API for Oracle Fusion Cloud SCM. Items are those of the master organization; stock follows the master
table, which orders and shipments change.
"""

from sandboxes.company import company
from sandboxes.oracle.area import Area
from sandboxes.oracle.areas.master import ORGANIZATIONS, UOM
from sandboxes.oracle.framework.behaviours import KEPT
from sandboxes.oracle.framework.declare import Field, Resource, Row, Work, fields

MASTER = "001"
"""The organization whose items are sold."""

PRICE_LIST = "Corporate Segment Price List"
_SUBINVENTORY = "Stores"
_FIRST_LIST, _FIRST_PRICE = 300_000_008_000_000, 300_000_008_100_000
_FOLLOWED = """
CREATE TRIGGER inv_onhand_shown AFTER UPDATE OF quantity ON inv_onhand BEGIN
  UPDATE "inventoryOnhandBalances" SET "PrimaryOnhandQuantity" = NEW.quantity, "@version" = "@version" + 1
  WHERE "ItemNumber" = NEW.item_number AND "OrganizationCode" = NEW.organization_code;
  UPDATE "onhandQuantityDetails" SET "PrimaryQuantity" = NEW.quantity, "@version" = "@version" + 1
  WHERE "ItemNumber" = NEW.item_number AND "OrganizationCode" = NEW.organization_code;
END;
"""

ITEMS = Resource(
    "itemsV2",
    "itemsV2",
    (
        *fields("ItemId", "integer", writable=False),
        Field("OrganizationCode", required=True, updatable=False, longest=18),
        Field("ItemNumber", required=True, updatable=False, longest=300),
        Field("ItemDescription", longest=240),
        Field("LongDescription", longest=4000),
        Field("ItemClass", required=True, longest=400),
        Field("PrimaryUOMValue", longest=25),
        Field("ItemStatusValue", longest=80),
        Field("UnitWeightQuantity", "number"),
        Field("WeightUOMValue", longest=25),
        Field("CustomerOrderEnabledFlag", "boolean", default=True),
    ),
    alternate=("ItemNumber", "OrganizationCode"),
    behaviour=KEPT,
)
_LOTS = Resource("lots", "inventoryOnhandBalances.lots", fields("LotNumber"))
_SERIALS = Resource("serials", "inventoryOnhandBalances.serials", fields("SerialNumber"))
BALANCES = Resource(
    "inventoryOnhandBalances",
    "inventoryOnhandBalances",
    (
        *fields("OrganizationCode ItemNumber ItemDescription SubinventoryCode PrimaryUOMValue"),
        Field("PrimaryOnhandQuantity", "number"),
    ),
    alternate=("ItemNumber", "OrganizationCode", "SubinventoryCode"),
    children=(_LOTS, _SERIALS),
    lists={"ItemsLOV": "itemsV2"},
)
DETAILS = Resource(
    "onhandQuantityDetails",
    "onhandQuantityDetails",
    (*fields("OrganizationCode ItemNumber SubinventoryCode PrimaryUOMCode"), Field("PrimaryQuantity", "number")),
    alternate=("ItemNumber", "OrganizationCode", "SubinventoryCode"),
)
_CHARGES = Resource(
    "charges",
    "priceLists.items.charges",
    (
        *fields("PriceListChargeId", "integer", writable=False),
        *fields("PricingChargeDefinition CalculationMethodCode ChargeLineNumber"),
        Field("BasePrice", "number"),
    ),
    key="PriceListChargeId",
    behaviour=KEPT,
)
_PRICED = Resource(
    "items",
    "priceLists.items",
    (*fields("PriceListItemId", "integer", writable=False), *fields("ItemNumber ItemLevelCode PricingUOMCode")),
    key="PriceListItemId",
    children=(_CHARGES,),
    behaviour=KEPT,
)
TRANSACTIONS = Resource(
    "inventoryTransactions",
    "inventoryTransactions",
    (
        *fields("TransactionId", "integer"),
        *fields("OrganizationCode ItemNumber SubinventoryCode TransactionUOMCode TransactionTypeName SourceNumber"),
        *fields("TransactionQuantity", "number"),
        *fields("TransactionDate", "datetime"),
    ),
    key="TransactionId",
)
PRICE_LISTS = Resource(
    "priceLists",
    "priceLists",
    (
        *fields("PriceListId", "integer", writable=False),
        *fields("PriceListName PriceListTypeCode BusinessUnit CurrencyCode StatusCode"),
    ),
    key="PriceListId",
    children=(_PRICED,),
    behaviour=KEPT,
)


def _seed(work: Work) -> None:
    records = work.records
    prices = records.add(
        PRICE_LISTS,
        {
            "PriceListId": _FIRST_LIST, "PriceListName": PRICE_LIST, "PriceListTypeCode": "SEGMENT",
            "BusinessUnit": "US1 Business Unit", "CurrencyCode": "EUR", "StatusCode": "APPROVED",
        },
    )  # fmt: skip
    for one in company().products:
        identity = records.connection.execute(
            "SELECT item_id, status FROM egp_item WHERE item_number = ?", (one.sku,)
        ).fetchone()
        item: Row = {"ItemId": identity[0], "OrganizationCode": MASTER, "ItemNumber": one.sku}
        described: Row = {"ItemDescription": one.name, "LongDescription": one.description, "ItemClass": one.family}
        state: Row = {"PrimaryUOMValue": UOM, "ItemStatusValue": identity[1], "CustomerOrderEnabledFlag": True}
        weight: Row = {"UnitWeightQuantity": str(one.weight_grams), "WeightUOMValue": "g"}
        records.add(ITEMS, {**item, **described, **state, **weight})
        priced = records.add(
            _PRICED,
            {"PriceListItemId": _FIRST_PRICE + one.number, "ItemNumber": one.sku, "PricingUOMCode": UOM},
            prices["@id"],
        )
        charge: Row = {"PriceListChargeId": _FIRST_PRICE + one.number, "BasePrice": one.list_price}
        words: Row = {"PricingChargeDefinition": "QP_SALE_PRICE", "CalculationMethodCode": "PRICE"}
        records.add(_CHARGES, {**charge, **words, "ChargeLineNumber": "1"}, priced["@id"])
        _seed_stock(work, one.sku, one.name, one.stock)


def _seed_stock(work: Work, sku: str, name: str, stock: dict[str, int]) -> None:
    for place in ORGANIZATIONS:
        at: Row = {"OrganizationCode": place, "ItemNumber": sku, "SubinventoryCode": _SUBINVENTORY}
        quantity = str(stock.get(place, 0))
        shown: Row = {"ItemDescription": name, "PrimaryUOMValue": UOM, "PrimaryOnhandQuantity": quantity}
        work.records.add(BALANCES, {**at, **shown})
        work.records.add(DETAILS, {**at, "PrimaryUOMCode": UOM, "PrimaryQuantity": quantity})


area = Area(
    name="items",
    resources={"fscmRestApi": (ITEMS, BALANCES, DETAILS, TRANSACTIONS, PRICE_LISTS)},
    schema=_FOLLOWED,
    seed=_seed,
    order=21,
)
