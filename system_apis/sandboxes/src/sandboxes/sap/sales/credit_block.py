"""Orders that the credit check blocks: released or rejected by hand, as credit management does it.

Source: API_SLS_DOC_WITH_CREDIT_BLOCK; status D of TotalCreditCheckStatus is "released".
"""

from collections.abc import Mapping

from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.credit_check import BLOCKED
from sandboxes.sap.sales.fields import text
from sandboxes.sap.sales.items import change_item
from sandboxes.sap.sales.order_store import change_stamp, open_order
from sandboxes.sap.sales.tables import ITEMS, ORDERS

RELEASED = "D"
_FOR_CREDIT = "11"


def release(work: Work, order: Row, arguments: Mapping[str, Value]) -> None:
    """Let a blocked order go on; it stays released until it is changed.

    Raises:
        ODataError: 400, it is not blocked, or somebody else works on it.
    """
    del arguments
    header = _blocked(work, order)
    released: Row = {"TotalCreditCheckStatus": RELEASED, "TotalBlockStatus": ""}
    work.records.change(ORDERS, ORDERS.key_of(header), released | change_stamp(work, header))


def reject(work: Work, order: Row, arguments: Mapping[str, Value]) -> None:
    """Reject every item of a blocked order, for the reason given or for that of credit management.

    Raises:
        ODataError: 400, as `release`, or there is no such reason.
    """
    header = _blocked(work, order)
    reason: Row = {"SalesDocumentRjcnReason": text(arguments, "SalesDocumentRjcnReason") or _FOR_CREDIT}
    for item in work.records.find(ITEMS, SalesOrder=header["SalesOrder"]):
        if not text(item, "SalesDocumentRjcnReason"):
            change_item(work, ITEMS.set, item, reason)


def _blocked(work: Work, order: Row) -> Row:
    header = open_order(work, order["SalesOrder"])
    if header["TotalCreditCheckStatus"] != BLOCKED or header["OverallSDDocumentRejectionSts"] == "C":
        raise messages.refused(messages.no_credit_block(text(header, "SalesOrder")))
    return header
