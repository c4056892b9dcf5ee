"""Orders of an E-Business Suite, each placed once under our reference.

PROCESS_ORDER makes two orders of one request sent twice. It finds an order by order source and reference where no
HEADER_ID is given, so the reference is looked for with a change that changes nothing before an order is made.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import ConfirmedLine, ErpOrder, NewErpOrder, NewOrderLine, OrderState
from shared.contracts.system.erp import ErpOrderNotFound, OrderRejected
from shared.resilience.doubt import Doubts
from shared.resilience.once import Once
from system_apis.oracle.ebs.gateway import NAME, IntegratedSoaGateway
from system_apis.oracle.ebs.records import HeaderRow, LineRow, OrderOutput
from system_apis.oracle.money import money

_STATES: dict[str, OrderState] = {
    "ENTERED": "open",
    "BOOKED": "open",
    "CLOSED": "invoiced",
    "CANCELLED": "cancelled",
}
"""FLOW_STATUS_CODE of a header; whatever else it says, the order is still on its way."""

_CONVENTIONS = {"P_API_VERSION_NUMBER": 1.0, "P_INIT_MSG_LIST": "T", "P_RETURN_VALUES": "T"}


class EbsOrders:
    """Places and reads orders.

    Args:
        gateway: The suite.
        doubts: What may be under way already, here or in another process.
    """

    def __init__(self, gateway: IntegratedSoaGateway, doubts: Doubts) -> None:
        self._gateway = gateway
        self._settings = gateway.settings
        self._once = Once[OrderOutput](doubts, NAME, "order", gateway.settings.settle_seconds)

    async def place(self, order: NewErpOrder) -> ErpOrder:
        """The order of this reference: the one there is, or a new one, booked.

        Raises:
            OrderRejected: The suite refused it (X_RETURN_STATUS E), or it is in no shape to be sent.
            OutcomeUnknown: No answer came and the order is not to be found; a repeat looks again first.
        """
        _check(order)
        made = await self._once.make(order.reference, lambda: self._known(order.reference), lambda: self._create(order))
        return _order(made)

    async def get(self, header_id: str) -> ErpOrder:
        """An order by the id of its header.

        Raises:
            ErpOrderNotFound: There is none.
        """
        if not (header_id.isascii() and header_id.isdigit()):
            raise ErpOrderNotFound(f"{NAME} has no order {header_id}: its ids are numbers.")
        try:
            found = await self._call("get_order", {"P_HEADER_ID": int(header_id)}, repeatable=True)
        except OrderRejected:
            raise ErpOrderNotFound(f"{NAME} has no order {header_id}.") from None
        return _order(found)

    async def _known(self, reference: str) -> OrderOutput | None:
        key = {"ORDER_SOURCE_ID": self._settings.order_source_id, "ORIG_SYS_DOCUMENT_REF": reference}
        try:
            found = await self._call("process_order", {"P_HEADER_REC": {**key, "OPERATION": "UPDATE"}}, repeatable=True)
        except OrderRejected as refused:
            said = str(refused.extensions.get("remark", "")).casefold()
            if any(one.casefold() in said for one in self._settings.no_such_order):
                return None
            raise BackendFault(
                f"{NAME} does not say whether there is an order {reference}; if it does, in words unknown to us, add "
                "them to no_such_order.",
                extensions=refused.extensions,
            ) from None
        return found if found.X_HEADER_REC.HEADER_ID is not None else None

    async def _create(self, order: NewErpOrder) -> OrderOutput:
        header: dict[str, Any] = {
            "OPERATION": "CREATE",
            "ORDER_SOURCE_ID": self._settings.order_source_id,
            "ORIG_SYS_DOCUMENT_REF": order.reference,
            "TRANSACTIONAL_CURR_CODE": order.currency,
            "CUST_PO_NUMBER": order.purchase_order or None,
            "REQUEST_DATE": order.requested_date.isoformat() if order.requested_date else None,
            "ORDER_TYPE_ID": self._settings.order_type_id,
            "PRICE_LIST_ID": self._settings.price_list_id,
        }
        lines = [_line(place, one) for place, one in enumerate(order.lines, 1)]
        parameters = {
            "P_ACTION_COMMIT": "T",
            "P_HEADER_REC": {name: value for name, value in header.items() if value is not None},
            "P_HEADER_VAL_REC": {"CUSTOMER_NUMBER": order.erp_number},
            "P_LINE_TBL": {"P_LINE_TBL_ITEM": lines},
            "P_ACTION_REQUEST_TBL": {
                "P_ACTION_REQUEST_TBL_ITEM": [{"REQUEST_TYPE": "BOOK_ORDER", "ENTITY_CODE": "HEADER"}]
            },
        }
        return await self._call("process_order", parameters)

    async def _call(self, procedure: str, parameters: dict[str, Any], *, repeatable: bool = False) -> OrderOutput:
        return await self._gateway.call(
            self._settings.order_alias,
            procedure,
            {**_CONVENTIONS, **parameters},
            OrderOutput,
            refusal=OrderRejected,
            repeatable=repeatable,
        )


def _check(order: NewErpOrder) -> None:
    for place, line in enumerate(order.lines, 1):
        if not line.quantity.is_finite() or line.quantity <= 0:
            raise OrderRejected(f"Line {place} ({line.sku}) has no quantity above zero; correct or drop it.")
    if not order.lines:
        raise OrderRejected("The order has no lines; add what is to be ordered.")


def _line(place: int, line: NewOrderLine) -> dict[str, Any]:
    row: dict[str, Any] = {
        "OPERATION": "CREATE",
        "LINE_NUMBER": place,
        "ORDERED_ITEM": line.sku,
        "ITEM_IDENTIFIER_TYPE": "INT",
        "ORDERED_QUANTITY": line.quantity,
    }
    if line.unit_price is None:
        return row
    price = line.unit_price.amount
    return {**row, "UNIT_LIST_PRICE": price, "UNIT_SELLING_PRICE": price, "CALCULATE_PRICE_FLAG": "N"}


def _order(found: OrderOutput) -> ErpOrder:
    header, lines = found.X_HEADER_REC, found.X_LINE_TBL.X_LINE_TBL_ITEM
    if header.HEADER_ID is None:
        raise BackendFault(f"{NAME} says that it succeeded and shows no order.")
    currency = header.TRANSACTIONAL_CURR_CODE or ""
    net = sum((one.UNIT_SELLING_PRICE * one.ORDERED_QUANTITY for one in lines), Decimal(0))
    return ErpOrder(
        erp_order_id=str(header.HEADER_ID),
        reference=header.ORIG_SYS_DOCUMENT_REF or "",
        erp_number=found.X_HEADER_VAL_REC.CUSTOMER_NUMBER or "",
        state=_state(header),
        net=money(net, currency),
        created=_day(header.ORDERED_DATE),
        requested_date=_day(header.REQUEST_DATE),
        lines=[_confirmed(one, currency) for one in lines],
    )


def _state(header: HeaderRow) -> OrderState:
    return _STATES.get(header.FLOW_STATUS_CODE or "", "open")


def _confirmed(row: LineRow, currency: str) -> ConfirmedLine:
    return ConfirmedLine(
        item=str(row.LINE_NUMBER),
        sku=row.ORDERED_ITEM,
        quantity=row.ORDERED_QUANTITY,
        net=money(row.UNIT_SELLING_PRICE * row.ORDERED_QUANTITY, currency),
        confirmed_date=_day(row.SCHEDULE_SHIP_DATE),
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise BackendFault(f"{NAME} answered a date that is none.") from None
