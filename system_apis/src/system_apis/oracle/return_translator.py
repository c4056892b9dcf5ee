"""Returns and their credits between Oracle's records and the canonical model; pure functions."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from shared.contracts.canonical.returns import (
    ErpReturn,
    ErpReturnLine,
    ErpReturnState,
    NewErpReturn,
    NewErpReturnLine,
    ReturnCredit,
)
from shared.contracts.system.erp import ReturnRejected
from system_apis.oracle.accounts import Account
from system_apis.oracle.money import money, plain
from system_apis.oracle.order_body import bill_to, fits
from system_apis.oracle.order_records import LineRow, NewLine, NewOrder, NewOriginal, OrderRow
from system_apis.oracle.order_translator import CANCELED, RETURN, day_of, is_cancelled, live_lines
from system_apis.oracle.return_records import CreditMemoRow, NewCreditLine, NewCreditMemo
from system_apis.oracle.settings import OracleSettings

_COMPLETE = "Complete"
_PREFIX = "RMA-"
"""Keeps references of returns apart from those of orders, which share their keys."""


def return_key(reference: str) -> str:
    """The source's id of the return of a reference."""
    return f"{_PREFIX}{reference}"


def credit_number(number: str) -> str:
    """The number of the credit memo of a return: each has one, and Oracle takes a number once."""
    return f"{_PREFIX}{number}"


def erp_return(row: OrderRow, memo: CreditMemoRow | None = None) -> ErpReturn:
    """A return, with its credit as far as that has come."""
    currency, returned = row.TransactionalCurrencyCode, returned_lines(row)
    net = money(_value(live_lines(returned)), currency)
    credit = None
    if memo is not None:
        done = memo.CreditMemoStatus == _COMPLETE
        posted = day_of(memo.AccountingDate or memo.TransactionDate) if done else None
        credit = ReturnCredit(memo.TransactionNumber, net, memo.TransactionNumber if done else None, posted)
    return ErpReturn(
        erp_return_id=row.OrderNumber,
        reference=row.SourceTransactionNumber or "",
        erp_order_id=next(iter(original_orders(row)), ""),
        state=_state(row, credit),
        net=net,
        lines=[_line(one, currency) for one in returned],
        credit=credit,
    )


def returned_lines(row: OrderRow) -> list[LineRow]:
    """The lines that come back."""
    return [one for one in row.lines.items if one.TransactionCategoryCode == RETURN]


def original_orders(row: OrderRow) -> list[str]:
    """The numbers of the orders that lines come back from."""
    references = (one.originalOrderReference.items for one in returned_lines(row))
    return list(dict.fromkeys(one.OriginalOrderNumber or "" for found in references for one in found))


def return_body(
    new: NewErpReturn, row: OrderRow, account: Account, taken: Mapping[int, Decimal], settings: OracleSettings
) -> NewOrder:
    """The body that authorizes a return.

    Args:
        new: What comes back; checked by `check_return`.
        row: The order it was part of.
        account: The order's.
        taken: How much of each fulfillment line comes back already.
        settings: `[backends.oracle]`.

    Raises:
        ReturnRejected: The order has no such line.
    """
    left = {one.FulfillLineId: one.OrderedQuantity - taken.get(one.FulfillLineId, Decimal(0)) for one in _sold(row)}
    lines: list[NewLine] = []
    for place, one in enumerate(new.lines, 1):
        for part, quantity in _shares(one, place, row, left):
            lines.append(_new_line(len(lines) + 1, one, part, quantity, settings))
    return NewOrder(
        SourceTransactionNumber=new.reference,
        SourceTransactionSystem=settings.order_system,
        SourceTransactionId=return_key(new.reference),
        RequestingBusinessUnitName=settings.business_unit,
        BusinessUnitName=settings.business_unit,
        BuyingPartyId=account.party_id,
        TransactionalCurrencyCode=row.TransactionalCurrencyCode,
        SubmittedFlag=True,
        billToCustomer=[bill_to(account)],
        TransactionTypeCode=settings.return_order_type,
        lines=lines,
    )


