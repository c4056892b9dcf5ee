"""API_SALES_ORDER_SIMULATION_SRV: the model. Nothing in it is ever stored.

Source: the service's published metadata; a choice of its properties, lengths as published.
"""

from sandboxes.sap.odata_v2.edm import Service, entity_set

_CONDITION = (
    "PricingProcedureStep:3 PricingProcedureCounter:3 ConditionType:4 PriceConditionDeterminationDte:date "
    "ConditionCalculationType:3 ConditionBaseValue=24,9 ConditionRateValue=24,9 ConditionCurrency:5 "
    "ConditionQuantity=5,0 ConditionQuantityUnit:3 ConditionIsForStatistics:bool ConditionOrigin:1 "
    "ConditionAmount=16,3@TransactionCurrency TransactionCurrency:5 ConditionInactiveReason:1 ConditionClass:1 "
    "ConditionIsManuallyChanged:bool"
)
_PARTNER = (
    "PartnerFunction:2 PartnerFunctionInternalCode:2 Customer:10# "
    "Supplier:10# Personnel:8 ContactPerson:10# VATRegistration:20"
)

_SETS = (
    entity_set(
        "A_SalesOrderSimulation",
        "SalesOrder",
        "SalesOrder:10# SalesOrderType:4 SalesOrganization:4 DistributionChannel:2 OrganizationDivision:2 "
        "SalesGroup:3 SalesOffice:4 SalesDistrict:6 SoldToParty:10# CustomerGroup:2 PurchaseOrderByCustomer:35 "
        "CustomerPurchaseOrderType:4 CustomerPurchaseOrderDate:date SalesOrderDate:date TransactionCurrency:5 "
        "PriceListType:2 CustomerPriceGroup:2 SDDocumentReason:3 PricingDate:date RequestedDeliveryDate:date "
        "ShippingCondition:2 CompleteDeliveryIsDefined:bool ShippingType:2 IncotermsClassification:3 "
        "IncotermsTransferLocation:28 IncotermsLocation1:70 ReferenceSDDocument:10# CustomerPaymentTerms:4 "
        "PaymentMethod:1",
        (
            "to_Credit 1 A_SalesOrderCreditSimulation SalesOrder",
            "to_Item * A_SalesOrderItemSimulation SalesOrder",
            "to_Partner * A_SalesOrderPartnerSimulation SalesOrder",
            "to_Pricing 1 A_SalesOrderPricingSimulation SalesOrder",
            "to_PricingElement * A_SalesOrderPrcgElmntSimln SalesOrder",
        ),
        access="c",
    ),
    entity_set(
        "A_SalesOrderItemSimulation",
        "SalesOrder SalesOrderItem",
        "SalesOrder:10# SalesOrderItem:6# HigherLevelItem:6# SalesOrderItemCategory:4 SalesOrderItemText:40 "
        "PurchaseOrderByCustomer:35 Material:40 MaterialByCustomer:35 PricingDate:date "
        "RequestedQuantity=15,3@RequestedQuantityUnit RequestedQuantityUnit:3 RequestedQuantitySAPUnit:3 "
        "RequestedQuantityISOUnit:3 OrderQuantityUnit:3 ConfdDelivQtyInOrderQtyUnit=15,3@OrderQuantityUnit "
        "ItemGrossWeight=15,3 ItemNetWeight=15,3 ItemWeightUnit:3 TransactionCurrency:5 "
        "NetAmount=16,3@TransactionCurrency TaxAmount=14,3@TransactionCurrency "
        "CostAmount=14,3@TransactionCurrency Subtotal1Amount=14,3@TransactionCurrency "
        "Subtotal2Amount=14,3@TransactionCurrency MaterialGroup:9 Batch:10 Plant:4 StorageLocation:4 "
        "ShippingPoint:4 DeliveryPriority:2 IncotermsClassification:3 ReferenceSDDocument:10# "
        "ReferenceSDDocumentItem:6# CustomerPaymentTerms:4 SalesDocumentRjcnReason:2",
        (
            "to_Partner * A_SalesOrderItemPartnerSimln SalesOrder SalesOrderItem",
            "to_PricingElement * A_SalesOrderItmPrcgElmntSimln SalesOrder SalesOrderItem",
            "to_SalesOrder 1 A_SalesOrderSimulation SalesOrder",
            "to_ScheduleLine * A_SalesOrderScheduleLineSimln SalesOrder SalesOrderItem",
        ),
    ),
    entity_set("A_SalesOrderCreditSimulation", "SalesOrder", "SalesOrder:10# TotalCreditCheckStatus:1"),
    entity_set(
        "A_SalesOrderPricingSimulation",
        "SalesOrder",
        "SalesOrder:10# TotalNetAmount=16,3@TransactionCurrency TransactionCurrency:5",
    ),
    entity_set(
        "A_SalesOrderPrcgElmntSimln",
        "SalesOrder PricingProcedureStep PricingProcedureCounter",
        f"SalesOrder:10# {_CONDITION}",
    ),
    entity_set(
        "A_SalesOrderItmPrcgElmntSimln",
        "SalesOrder SalesOrderItem PricingProcedureStep PricingProcedureCounter",
        f"SalesOrder:10# SalesOrderItem:6# {_CONDITION}",
    ),
    entity_set(
        "A_SalesOrderScheduleLineSimln",
        "SalesOrder SalesOrderItem ScheduleLine",
        "SalesOrder:10# SalesOrderItem:6# ScheduleLine:4# RequestedDeliveryDate:date ConfirmedDeliveryDate:date "
        "OrderQuantityUnit:3 ScheduleLineOrderQuantity=13,3@OrderQuantityUnit "
        "ConfdOrderQtyByMatlAvailCheck=13,3@OrderQuantityUnit "
        "OpenConfdDelivQtyInOrdQtyUnit=13,3@OrderQuantityUnit CorrectedQtyInOrderQtyUnit=13,3@OrderQuantityUnit",
    ),
    entity_set("A_SalesOrderPartnerSimulation", "SalesOrder PartnerFunction", f"SalesOrder:10# {_PARTNER}"),
    entity_set(
        "A_SalesOrderItemPartnerSimln",
        "SalesOrder SalesOrderItem PartnerFunction",
        f"SalesOrder:10# SalesOrderItem:6# {_PARTNER}",
    ),
)

SIMULATION = Service(
    name="API_SALES_ORDER_SIMULATION_SRV",
    title="Sales Order - Simulate (A2X)",
    component="SD-SLS-API",
    sets={one.name: one for one in _SETS},
)
