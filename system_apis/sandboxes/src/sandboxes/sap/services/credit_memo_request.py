"""API_CREDIT_MEMO_REQUEST_SRV: credit memos asked for, which billing then writes. The model.

Source: the service's published entities and properties (SAP Cloud SDK's credit-memo-request-service), a choice of
them; lengths as the same fields have in API_SALES_ORDER_SRV.
"""

from sandboxes.sap.odata_v2.edm import Service, entity_set

_SETS = (
    entity_set(
        "A_CreditMemoRequest",
        "CreditMemoRequest",
        "CreditMemoRequest:10#! CreditMemoRequestType:4- SalesOrganization:4- DistributionChannel:2- "
        "OrganizationDivision:2- SalesGroup:3 SalesOffice:4 SalesDistrict:6 SoldToParty:10#- CreationDate:date! "
        "CreatedByUser:12! LastChangeDate:date! LastChangeDateTime:dto! PurchaseOrderByCustomer:35 "
        "CustomerPurchaseOrderType:4 CustomerPurchaseOrderDate:date CreditMemoRequestDate:date "
        "TotalNetAmount=16,3!@TransactionCurrency TransactionCurrency:5- SDDocumentReason:3 PricingDate:date "
        "HeaderBillingBlockReason:2 IncotermsClassification:3 CustomerPaymentTerms:4 PaymentMethod:1 "
        "BillingDocumentDate:date ReferenceSDDocument:10#- ReferenceSDDocumentCategory:4! SalesDocApprovalStatus:1! "
        "OverallSDProcessStatus:1! TotalCreditCheckStatus:1! OverallSDDocumentRejectionSts:1! "
        "OverallOrdReltdBillgStatus:1!",
        (
            "to_Item * A_CreditMemoRequestItem CreditMemoRequest",
            "to_Partner * A_CreditMemoReqPartner CreditMemoRequest",
        ),
        label="Credit Memo Request",
        etag="LastChangeDateTime",
        access="cu",
    ),
    entity_set(
        "A_CreditMemoRequestItem",
        "CreditMemoRequest CreditMemoRequestItem",
        "CreditMemoRequest:10#! CreditMemoRequestItem:6#- HigherLevelItem:6# CreditMemoRequestItemCategory:4 "
        "CreditMemoRequestItemText:40 PurchaseOrderByCustomer:35 Material:40 MaterialByCustomer:35 PricingDate:date "
        "RequestedQuantity=15,3@RequestedQuantityUnit RequestedQuantityUnit:3 TransactionCurrency:5! "
        "NetAmount=16,3!@TransactionCurrency MaterialGroup:9! Batch:10 Plant:4 IncotermsClassification:3 "
        "CustomerPaymentTerms:4 ItemBillingBlockReason:2 SalesDocumentRjcnReason:2 ReferenceSDDocument:10#- "
        "ReferenceSDDocumentItem:6#- SDProcessStatus:1! OrderRelatedBillingStatus:1!",
        ("to_CreditMemoRequest 1 A_CreditMemoRequest CreditMemoRequest",),
        label="Credit Memo Request Item",
        access="u",
    ),
    entity_set(
        "A_CreditMemoReqPartner",
        "CreditMemoRequest PartnerFunction",
        "CreditMemoRequest:10#! PartnerFunction:2- Customer:10# Supplier:10# Personnel:8 ContactPerson:10#",
        ("to_CreditMemoRequest 1 A_CreditMemoRequest CreditMemoRequest",),
    ),
)

CREDIT_MEMO_REQUEST = Service(
    name="API_CREDIT_MEMO_REQUEST_SRV",
    title="Credit Memo Request (A2X)",
    component="SD-SLS-API",
    sets={one.name: one for one in _SETS},
)
