"""Document statuses, derived from what the items say: A not started, B partly, C completely."""

from collections.abc import Iterable, Sequence

from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.sales.fields import text


def derive(items: Sequence[Row]) -> Row:
    """The header's statuses from its items."""
    rejected = [bool(text(one, "SalesDocumentRjcnReason")) for one in items]
    delivery = _overall(text(one, "DeliveryStatus") for one in items)
    return {
        "OverallSDProcessStatus": _overall(text(one, "SDProcessStatus") for one in items),
        "OverallDeliveryStatus": delivery,
        "OverallTotalDeliveryStatus": delivery,
        "OverallSDDocumentRejectionSts": "C" if items and all(rejected) else "B" if any(rejected) else "A",
    }


def _overall(statuses: Iterable[str]) -> str:
    relevant = set(statuses) - {""}
    if not relevant:
        return ""
    return relevant.pop() if len(relevant) == 1 else "B"
