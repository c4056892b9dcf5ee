"""API_OUTBOUND_DELIVERY_SRV, version 2: deliveries and the document flow behind them, and what a warehouse does.

Source: the service's published metadata, lengths as published.
"""

from sandboxes.sap.odata_v2.edm import FunctionImport, Service, entity_set, properties

_SETS = (
    entity_set(
        "A_OutbDeliveryHeader",
        "DeliveryDocument",
        "DeliveryDocument:10# DeliveryDocumentType:4 DeliveryVersion:4 SDDocumentCategory:4 CreatedByUser:12 "
        "CreationDate:date CreationTime:time LastChangeDate:date DocumentDate:date DeliveryDate:date "
        "PlannedGoodsIssueDate:date ActualGoodsMovementDate:date ActualGoodsMovementTime:time PickingDate:date "
        "LoadingDate:date SalesOrganization:4 ShippingPoint:4 ShippingCondition:2 ShipToParty:10# SoldToParty:10# "
        "BillOfLading:35 MeansOfTransport:20 MeansOfTransportType:4 DeliveryBlockReason:2 "
        "HeaderGrossWeight=15,3@HeaderWeightUnit HeaderNetWeight=15,3@HeaderWeightUnit HeaderWeightUnit:3 "
        "IncotermsClassification:3 OverallDelivReltdBillgStatus:1 OverallGoodsMovementStatus:1 "
        "OverallPackingStatus:1 OverallPickingStatus:1 OverallSDProcessStatus:1 TotalCreditCheckStatus:1 "
        "TransactionCurrency:5",
        (
            "to_DeliveryDocumentItem * A_OutbDeliveryItem DeliveryDocument",
            "to_DeliveryDocumentPartner * A_OutbDeliveryPartner DeliveryDocument=SDDocument",
        ),
        etag="DeliveryVersion",
    ),
    entity_set(
        "A_OutbDeliveryItem",
        "DeliveryDocument DeliveryDocumentItem",
        "DeliveryDocument:10# DeliveryDocumentItem:6# DeliveryDocumentItemCategory:4 DeliveryDocumentItemText:40 "
        "DeliveryVersion:4 Material:40 Plant:4 StorageLocation:4 Batch:10 "
        "ActualDeliveryQuantity=13,3@DeliveryQuantityUnit DeliveryQuantityUnit:3 BaseUnit:3 "
        "ActualDeliveredQtyInBaseUnit=13,3@BaseUnit ReferenceSDDocument:10# ReferenceSDDocumentItem:6# "
        "ReferenceSDDocumentCategory:4 PickingStatus:1 GoodsMovementStatus:1 SDProcessStatus:1 "
        "DeliveryRelatedBillingStatus:1 ItemGrossWeight=15,3@ItemWeightUnit ItemNetWeight=15,3@ItemWeightUnit "
        "ItemWeightUnit:3 CreationDate:date",
        etag="DeliveryVersion",
    ),
    entity_set(
        "A_OutbDeliveryPartner",
        "PartnerFunction SDDocument",
        "SDDocument:10# SDDocumentItem:6# PartnerFunction:2 Customer:10# Supplier:10# Personnel:8 "
        "ContactPerson:10# AddressID:10",
    ),
    entity_set(
        "A_OutbDeliveryDocFlow",
        "PrecedingDocument PrecedingDocumentItem SubsequentDocumentCategory",
        "PrecedingDocument:10# PrecedingDocumentItem:6# PrecedingDocumentCategory:4 Subsequentdocument:10# "
        "SubsequentDocumentItem:6# SubsequentDocumentCategory:4 Deliveryversion:4 QuantityInBaseUnit=15,3",
    ),
)

_DOCUMENT, _ITEM = "DeliveryDocument:10#", "DeliveryDocumentItem:6#"
_SAID = (
    "SystemMessageIdentification:20 SystemMessageNumber:3 SystemMessageType:1 SystemMessageVariable1:50 "
    f"{_DOCUMENT} {_ITEM}"
)
_FUNCTIONS = (
    FunctionImport("PickAllItems", "POST", properties(_DOCUMENT), "PickingReport", many=True),
    FunctionImport("PickOneItem", "POST", properties(f"{_DOCUMENT} {_ITEM}"), "PickingReport", many=True),
    FunctionImport("ConfirmPickingAllItems", "POST", properties(_DOCUMENT), "PickingReport", many=True),
    FunctionImport("PostGoodsIssue", "POST", properties(_DOCUMENT), "Return"),
    FunctionImport("ReverseGoodsIssue", "POST", properties(_DOCUMENT), "Return"),
)

OUTBOUND_DELIVERY = Service(
    name="API_OUTBOUND_DELIVERY_SRV",
    title="Outbound Delivery (A2X)",
    component="LE-SHP-API",
    version=2,
    suffix=";v=0002",
    sets={one.name: one for one in _SETS},
    functions={one.name: one for one in _FUNCTIONS},
    complex_types={name: properties(_SAID) for name in ("PickingReport", "Return")},
)
