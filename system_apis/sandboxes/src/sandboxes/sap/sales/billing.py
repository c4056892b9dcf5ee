"""What API_BILLING_DOCUMENT_SRV does: an invoice printed, an invoice cancelled."""

import base64
from collections.abc import Mapping

from sandboxes.sap.odata_v2.behaviour import Behaviour, Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.odata_v2.resource import not_found
from sandboxes.sap.sales.invoice_cancelling import cancel

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


def _cancel(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    document = arguments["BillingDocument"]
    return [{"BillingDocument": cancel(work, document), "CancelledBillingDocument": document}]


BEHAVIOUR = Behaviour(call={"GetPDF": _print_image, "Cancel": _cancel})
