"""API_MATERIAL_STOCK_SRV: stock per plant, storage location and stock type. Read-only.

Source: the service's published metadata. Stock type 01 is unrestricted use.
"""

from sandboxes.sap.odata_v2.edm import Service, entity_set

UNRESTRICTED = "01"
STORAGE_LOCATION = "171A"
_STOCK_KEY = (
    "Material Plant StorageLocation Batch Supplier Customer WBSElementInternalID SDDocument SDDocumentItem "
    "InventorySpecialStockType InventoryStockType"
)

_SETS = (
    entity_set(
        "A_MaterialStock",
        "Material",
        "Material:40 MaterialBaseUnit:3",
        ("to_MatlStkInAcctMod * A_MatlStkInAcctMod Material",),
        page_size=500,
    ),
    entity_set(
        "A_MatlStkInAcctMod",
        _STOCK_KEY,
        "Material:40 Plant:4 StorageLocation:4 Batch:10 Supplier:10# Customer:10# WBSElementInternalID:8 "
        "SDDocument:10# SDDocumentItem:6# InventorySpecialStockType:1 InventoryStockType:2 "
        "WBSElementExternalID:24 MaterialBaseUnit:3 MatlWrhsStkQtyInMatlBaseUnit=31,14@MaterialBaseUnit",
        ("to_MaterialStock 1 A_MaterialStock Material",),
        page_size=500,
    ),
)

MATERIAL_STOCK = Service(
    name="API_MATERIAL_STOCK_SRV",
    title="Material Stock (A2X)",
    component="MM-IM-GF",
    sets={one.name: one for one in _SETS},
)
