"""BAPI_SALESORDER_GETSTATUS, _GETLIST and BAPISDORDER_GETDETAILEDLIST."""

from collections.abc import Mapping
from decimal import Decimal

from sandboxes.company import minor_units
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.odata_v2.errors import Message
from sandboxes.sap.rfc.calling import Call, day_in, shown, text_in
from sandboxes.sap.rfc.dictionary import Cell, Value
from sandboxes.sap.rfc.ordering import material_of, schedule_out
from sandboxes.sap.rfc.returned import bapireturn
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.tables import DELIVERY_ITEMS, ITEMS, ORDER_FLOW, ORDERS, SCHEDULE_LINES
from sandboxes.sap.storage import Records

_CURRENCY_FIELD_DECIMALS = 2


def status(call: Call) -> Mapping[str, Value]:
    """A row for each item and delivery. Its amounts are currency fields: two decimals, whatever the currency has."""
    order = shown(call.text("SALESDOCUMENT"))
    header = call.records.get(ORDERS, SalesOrder=order)
    if header is None:
        text_ = f"SD document {order} is not in the database or has been archived"
        return {"RETURN": bapireturn(Message("V1/302", text_))}
    items = call.records.find(ITEMS, SalesOrder=order)
    return {"STATUSINFO": [row for item in items for row in _status_rows(call.records, header, item)]}


def details(call: Call) -> Mapping[str, Value]:
    """The tables of the views asked for; unknown documents have no rows, and nothing says so."""
    views = call.structure("I_BAPI_VIEW")
    tables: dict[str, list[dict[str, Cell]]] = {name: [] for name in _VIEWS.values()}
    for key in call.table("SALES_DOCUMENTS"):
        header = call.records.get(ORDERS, SalesOrder=shown(text_in(key, "VBELN")))
        if header is None:
            continue
        found = _detailed(call.records, header)
        for view, name in _VIEWS.items():
            if views.get(view) == "X":
                tables[name] += found[name]
    return dict[str, Value](tables)


def orders_of(call: Call) -> Mapping[str, Value]:
    """A customer's orders in a sales organisation, one row for each item."""
    conditions: dict[str, Cell] = {
        "SoldToParty": shown(call.text("CUSTOMER_NUMBER")),
        "SalesOrganization": call.text("SALES_ORGANIZATION"),
    }
    if purchase_order := call.text("PURCHASE_ORDER_NUMBER"):
        conditions["PurchaseOrderByCustomer"] = purchase_order
    since, until = call.day("DOCUMENT_DATE"), call.day("DOCUMENT_DATE_TO")
    found = [
        header
        for header in call.records.find(ORDERS, **_stored(conditions))
        if (day := day_in(header["SalesOrderDate"])) is not None
        and (since is None or day >= since)
        and (until is None or day <= until)
    ]
    if not found:
        return {"RETURN": bapireturn(Message("V1/503", "No orders found for these selection criteria", "warning"))}
    return {
        "SALES_ORDERS": [
            _listed(header, item)
            for header in found
            for item in call.records.find(ITEMS, SalesOrder=header["SalesOrder"])
        ]
    }


_VIEWS = {
    "HEADER": "ORDER_HEADERS_OUT",
    "ITEM": "ORDER_ITEMS_OUT",
    "SDSCHEDULE": "ORDER_SCHEDULES_OUT",
    "BUSINESS": "ORDER_BUSINESS_OUT",
    "STATUS_H": "ORDER_STATUSHEADERS_OUT",
    "FLOW": "ORDER_FLOWS_OUT",
}


def _stored(conditions: Mapping[str, Cell]) -> dict[str, str]:
    return {name: str(value) for name, value in conditions.items()}


def _status_rows(records: Records, header: Row, item: Row) -> list[dict[str, Cell]]:
    row = _status_row(header, item)
    deliveries = records.find(
        DELIVERY_ITEMS, ReferenceSDDocument=item["SalesOrder"], ReferenceSDDocumentItem=item["SalesOrderItem"]
    )
    return [
        {
            **row,
            "DELIV_NUMB": text(one, "DeliveryDocument"),
            "DELIV_ITEM": text(one, "DeliveryDocumentItem"),
            "DLV_QTY": number(one, "ActualDeliveryQuantity"),
        }
        for one in deliveries
    ] or [row]


