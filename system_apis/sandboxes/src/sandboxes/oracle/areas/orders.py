"""Orders, returns and what follows them, as the REST APIs publish them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandboxes.oracle.area import Area
from sandboxes.oracle.framework.declare import Behaviour, Row, Work
from sandboxes.oracle.sales.changes import apply_hold, change_line, change_order, release_hold, split_line
from sandboxes.oracle.sales.fulfilment import confirm_shipment, invoice, pick
from sandboxes.oracle.sales.history import seed_history
from sandboxes.oracle.sales.hold_actions import apply_holds, release_holds
from sandboxes.oracle.sales.line_actions import update_actual_delivery_date, update_scheduling
from sandboxes.oracle.sales.order_hub import BILL_TO, HUB, LINES, ORIGINALS, RETURN, TOTALS
from sandboxes.oracle.sales.orders import create_order
from sandboxes.oracle.sales.receivables import CREDIT_LINES, CREDIT_MEMOS, HELD, INVOICES, complete_credits
from sandboxes.oracle.sales.statuses import CANCELED

_STEPS = ("delivery", "goods-issue", "invoice")
_LINES = replace(LINES, behaviour=Behaviour(update=change_line))
SALES_ORDERS = replace(
    HUB,
    children=tuple(_LINES if one is LINES else one for one in HUB.children),
    behaviour=Behaviour(
        create=create_order,
        update=change_order,
        collection_actions={
            "applyHold": apply_holds,
            "releaseHold": release_holds,
            "updateActualDeliveryDate": update_actual_delivery_date,
            "updateSchedulingAttributes": update_scheduling,
            "updateSchedulingAttribute": update_scheduling,
        },
        actions={"applyHold": apply_hold, "releaseHold": release_hold, "splitFulfillmentLine": split_line},
    ),
)


def _fulfil(work: Work, body: dict[str, Any]) -> object:
    """`{"order": "1000001", "until": "delivery" | "goods-issue" | "invoice"}`: what follows an order, done now."""
    order, until = str(body["order"]), _STEPS.index(body.get("until", "invoice"))
    delivery = pick(work, order)
    if until > 0:
        confirm_shipment(work, order)
    return {"delivery": delivery, "invoice": invoice(work, order) if until > 1 else None}


def _billing_run(work: Work, body: dict[str, Any]) -> object:
    """`{"held": true}` lets credit memos wait for completion; `{}` completes what waits, and all later ones."""
    work.records.connection.execute("DELETE FROM ar_billing_held")
    if body.get("held"):
        work.records.connection.execute("INSERT INTO ar_billing_held VALUES ('credits')")
        return {"billed": []}
    return {"billed": complete_credits(work)}


def _ledger(work: Work) -> Mapping[str, object]:
    made = work.records.select(HUB, "t.\"CreatedBy\" <> 'MIGRATION'", ())
    entries = [(one, _returns(work, one)) for one in made]
    return {
        "orders": [_entry(work, one) for one, returned in entries if not returned],
        "returns": [_entry(work, one) | {"of": _original(work, one)} for one, returned in entries if returned],
        "credits": [_credit(work, one) for one in work.records.find(CREDIT_MEMOS)],
    }


def _returns(work: Work, header: Row) -> bool:
    return any(one["TransactionCategoryCode"] == RETURN for one in work.records.below(LINES, header))


def _entry(work: Work, header: Row) -> dict[str, object]:
    """An order as the ledger shows it; its state is open or cancelled."""
    shown = ("OrderNumber", "SourceTransactionSystem", "SourceTransactionId", "CustomerPONumber", "StatusCode")
    total = next(one for one in work.records.below(TOTALS, header) if one["TotalCode"] == "QP_TOTAL_NET_PRICE")
    cancelled = header["StatusCode"] == CANCELED
    return {
        **{name: header[name] for name in shown},
        "AccountNumber": work.records.below(BILL_TO, header)[0]["AccountNumber"],
        "net": str(total["TotalAmount"]),
        "currency": header["TransactionalCurrencyCode"],
        "CreatedAt": header["CreationDate"],
        "state": "cancelled" if cancelled else "open",
        "cancelled": cancelled,
    }


def _original(work: Work, header: Row) -> object:
    for line in work.records.below(LINES, header):
        for reference in work.records.below(ORIGINALS, line):
            return reference["OriginalOrderNumber"]
    return None


def _credit(work: Work, memo: Row) -> dict[str, object]:
    shown = ("TransactionNumber", "TransactionSource", "CrossReference", "BillToCustomerNumber", "CreditMemoStatus")
    return {
        **{name: memo[name] for name in shown},
        "net": str(memo["EnteredAmount"]),
        "currency": memo["CreditMemoCurrency"],
        "lines": len(work.records.below(CREDIT_LINES, memo)),
    }


area = Area(
    name="orders",
    resources={"fscmRestApi": (SALES_ORDERS, INVOICES, CREDIT_MEMOS)},
    schema=HELD,
    seed=seed_history,
    order=80,
    controls={"fulfil": _fulfil, "billing-run": _billing_run},
    ledger=_ledger,
)