def check_return(new: NewErpReturn) -> None:
    """Refuse what can never come back, before Oracle is asked.

    Raises:
        ReturnRejected: A quantity is none.
    """
    for place, line in enumerate(new.lines, 1):
        if line.quantity.is_nan() or line.quantity <= 0:
            raise ReturnRejected(f"Line {place} ({line.sku}) has no quantity above zero; correct or drop it.")
        if not fits(line.quantity):
            raise ReturnRejected(f"The quantity of line {place} ({line.sku}) has too many digits for Oracle.")


def credit_body(row: OrderRow, account: str, settings: OracleSettings) -> NewCreditMemo:
    """The body that credits everything that came back."""
    return NewCreditMemo(
        TransactionNumber=credit_number(row.OrderNumber),
        TransactionSource=settings.credit_source,
        TransactionType=settings.credit_type,
        BusinessUnit=settings.business_unit,
        BillToCustomerNumber=account,
        CreditMemoCurrency=row.TransactionalCurrencyCode,
        receivablesCreditMemoLines=[
            NewCreditLine(place, f"{row.OrderNumber}/{one.LineNumber} {one.ProductNumber}", -_value([one]))
            for place, one in enumerate(live_lines(returned_lines(row)), 1)
        ],
    )


def _sold(row: OrderRow) -> list[LineRow]:
    return [one for one in live_lines(row.lines.items) if one.TransactionCategoryCode != RETURN]


def _shares(
    line: NewErpReturnLine, place: int, row: OrderRow, left: dict[int, Decimal]
) -> list[tuple[LineRow, Decimal]]:
    """How a quantity falls to the parts of an order line; what is too much is left to Oracle to refuse."""
    parts = [one for one in _sold(row) if one.LineNumber == line.order_item]
    if not parts:
        raise ReturnRejected(f"Line {place} ({line.sku}) names an item that order {row.OrderNumber} has not.")
    wanted, shares = line.quantity, list[tuple[LineRow, Decimal]]()
    for part in parts:
        share = wanted if part is parts[-1] else min(wanted, max(left[part.FulfillLineId], Decimal(0)))
        if share > 0:
            shares.append((part, share))
            left[part.FulfillLineId] -= share
            wanted -= share
    return shares


def _new_line(
    place: int, line: NewErpReturnLine, part: LineRow, quantity: Decimal, settings: OracleSettings
) -> NewLine:
    number = str(place)
    return NewLine(
        SourceTransactionLineId=number,
        SourceTransactionLineNumber=number,
        SourceTransactionScheduleId=number,
        SourceScheduleNumber="1",
        ProductNumber=line.sku,
        OrderedQuantity=quantity,
        OrderedUOMCode=settings.quantity_unit,
        TransactionCategoryCode=RETURN,
        ReturnReasonCode=settings.return_reasons.get(line.reason, settings.return_reasons["other"]),
        originalOrderReference=[NewOriginal(part.FulfillLineId)],
    )


def _state(row: OrderRow, credit: ReturnCredit | None) -> ErpReturnState:
    if credit is not None:
        return "credited" if credit.credit_memo_id else "credit-requested"
    return "cancelled" if is_cancelled(row) else "open"


def _line(line: LineRow, currency: str) -> ErpReturnLine:
    return ErpReturnLine(
        item=line.LineNumber or str(line.LineId),
        order_item=next((one.OriginalLineNumber or "" for one in line.originalOrderReference.items), ""),
        sku=line.ProductNumber,
        quantity=plain(line.OrderedQuantity),
        net=money(_value([line]), currency),
        cancelled=line.StatusCode in CANCELED,
    )


def _value(lines: Sequence[LineRow]) -> Decimal:
    """What lines are worth; Oracle counts what comes back as less than nothing."""
    return sum((abs(one.ExtendedAmount or Decimal(0)) for one in lines), Decimal(0))
