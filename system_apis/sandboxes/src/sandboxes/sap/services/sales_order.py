"""API_SALES_ORDER_SRV: the model.

Source: the service's published metadata (release 2x); a choice of its sets and properties, lengths as published.
"""

from sandboxes.sap.odata_v2.edm import FunctionImport, Service, entity_set, properties

_CONDITION = (
    "PricingProcedureStep:3- PricingProcedureCounter:3- ConditionType:4- PriceConditionDeterminationDte:date! "
    "ConditionCalculationType:3! ConditionBaseValue=24,9! ConditionRateValue=24,9 ConditionCurrency:5 "
    "ConditionQuantity=5,0 ConditionQuantityUnit:3 ConditionCategory:1! ConditionIsForStatistics:bool! "
    "ConditionOrigin:1! TaxCode:2! ConditionAmount=16,3!@TransactionCurrency TransactionCurrency:5! "
    "ConditionControl:1! ConditionInactiveReason:1! ConditionClass:1! ConditionIsManuallyChanged:bool!"
)
_PARTNER = (
    "PartnerFunction:2- PartnerFunctionInternalCode:2! Customer:10# Supplier:10# "
    "Personnel:8 ContactPerson:10# ReferenceBusinessPartner:10#! AddressID:10 VATRegistration:20"
)

