"""API_BILLING_DOCUMENT_SRV: invoices, and their print image.

Source: the service's published metadata, lengths as published.
"""

import base64
from collections.abc import Mapping

from sandboxes.sap.odata_v2.behaviour import Behaviour, Work
from sandboxes.sap.odata_v2.edm import FunctionImport, Row, Service, Value, entity_set, properties
from sandboxes.sap.odata_v2.resource import not_found

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
    functions={"GetPDF": FunctionImport("GetPDF", "GET", properties("BillingDocument:10#"), "GetPDFResult")},
    complex_types={"GetPDFResult": properties("BillingDocumentBinary:")},
)


_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
)


def _print_image(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    """The invoice as a one-page PDF, base64."""
    table = work.table("A_BillingDocument")
    invoice = work.records.get(table, BillingDocument=arguments["BillingDocument"])
    if invoice is None:
        raise not_found(table.set, dict(arguments))
    line = f"Invoice {invoice['BillingDocument']}: {invoice['TotalGrossAmount']} {invoice['TransactionCurrency']}"
    return [{"BillingDocumentBinary": base64.b64encode(_pdf(line)).decode()}]


def _pdf(line: str) -> bytes:
    """The smallest PDF that shows one line of ASCII text (ISO 32000-1, 7.5)."""
    content = f"BT /F1 14 Tf 72 760 Td ({line}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        _PAGE,
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    document, offsets = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, 1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(document))
    return document + head + table + trailer


BEHAVIOUR = Behaviour(call={"GetPDF": _print_image})