def _status_row(header: Row, item: Row) -> dict[str, Cell]:
    quantity, net, currency = (
        number(item, "RequestedQuantity"),
        number(item, "NetAmount"),
        text(item, "TransactionCurrency"),
    )
    purchase_order = text(header, "PurchaseOrderByCustomer")
    return {
        **material_of(item),
        "DOC_NUMBER": text(header, "SalesOrder"),
        "DOC_DATE": day_in(header["SalesOrderDate"]),
        "PURCH_NO": purchase_order[:20],
        "PURCH_NO_C": purchase_order,
        "PRC_STAT_H": text(header, "OverallSDProcessStatus"),
        "DLV_STAT_H": text(header, "OverallTotalDeliveryStatus"),
        "REQ_DATE_H": day_in(header["RequestedDeliveryDate"]),
        "DLV_BLOCK": text(header, "DeliveryBlockReason"),
        "ITM_NUMBER": text(item, "SalesOrderItem"),
        "SHORT_TEXT": text(item, "SalesOrderItemText"),
        "REQ_DATE": day_in(header["RequestedDeliveryDate"]),
        "REQ_QTY": quantity,
        "CUM_CF_QTY": number(item, "ConfdDelivQtyInOrderQtyUnit"),
        "SALES_UNIT": "ST",
        "NET_VALUE": _as_currency_field(net, currency),
        "CURRENCY": currency,
        "NET_PRICE": _as_currency_field(net / quantity if quantity else net, currency),
        "COND_P_UNT": Decimal(1),
        "COND_UNIT": "ST",
        "DLV_STAT_I": text(item, "DeliveryStatus"),
        "CREATION_DATE": day_in(header["CreationDate"]),
        "REA_FOR_RE": text(item, "SalesDocumentRjcnReason"),
    }


def _as_currency_field(amount: Decimal, currency: str) -> Decimal:
    """An amount as type CURR keeps it: the point two places from the right of the smallest unit."""
    return amount.scaleb(minor_units(currency) - _CURRENCY_FIELD_DECIMALS)


def _detailed(records: Records, header: Row) -> dict[str, list[dict[str, Cell]]]:
    order = text(header, "SalesOrder")
    return {
        "ORDER_HEADERS_OUT": [_header(header)],
        "ORDER_ITEMS_OUT": [_item(one) for one in records.find(ITEMS, SalesOrder=order)],
        "ORDER_SCHEDULES_OUT": [schedule_out(one) for one in records.find(SCHEDULE_LINES, SalesOrder=order)],
        "ORDER_BUSINESS_OUT": [
            {
                "SD_DOC": order,
                "ITM_NUMBER": "0",
                "PURCH_NO_C": text(header, "PurchaseOrderByCustomer"),
                "PURCH_NO_S": text(header, "PurchaseOrderByShipToParty"),
            }
        ],
        "ORDER_STATUSHEADERS_OUT": [
            {
                "SD_DOC": order,
                "DLV_STAT_H": text(header, "OverallTotalDeliveryStatus"),
                "BILLINGSTA": text(header, "OverallOrdReltdBillgStatus"),
                "OVERALLREJ": text(header, "OverallSDDocumentRejectionSts"),
                "PRC_STAT_H": text(header, "OverallSDProcessStatus"),
                "TOTSTATCCH": text(header, "TotalCreditCheckStatus"),
            }
        ],
        "ORDER_FLOWS_OUT": [
            {
                "SD_DOC": order,
                "SUBSSDDOC": text(one, "SubsequentDocument"),
                "DOCCATEGOR": text(one, "SubsequentDocumentCategory"),
            }
            for one in records.find(ORDER_FLOW, SalesOrder=order)
        ],
    }


def _header(row: Row) -> dict[str, Cell]:
    return {
        "DOC_NUMBER": text(row, "SalesOrder"),
        "REC_DATE": day_in(row["CreationDate"]),
        "DOC_DATE": day_in(row["SalesOrderDate"]),
        "DOC_TYPE": text(row, "SalesOrderTypeInternalCode"),
        "DLV_BLOCK": text(row, "DeliveryBlockReason"),
        "NET_VAL_HD": number(row, "TotalNetAmount"),
        "CURRENCY": text(row, "TransactionCurrency"),
        "SALES_ORG": text(row, "SalesOrganization"),
        "DISTR_CHAN": text(row, "DistributionChannel"),
        "DIVISION": text(row, "OrganizationDivision"),
        "REQ_DATE_H": day_in(row["RequestedDeliveryDate"]),
        "PURCH_NO": text(row, "PurchaseOrderByCustomer")[:20],
        "SOLD_TO": text(row, "SoldToParty"),
    }


def _item(row: Row) -> dict[str, Cell]:
    return {
        **material_of(row),
        "DOC_NUMBER": text(row, "SalesOrder"),
        "ITM_NUMBER": text(row, "SalesOrderItem"),
        "SHORT_TEXT": text(row, "SalesOrderItemText"),
        "REA_FOR_RE": text(row, "SalesDocumentRjcnReason"),
        "NET_VALUE": number(row, "NetAmount"),
        "CURRENCY": text(row, "TransactionCurrency"),
        "REQ_QTY": number(row, "RequestedQuantity"),
        "CUM_CF_QTY": number(row, "ConfdDelivQtyInOrderQtyUnit"),
        "SALES_UNIT": "ST",
        "PLANT": text(row, "ProductionPlant"),
        "TAX_AMOUNT": number(row, "TaxAmount"),
    }


def _listed(header: Row, item: Row) -> dict[str, Cell]:
    return {
        **material_of(item),
        "SD_DOC": text(header, "SalesOrder"),
        "ITM_NUMBER": text(item, "SalesOrderItem"),
        "DOC_DATE": day_in(header["SalesOrderDate"]),
        "PURCH_NO": text(header, "PurchaseOrderByCustomer")[:20],
        "PURCH_NO_C": text(header, "PurchaseOrderByCustomer"),
        "SALES_ORG": text(header, "SalesOrganization"),
    }
