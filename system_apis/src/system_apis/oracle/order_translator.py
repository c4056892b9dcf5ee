"""Oracle's orders as canonical ones; pure functions."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import ConfirmedLine, CreditDecision, ErpOrder, OrderState
from system_apis.oracle.money import money, plain
from system_apis.oracle.order_records import LineRow, OrderRow
from system_apis.oracle.settings import OracleSettings

RETURN = "RETURN"
CANCELED = frozenset({"CANCELED", "CANCELLED"})
_DRAFT = "DOO_DRAFT"
_BILLED = frozenset({"BILLED", "CLOSED"})
_SHIPPED = _BILLED | {"SHIPPED", "AWAIT_BILLING"}
_UNDER_WAY = _SHIPPED | {"PICKED", "STAGED", "DOO_PARTIAL_SHIPPED"}
_YES = frozenset({"Y", "TRUE"})


def order(row: OrderRow, settings: OracleSettings, *, with_lines: bool = True) -> ErpOrder:
    """An order; its lines are those of the order, whatever Oracle split them into."""
    currency = row.TransactionalCurrencyCode
    return ErpOrder(
        erp_order_id=row.OrderNumber,
        reference=row.SourceTransactionNumber or row.SourceTransactionId or "",
        erp_number=next((one.AccountNumber or "" for one in row.billToCustomer.items), ""),
        state=_state(row),
        net=money(net_of(row, settings), currency),
        created=day_of(row.CreationDate),
        requested_date=day_of(row.RequestedShipDate),
        lines=confirmed_lines(row.lines.items, currency) if with_lines else [],
        credit=_credit(row, settings),
    )


def net_of(row: OrderRow, settings: OracleSettings) -> Decimal:
    """What an order comes to before tax: the total that Oracle keeps, else that of the lines."""
    kept = (one.TotalAmount for one in row.totals.items if one.TotalCode == settings.net_total)
    total = next((one for one in kept if one is not None), None)
    if total is not None:
        return total
    return sum((one.ExtendedAmount or Decimal(0) for one in live_lines(row.lines.items)), Decimal(0))


def live_lines(lines: Iterable[LineRow]) -> list[LineRow]:
    """The lines that are not canceled."""
    return [one for one in lines if one.StatusCode not in CANCELED]


def is_cancelled(row: OrderRow) -> bool:
    """Whether the order is canceled, or every line of it."""
    return row.StatusCode in CANCELED or (bool(row.lines.items) and not live_lines(row.lines.items))


def is_draft(row: OrderRow) -> bool:
    """Whether the order was entered but never submitted."""
    return row.StatusCode == _DRAFT and not is_yes(row.SubmittedFlag)


def has_gone_out(row: OrderRow) -> bool:
    """Whether something of an order was shipped or billed, so that it cannot be canceled any more."""
    return any(one.StatusCode in _SHIPPED for one in live_lines(row.lines.items))


def is_return(row: OrderRow) -> bool:
    """Whether every line comes back."""
    return bool(row.lines.items) and all(one.TransactionCategoryCode == RETURN for one in row.lines.items)


def is_yes(flag: bool | str | None) -> bool:
    """A flag as Oracle spells it."""
    return flag is True or str(flag).upper() in _YES


def day_of(moment: str | None) -> date | None:
    """The day (UTC) of a moment, None when it is empty.

    Raises:
        BackendFault: It is none.
    """
    if not moment:
        return None
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        raise BackendFault("Oracle answered a date that is none.") from None
    return (found.astimezone(UTC) if found.tzinfo else found).date()


def confirmed_lines(lines: Sequence[LineRow], currency: str) -> list[ConfirmedLine]:
    """The order lines that fulfillment lines are parts of, in their order."""
    parts: dict[int, list[LineRow]] = {}
    for one in lines:
        if one.TransactionCategoryCode != RETURN:
            parts.setdefault(one.LineId, []).append(one)
    return [_line(group, currency) for group in parts.values()]


def _line(parts: list[LineRow], currency: str) -> ConfirmedLine:
    scheduled = [one for one in live_lines(parts) if one.ScheduleShipDate or one.StatusCode in _SHIPPED]
    days = [day for one in scheduled if (day := day_of(one.ScheduleShipDate)) is not None]
    return ConfirmedLine(
        item=parts[0].LineNumber or str(parts[0].LineId),
        sku=parts[0].ProductNumber,
        quantity=_sum(parts),
        net=money(sum((one.ExtendedAmount or Decimal(0) for one in parts), Decimal(0)), currency),
        confirmed_quantity=_sum(scheduled),
        confirmed_date=max(days, default=None),
    )


def _sum(parts: Iterable[LineRow]) -> Decimal:
    return plain(sum((one.OrderedQuantity for one in parts), Decimal(0)))


def _state(row: OrderRow) -> OrderState:
    if is_cancelled(row):
        return "cancelled"
    live = [one.StatusCode or "" for one in live_lines(row.lines.items)]
    if row.StatusCode == "CLOSED" or (live and _BILLED.issuperset(live)):
        return "invoiced"
    if live and _SHIPPED.issuperset(live):
        return "delivered"
    if _UNDER_WAY.intersection(live):
        return "in-delivery"
    return "blocked" if _holds(row) else "open"


def _credit(row: OrderRow, settings: OracleSettings) -> CreditDecision:
    """Oracle checks credit on submission, and holds what is beyond it."""
    if row.StatusCode == _DRAFT:
        return "not-checked"
    return "refused" if _holds(row).intersection(settings.credit_holds) else "approved"


def _holds(row: OrderRow) -> set[str]:
    return {one.HoldCode or "" for one in row.holds.items if not one.HoldReleaseReasonCode}
