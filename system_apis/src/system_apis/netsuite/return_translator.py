"""Returns and their credits between NetSuite's records and the canonical model; pure functions."""

from decimal import Decimal
from typing import Any

from shared.binding.problems import FieldError
from shared.contracts.canonical.returns import ErpReturn, ErpReturnLine, ErpReturnState, NewErpReturn, ReturnCredit
from shared.contracts.system.erp import ReturnRejected
from system_apis.netsuite.money import money
from system_apis.netsuite.order_translator import day_of
from system_apis.netsuite.records import CreditMemoRecord, OrderLine, OrderRecord, ReturnLine, ReturnRecord
from system_apis.netsuite.settings import NetSuiteSettings
from system_apis.netsuite.translator import plain, sku_of

_CUT = frozenset({"C", "H"})
"""Cancelled, closed."""


def erp_return(record: ReturnRecord, currency: str, credit: ReturnCredit | None) -> ErpReturn:
    """A return, with its credit as far as that has come."""
    lines = record.item.items
    return ErpReturn(
        erp_return_id=record.id,
        reference=record.external_id,
        erp_order_id=record.created_from.id,
        state=_state(record, credit),
        net=money(sum((one.amount for one in lines), Decimal(0)), currency),
        lines=[_line(one, currency) for one in lines],
        credit=credit,
    )


def return_credit(memo: CreditMemoRecord, currency: str) -> ReturnCredit:
    """A credit memo. NetSuite asks for none first, so it is the request as well."""
    return ReturnCredit(memo.id, money(memo.subtotal, currency), memo.id, day_of(memo.tran_date))


def is_cancelled(record: ReturnRecord) -> bool:
    """Whether nothing of a return is to come any more, and nothing came."""
    cut = record.status.id in _CUT
    return cut and all(one.quantity_received == 0 for one in record.item.items)


def return_body(new: NewErpReturn, source: OrderRecord, settings: NetSuiteSettings, external_id: str) -> dict[str, Any]:
    """What makes an order's lines a return: those that come back, in which quantity.

    Raises:
        ReturnRejected: A line cannot come back as it stands.
    """
    by_line = {str(one.line): one for one in source.item.items}
    errors: list[FieldError] = []
    lines: list[dict[str, Any]] = []
    for place, line in enumerate(new.lines):
        sold = by_line.get(line.order_item)
        wrong = _wrong(sold, line.sku, line.quantity)
        if wrong or sold is None:
            errors.append(FieldError(f"Line {place + 1} ({line.sku}) {wrong}.", f"/lines/{place}"))
        else:
            lines.append({"orderLine": sold.line, "quantity": line.quantity})
    if errors:
        raise ReturnRejected(errors[0].detail, errors=errors)
    status = {"orderStatus": {"id": settings.return_status}} if settings.return_status else {}
    return {"externalId": external_id, **status, **_reasons(new, settings), "item": {"items": lines}}


def _wrong(sold: OrderLine | None, sku: str, quantity: Decimal) -> str:
    if sold is None:
        return "names a line that the order does not have"
    if sku_of(sold.item.ref_name) != sku:
        return "names another product than that line of the order"
    if not quantity.is_finite() or quantity <= 0:
        return "has no quantity above zero"
    return "" if quantity <= sold.quantity else "returns more than was ordered"


def _reasons(new: NewErpReturn, settings: NetSuiteSettings) -> dict[str, str]:
    if not settings.return_reason_field:
        return {}
    said = dict.fromkeys(settings.return_reasons.get(one.reason, one.reason) for one in new.lines)
    return {settings.return_reason_field: ", ".join(said)}


def _state(record: ReturnRecord, credit: ReturnCredit | None) -> ErpReturnState:
    if credit is not None:
        return "credited"
    return "cancelled" if is_cancelled(record) else "open"


def _line(line: ReturnLine, currency: str) -> ErpReturnLine:
    return ErpReturnLine(
        item=str(line.line),
        order_item=str(line.order_line or ""),
        sku=sku_of(line.item.ref_name),
        quantity=plain(line.quantity),
        net=money(line.amount, currency),
        cancelled=line.is_closed,
    )
