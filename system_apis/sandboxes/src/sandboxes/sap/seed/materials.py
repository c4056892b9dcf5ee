"""Materials, their prices and their stock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from sandboxes.company import Company, Product
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.sales.tables import EXCHANGE_RATES, LIST_PRICES
from sandboxes.sap.services.material_stock import MATERIAL_STOCK, STORAGE_LOCATION, UNRESTRICTED
from sandboxes.sap.services.product import PRODUCT
from sandboxes.sap.storage import Records, table_of

_CREATED = datetime(2025, 2, 3, tzinfo=UTC)
_BLOCKED = "01"


def seed_materials(records: Records, company: Company) -> None:
    """Write every product as a material in all plants and sales organisations."""
    rows: dict[str, list[Row]] = {}
    for product in company.products:
        for name, row in _material(product, company):
            rows.setdefault(name, []).append(row)
    for name, written in rows.items():
        service = PRODUCT if name in PRODUCT.sets else MATERIAL_STOCK
        records.add(table_of(service, name), *written)
    records.add(LIST_PRICES, *({"Material": one.sku, "Amount": one.list_price} for one in company.products))
    records.add(
        EXCHANGE_RATES, *({"Currency": code, "UnitsPerEuro": rate} for code, rate in company.exchange_rates.items())
    )


def _material(product: Product, company: Company) -> Iterator[tuple[str, Row]]:
    weight = Decimal(product.weight_grams) / 1000
    status = "" if product.active else _BLOCKED
    length, width, height = product.dimensions_mm
    yield (
        "A_Product",
        {
            "Product": product.sku,
            "ProductType": "HAWA",
            "CrossPlantStatus": status,
            "CreationDate": _CREATED,
            "CreatedByUser": "MIGRATION",
            "LastChangeDate": _CREATED,
            "LastChangeDateTime": _CREATED,
            "GrossWeight": weight,
            "NetWeight": weight,
            "WeightUnit": "KG",
            "ProductGroup": "L001",
            "BaseUnit": "PC",
            "ItemCategoryGroup": "NORM",
            "Division": "00",
            "SizeOrDimensionText": f"{length}x{width}x{height} mm",
            "IndustrySector": "M",
        },
    )
    yield "A_ProductDescription", {"Product": product.sku, "Language": "EN", "ProductDescription": product.name[:40]}
    yield (
        "A_ProductUnitsOfMeasure",
        {
            "Product": product.sku,
            "AlternativeUnit": "PC",
            "QuantityNumerator": Decimal(1),
            "QuantityDenominator": Decimal(1),
            "GrossWeight": weight,
            "WeightUnit": "KG",
            "ProductMeasurementUnit": "MM",
            "UnitSpecificProductLength": Decimal(length),
            "UnitSpecificProductWidth": Decimal(width),
            "UnitSpecificProductHeight": Decimal(height),
            "BaseUnit": "PC",
        },
    )
    yield "A_MaterialStock", {"Material": product.sku, "MaterialBaseUnit": "PC"}
    for warehouse in company.warehouses:
        yield from _in_plant(
            product, warehouse.sap_plant, warehouse.sap_sales_organization, product.stock.get(warehouse.code, 0), status
        )


def _in_plant(product: Product, plant: str, organization: str, on_hand: int, status: str) -> Iterator[tuple[str, Row]]:
    yield (
        "A_ProductPlant",
        {"Product": product.sku, "Plant": plant, "AvailabilityCheckType": "SR", "MRPType": "ND", "BaseUnit": "PC"},
    )
    yield (
        "A_ProductSalesDelivery",
        {
            "Product": product.sku,
            "ProductSalesOrg": organization,
            "ProductDistributionChnl": "10",
            "SupplyingPlant": plant,
            "ItemCategoryGroup": "NORM",
            "ProductSalesStatus": status,
            "BaseUnit": "PC",
        },
    )
    yield (
        "A_ProductValuation",
        {
            "Product": product.sku,
            "ValuationArea": plant,
            "ValuationClass": "3100",
            "PriceDeterminationControl": "2",
            "StandardPrice": (product.list_price * Decimal("0.6")).quantize(Decimal("0.01")),
            "PriceUnitQty": Decimal(1),
            "Currency": product.currency,
            "BaseUnit": "PC",
        },
    )
    yield (
        "A_MatlStkInAcctMod",
        {
            "Material": product.sku,
            "Plant": plant,
            "StorageLocation": STORAGE_LOCATION,
            "InventoryStockType": UNRESTRICTED,
            "MaterialBaseUnit": "PC",
            "MatlWrhsStkQtyInMatlBaseUnit": Decimal(on_hand),
        },
    )
