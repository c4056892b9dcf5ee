"""API_PRODUCT_SRV: materials with descriptions, plants, sales data and valuation. Read-only here.

Source: the service's published metadata, lengths as published.
"""

from sandboxes.sap.odata_v2.edm import Service, entity_set

_SETS = (
    entity_set(
        "A_Product",
        "Product",
        "Product:40 ProductType:4 CrossPlantStatus:2 CrossPlantStatusValidityDate:date CreationDate:date "
        "CreatedByUser:12 LastChangeDate:date LastChangedByUser:12 LastChangeDateTime:dto "
        "IsMarkedForDeletion:bool ProductOldID:40 GrossWeight=13,3@WeightUnit WeightUnit:3 "
        "NetWeight=13,3@WeightUnit CountryOfOrigin:3 ProductGroup:9 BaseUnit:3 ItemCategoryGroup:4 "
        "ProductHierarchy:18 Division:2 VolumeUnit:3 MaterialVolume=13,3@VolumeUnit Brand:4 "
        "SizeOrDimensionText:32 ProductStandardID:18 IsBatchManagementRequired:bool IndustrySector:1",
        (
            "to_Description * A_ProductDescription Product",
            "to_Plant * A_ProductPlant Product",
            "to_ProductUnitsOfMeasure * A_ProductUnitsOfMeasure Product",
            "to_SalesDelivery * A_ProductSalesDelivery Product",
            "to_Valuation * A_ProductValuation Product",
        ),
        page_size=250,
    ),
    entity_set(
        "A_ProductDescription", "Product Language", "Product:40 Language:2 ProductDescription:40", page_size=1000
    ),
    entity_set(
        "A_ProductPlant",
        "Product Plant",
        "Product:40 Plant:4 AvailabilityCheckType:2 ProfitCenter:10 MRPType:2 IsMarkedForDeletion:bool BaseUnit:3",
        page_size=1000,
    ),
    entity_set(
        "A_ProductSalesDelivery",
        "Product ProductSalesOrg ProductDistributionChnl",
        "Product:40 ProductSalesOrg:4 ProductDistributionChnl:2 MinimumOrderQuantity=13,3@BaseUnit "
        "SupplyingPlant:4 ItemCategoryGroup:4 ProductSalesStatus:2 SalesMeasureUnit:3 IsMarkedForDeletion:bool "
        "BaseUnit:3",
        page_size=1000,
    ),
    entity_set(
        "A_ProductUnitsOfMeasure",
        "Product AlternativeUnit",
        "Product:40 AlternativeUnit:3 QuantityNumerator=5,0 QuantityDenominator=5,0 GrossWeight=13,3@WeightUnit "
        "WeightUnit:3 ProductMeasurementUnit:3 UnitSpecificProductLength=13,3 UnitSpecificProductWidth=13,3 "
        "UnitSpecificProductHeight=13,3 BaseUnit:3",
        page_size=1000,
    ),
    entity_set(
        "A_ProductValuation",
        "Product ValuationArea ValuationType",
        "Product:40 ValuationArea:4 ValuationType:10 ValuationClass:4 PriceDeterminationControl:1 "
        "StandardPrice=12,3@Currency PriceUnitQty=5,0 Currency:5 BaseUnit:3",
        page_size=1000,
    ),
)

PRODUCT = Service(
    name="API_PRODUCT_SRV", title="Product Master (A2X)", component="LO-MD-MM", sets={one.name: one for one in _SETS}
)
