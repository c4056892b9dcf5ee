"""API_CUSTOMER_RETURN_SRV: goods that customers send back, with reference to the order they came with. The model.

Source: the service's published entities and properties (SAP Cloud SDK's customer-return-service), a choice of them;
lengths as the same fields have in API_SALES_ORDER_SRV.
"""

from sandboxes.sap.odata_v2.edm import Service, entity_set

_SETS = (
    entity_set(
        "A_CustomerReturn",
        "CustomerReturn",
        "CustomerReturn:10#! CustomerReturnType:4- SalesOrganization:4- DistributionChannel:2- "
        "OrganizationDivision:2- SalesGroup:3 SalesOffice:4 SalesDistrict:6 SoldToParty:10#- CreationDate:date! "
        "CreatedByUser:12! LastChangeDate:date! SenderBusinessSystemName:60! LastChangeDateTime:dto! "
        "PurchaseOrderByCustomer:35 CustomerPurchaseOrderType:4 CustomerPurchaseOrderDate:date "
        "CustomerReturnDate:date TotalNetAmount=16,3!@TransactionCurrency TransactionCurrency:5- SDDocumentReason:3 "
        "PricingDate:date RequestedDeliveryDate:date ShippingType:2 HeaderBillingBlockReason:2 DeliveryBlockReason:2 "
        "IncotermsClassification:3 CustomerPaymentTerms:4 PaymentMethod:1 RetsMgmtProcess:12! ReferenceSDDocument:10#- "
        "ReferenceSDDocumentCategory:4! SalesDocApprovalStatus:1! RetsMgmtLogProcgStatus:1! "
        "RetsMgmtCompnProcgStatus:1! RetsMgmtProcessingStatus:1! OverallSDProcessStatus:1! TotalCreditCheckStatus:1! "
        "OverallSDDocumentRejectionSts:1!",
        ("to_Item * A_CustomerReturnItem CustomerReturn", "to_Partner * A_CustomerReturnPartner CustomerReturn"),
        label="Customer Return",
        etag="LastChangeDateTime",
        access="cu",
    ),
    entity_set(
        "A_CustomerReturnItem",
        "CustomerReturn CustomerReturnItem",
        "CustomerReturn:10#! CustomerReturnItem:6#- HigherLevelItem:6# CustomerReturnItemCategory:4 "
        "CustomerReturnItemText:40 PurchaseOrderByCustomer:35 Material:40 MaterialByCustomer:35 "
        "RequestedQuantity=15,3@RequestedQuantityUnit RequestedQuantityUnit:3 ItemGrossWeight=15,3! "
        "ItemNetWeight=15,3! ItemWeightUnit:3! TransactionCurrency:5! NetAmount=16,3!@TransactionCurrency "
        "MaterialGroup:9! Batch:10 ProductionPlant:4 StorageLocation:4 ShippingPoint:4 ShippingType:2 "
        "DeliveryPriority:2 IncotermsClassification:3 CustomerPaymentTerms:4 SalesDocumentRjcnReason:2 "
        "ItemBillingBlockReason:2 ReturnReason:3 RetsMgmtProcessingBlock:1 CustRetItmFollowUpActivity:4 "
        "ReturnsMaterialHasBeenReceived:1 ReturnsRefundType:1 ReturnsRefundProcgMode:1 ReturnsRefundExtent:3 "
        "SDProcessStatus:1! ReferenceSDDocument:10#- ReferenceSDDocumentItem:6#- ReferenceSDDocumentCategory:4! "
        "SDDocumentRejectionStatus:1!",
        ("to_CustomerReturn 1 A_CustomerReturn CustomerReturn",),
        label="Customer Return Item",
        access="u",
    ),
    entity_set(
        "A_CustomerReturnPartner",
        "CustomerReturn PartnerFunction",
        "CustomerReturn:10#! PartnerFunction:2- Customer:10# Supplier:10# Personnel:8 ContactPerson:10#",
        ("to_CustomerReturn 1 A_CustomerReturn CustomerReturn",),
    ),
)

CUSTOMER_RETURN = Service(
    name="API_CUSTOMER_RETURN_SRV",
    title="Customer Return (A2X)",
    component="SD-SLS-API",
    sets={one.name: one for one in _SETS},
)