_SETS = (
    entity_set(
        "A_SalesOrder",
        "SalesOrder",
        "SalesOrder:10#! SalesOrderType:4- SalesOrderTypeInternalCode:4! SalesOrganization:4- "
        "DistributionChannel:2- OrganizationDivision:2- SalesGroup:3 SalesOffice:4 SalesDistrict:6 "
        "SoldToParty:10#- CreationDate:date! CreatedByUser:12! LastChangeDate:date! SenderBusinessSystemName:60! "
        "ExternalDocumentID:40! LastChangeDateTime:dto! PurchaseOrderByCustomer:35 PurchaseOrderByShipToParty:35 "
        "CustomerPurchaseOrderType:4 CustomerPurchaseOrderDate:date SalesOrderDate:date "
        "TotalNetAmount=16,3!@TransactionCurrency OverallDeliveryStatus:1! TotalBlockStatus:1! "
        "OverallOrdReltdBillgStatus:1! OverallSDDocReferenceStatus:1! TransactionCurrency:5- SDDocumentReason:3 "
        "PricingDate:date RequestedDeliveryDate:date ShippingCondition:2 CompleteDeliveryIsDefined:bool "
        "ShippingType:2 HeaderBillingBlockReason:2 DeliveryBlockReason:2 IncotermsClassification:3 "
        "IncotermsTransferLocation:28 IncotermsLocation1:70 CustomerPriceGroup:2 PriceListType:2 "
        "CustomerPaymentTerms:4 PaymentMethod:1 AssignmentReference:18 ReferenceSDDocument:10# "
        "AccountingDocExternalReference:16 CustomerGroup:2 SalesDocApprovalStatus:1! OverallSDProcessStatus:1! "
        "TotalCreditCheckStatus:1! OverallTotalDeliveryStatus:1! OverallSDDocumentRejectionSts:1! "
        "BillingDocumentDate:date ServicesRenderedDate:date",
        (
            "to_Item * A_SalesOrderItem SalesOrder",
            "to_Partner * A_SalesOrderHeaderPartner SalesOrder",
            "to_PricingElement * A_SalesOrderHeaderPrElement SalesOrder",
            "to_SubsequentProcFlowDoc * A_SalesOrderSubsqntProcFlow SalesOrder",
            "to_Text * A_SalesOrderText SalesOrder",
        ),
        label="Sales Order Header",
        etag="LastChangeDateTime",
        access="cud",
        not_found=("SLS_LO/501", "Sales order {key} not found"),
    ),
    entity_set(
        "A_SalesOrderItem",
        "SalesOrder SalesOrderItem",
        "SalesOrder:10#! SalesOrderItem:6#- HigherLevelItem:6# SalesOrderItemCategory:4 SalesOrderItemText:40 "
        "PurchaseOrderByCustomer:35 UnderlyingPurchaseOrderItem:6 ExternalItemID:40! Material:40 "
        "MaterialByCustomer:35 PricingDate:date RequestedQuantity=15,3@RequestedQuantityUnit "
        "RequestedQuantityUnit:3 RequestedQuantitySAPUnit:3 RequestedQuantityISOUnit:3 OrderQuantityUnit:3! "
        "ConfdDelivQtyInOrderQtyUnit=15,3!@OrderQuantityUnit ItemGrossWeight=15,3! ItemNetWeight=15,3! "
        "ItemWeightUnit:3! TransactionCurrency:5! NetAmount=16,3!@TransactionCurrency MaterialGroup:9 Batch:10 "
        "ProductionPlant:4 StorageLocation:4 ShippingPoint:4 DeliveryPriority:2 IncotermsClassification:3 "
        "TaxAmount=14,3!@TransactionCurrency CostAmount=14,3@TransactionCurrency CustomerPaymentTerms:4 "
        "SalesDocumentRjcnReason:2 ItemBillingBlockReason:2 ReferenceSDDocument:10# ReferenceSDDocumentItem:6# "
        "SDProcessStatus:1! DeliveryStatus:1! OrderRelatedBillingStatus:1! "
        "Subtotal1Amount=14,3!@TransactionCurrency Subtotal2Amount=14,3!@TransactionCurrency",
        (
            "to_Partner * A_SalesOrderItemPartner SalesOrder SalesOrderItem",
            "to_PricingElement * A_SalesOrderItemPrElement SalesOrder SalesOrderItem",
            "to_SalesOrder 1 A_SalesOrder SalesOrder",
            "to_ScheduleLine * A_SalesOrderScheduleLine SalesOrder SalesOrderItem",
            "to_SubsequentProcFlowDocItem * A_SalesOrderItmSubsqntProcFlow SalesOrder SalesOrderItem",
            "to_Text * A_SalesOrderItemText SalesOrder SalesOrderItem",
        ),
        label="Sales Order Item",
        access="cud",
    ),
    entity_set(
        "A_SalesOrderHeaderPartner",
        "SalesOrder PartnerFunction",
        f"SalesOrder:10#! {_PARTNER}",
        ("to_SalesOrder 1 A_SalesOrder SalesOrder",),
        access="cud",
    ),
    entity_set(
        "A_SalesOrderItemPartner",
        "SalesOrder SalesOrderItem PartnerFunction",
        f"SalesOrder:10#! SalesOrderItem:6#! {_PARTNER}",
        ("to_SalesOrder 1 A_SalesOrder SalesOrder", "to_SalesOrderItem 1 A_SalesOrderItem SalesOrder SalesOrderItem"),
    ),
    entity_set(
        "A_SalesOrderHeaderPrElement",
        "SalesOrder PricingProcedureStep PricingProcedureCounter",
        f"SalesOrder:10#! {_CONDITION}",
        ("to_SalesOrder 1 A_SalesOrder SalesOrder",),
    ),
    entity_set(
        "A_SalesOrderItemPrElement",
        "SalesOrder SalesOrderItem PricingProcedureStep PricingProcedureCounter",
        f"SalesOrder:10#! SalesOrderItem:6#! {_CONDITION}",
        ("to_SalesOrder 1 A_SalesOrder SalesOrder", "to_SalesOrderItem 1 A_SalesOrderItem SalesOrder SalesOrderItem"),
    ),
    entity_set(
        "A_SalesOrderScheduleLine",
        "SalesOrder SalesOrderItem ScheduleLine",
        "SalesOrder:10#! SalesOrderItem:6#! ScheduleLine:4#- RequestedDeliveryDate:date "
        "ConfirmedDeliveryDate:date OrderQuantityUnit:3 ScheduleLineOrderQuantity=13,3@OrderQuantityUnit "
        "ConfdOrderQtyByMatlAvailCheck=13,3@OrderQuantityUnit DeliveredQtyInOrderQtyUnit=13,3@OrderQuantityUnit "
        "OpenConfdDelivQtyInOrdQtyUnit=13,3@OrderQuantityUnit CorrectedQtyInOrderQtyUnit=13,3@OrderQuantityUnit "
        "DelivBlockReasonForSchedLine:2",
    ),
    entity_set(
        "A_SalesOrderText",
        "SalesOrder Language LongTextID",
        "SalesOrder:10#! Language:2- LongTextID:4- LongText:",
        ("to_SalesOrder 1 A_SalesOrder SalesOrder",),
        access="cud",
    ),
    entity_set(
        "A_SalesOrderItemText",
        "SalesOrder SalesOrderItem Language LongTextID",
        "SalesOrder:10#! SalesOrderItem:6#! Language:2- LongTextID:4- LongText:",
        ("to_SalesOrderItem 1 A_SalesOrderItem SalesOrder SalesOrderItem",),
        access="cud",
    ),
    entity_set(
        "A_SalesOrderSubsqntProcFlow",
        "SalesOrder DocRelationshipUUID",
        "SalesOrder:10# DocRelationshipUUID:guid SubsequentDocument:10# SubsequentDocumentCategory:4 "
        "ProcessFlowLevel:2 OverallSDProcessStatus:1 CreationDate:date CreationTime:time LastChangeDate:date",
        ("to_SalesOrder 1 A_SalesOrder SalesOrder",),
    ),
    entity_set(
        "A_SalesOrderItmSubsqntProcFlow",
        "SalesOrder SalesOrderItem DocRelationshipUUID",
        "SalesOrder:10# SalesOrderItem:6# DocRelationshipUUID:guid SubsequentDocument:10# "
        "SubsequentDocumentItem:6# SubsequentDocumentCategory:4 ProcessFlowLevel:2 SDProcessStatus:1 "
        "CreationDate:date CreationTime:time LastChangeDate:date",
        ("to_SalesOrder 1 A_SalesOrder SalesOrder", "to_SalesOrderItem 1 A_SalesOrderItem SalesOrder SalesOrderItem"),
    ),
)

SALES_ORDER = Service(
    name="API_SALES_ORDER_SRV",
    title="Sales Order (A2X)",
    component="SD-SLS-API",
    sets={one.name: one for one in _SETS},
    functions={
        name: FunctionImport(name, "POST", properties("SalesOrder:10#"), "FunctionResult")
        for name in ("rejectApprovalRequest", "releaseApprovalRequest")
    },
    complex_types={"FunctionResult": properties("Boolean:bool")},
)
