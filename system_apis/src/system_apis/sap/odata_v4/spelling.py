"""Addresses and bodies as OData V4 spells them.

Source: OData 4.0 "URL Conventions" §5.1 and "JSON Format" §3.2 (`IEEE754Compatible`).
"""

from typing import cast

import msgspec

from shared.contracts.canonical.order import NewErpOrder
from system_apis.sap.odata import encoded, key, options, text_literal
from system_apis.sap.order_body import order_body
from system_apis.sap.settings import SapSettings

EXACT = "application/json;IEEE754Compatible=true"
"""JSON whose decimals are strings, so that none is rounded on the way."""

JSON = "application/json"
"""What a batch is, and its answer."""

_HEADER = (
    "SalesOrder,SoldToParty,TotalNetAmount,TransactionCurrency,PurchaseOrderByCustomer,CreationDate,"
    "RequestedDeliveryDate,OverallTotalDeliveryStatus,OverallOrdReltdBillgStatus,OverallSDDocumentRejectionSts,"
    "TotalCreditCheckStatus,DeliveryBlockReason"
)
_ITEM = (
    "SalesOrderItem,Material,RequestedQuantity,NetAmount,TaxAmount,ConfdDelivQtyInOrderQtyUnit,"
    "SalesDocumentRjcnReason,DeliveryStatus"
)
_SCHEDULE = "_ScheduleLine($select=ConfirmedDeliveryDate,ConfdOrderQtyByMatlAvailCheck)"
_FOLLOWING = "_SubsequentProcFlowDoc($select=SubsequentDocumentCategory)"


class PathsV4:
    """Paths with queries, from SAP's root.

    Attributes:
        orders: Where an order is created.
        batch: Where several changes go.
    """

    def __init__(self, settings: SapSettings) -> None:
        logon = f"sap-client={encoded(settings.client)}&sap-language={encoded(settings.language)}"
        self._service = settings.sales_order_service_v4
        self._reference = settings.reference_field
        self.orders = f"{self._service}/SalesOrder?{logon}"
        self.batch = f"{self._service}/$batch?{logon}"
        shown = {
            "select": f"{_HEADER},{settings.reference_field}",
            "expand": f"_Item($select={_ITEM};$expand={_SCHEDULE}),{_FOLLOWING}",
        }
        self._whole = f"{options(shown)}&{logon}"
        self._first = f"{options({**shown, 'orderby': 'SalesOrder', 'top': '1'})}&{logon}"

    def order(self, number: str) -> str:
        """An order with items, schedule lines and what followed."""
        return f"{self._service}/{key('SalesOrder', number)}?{self._whole}"

    def order_with(self, reference: str) -> str:
        """The first order that was placed under this reference."""
        condition = encoded(f"{self._reference} eq {text_literal(reference)}")
        return f"{self._service}/SalesOrder?$filter={condition}&{self._first}"


def body_v4(order: NewErpOrder, settings: SapSettings) -> bytes:
    """The body that creates an order, of media type `EXACT`.

    Raises:
        Problem: As `order_body`.
    """
    older = cast("dict[str, object]", msgspec.to_builtins(order_body(order, settings)))
    if order.requested_date:
        older["RequestedDeliveryDate"] = order.requested_date.isoformat()
    return msgspec.json.encode(_renamed(older))


def _renamed(value: object) -> object:
    """Navigations under their newer names: `_Item` for `to_Item`."""
    if isinstance(value, list):
        return [_renamed(one) for one in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    named = cast("dict[str, object]", value)
    return {f"_{name[3:]}" if name.startswith("to_") else name: _renamed(below) for name, below in named.items()}
