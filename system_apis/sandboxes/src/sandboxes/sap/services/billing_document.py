"""API_BILLING_DOCUMENT_SRV: the model.

Source: the service's published metadata, lengths as published.
"""

from sandboxes.sap.odata_v2.edm import FunctionImport, Service, entity_set, properties

_SETS = (
    entity_set(
        "A_BillingDocument",
        "BillingDocument",
        "BillingDocument:10# SDDocumentCategory:4 BillingDocumentCategory:1 BillingDocumentType:4 "
        "CreationDate:date CreationTime:time LastChangeDate:date LastChangeDateTime:dto SalesOrganization:4 "
        "DistributionChannel:2 Division:2 BillingDocumentDate:date BillingDocumentIsCancelled:bool "
        "CancelledBillingDocument:10# TotalNetAmount=16,3@TransactionCurrency TransactionCurrency:5 "
        "TaxAmount=14,3@TransactionCurrency TotalGrossAmount=17,3@TransactionCurrency PayerParty:10# "
        "SoldToParty:10# CustomerPaymentTerms:4 PaymentReference:30 CompanyCode:4 FiscalYear:4 "
        "AccountingDocument:10# DocumentReferenceID:16 PurchaseOrderByCustomer:35 Country:3 "
        "OverallSDProcessStatus:1 OverallBillingStatus:1 AccountingPostingStatus:1 AccountingTransferStatus:1 "
        "InvoiceClearingStatus:1",
        ("to_Item * A_BillingDocumentItem BillingDocument", "to_Partner * A_BillingDocumentPartner BillingDocument"),
        etag="LastChangeDateTime",
    ),
    entity_set(
        "A_BillingDocumentItem",
        "BillingDocument BillingDocumentItem",
        "BillingDocument:10# BillingDocumentItem:6# SalesDocumentItemCategory:4 Material:40 "
        "BillingDocumentItemText:40 Plant:4 BillingQuantity=13,3@BillingQuantityUnit BillingQuantityUnit:3 "
        "NetAmount=16,3@TransactionCurrency TransactionCurrency:5 GrossAmount=16,3@TransactionCurrency "
        "TaxAmount=14,3@TransactionCurrency ReferenceSDDocument:10# ReferenceSDDocumentItem:6# "
        "ReferenceSDDocumentCategory:4 SalesDocument:10# SalesDocumentItem:6# SalesSDDocumentCategory:4 "
        "CreationDate:date",
        ("to_BillingDocument 1 A_BillingDocument BillingDocument",),
    ),
    entity_set(
        "A_BillingDocumentPartner",
        "BillingDocument PartnerFunction",
        "BillingDocument:10# PartnerFunction:2 Customer:10# Supplier:10# Personnel:8 ContactPerson:10#",
        ("to_BillingDocument 1 A_BillingDocument BillingDocument",),
    ),
)

BILLING_DOCUMENT = Service(
    name="API_BILLING_DOCUMENT_SRV",
    title="Billing Document (A2X)",
    component="SD-BIL-IV-API",
    sets={one.name: one for one in _SETS},
    functions={
        "GetPDF": FunctionImport("GetPDF", "GET", properties("BillingDocument:10#"), "GetPDFResult"),
        "Cancel": FunctionImport("Cancel", "POST", properties("BillingDocument:10#"), "CancelResult", many=True),
    },
    complex_types={
        "GetPDFResult": properties("BillingDocumentBinary:"),
        "CancelResult": properties("BillingDocument:10# CancelledBillingDocument:10#"),
    },
)
