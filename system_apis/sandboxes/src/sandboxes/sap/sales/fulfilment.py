"""What follows an order: delivery, goods issue, invoice, each with its trace in the document flow.

In SAP these are other people's work; the sandbox does them for the seed and when its control path asks.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.sales.availability import reserve
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.order_store import change_stamp
from sandboxes.sap.sales.statuses import derive
from sandboxes.sap.sales.tables import (
    DELIVERIES,
    DELIVERY_FLOW,
    DELIVERY_ITEMS,
    DELIVERY_PARTNERS,
    INVOICE_ITEMS,
    INVOICE_PARTNERS,
    INVOICES,
    ITEM_FLOW,
    ITEMS,
    ORDER_FLOW,
    ORDER_PARTNERS,
    ORDERS,
    SCHEDULE_LINES,
    STOCK,
)
from sandboxes.sap.services.material_stock import UNRESTRICTED

FIRST_DELIVERY, FIRST_INVOICE = 80_000_001, 90_000_001
_DELIVERY, _INVOICE, _ORDER = "J", "M", "C"


def deliver(work: Work, order: str) -> str:
    """Deliver everything that is confirmed; returns the delivery's number.

    Raises:
        ValueError: the order does not exist, is blocked, or has nothing to deliver.
    """
    records = work.records
    header = records.get(ORDERS, SalesOrder=order)
    if header is None or header["TotalCreditCheckStatus"] == "B" or header["DeliveryBlockReason"]:
        raise ValueError(f"Order {order} does not exist or is blocked for delivery.")
    items = [
        one
        for one in records.find(ITEMS, SalesOrder=order)
        if one["DeliveryStatus"] == "A" and number(one, "ConfdDelivQtyInOrderQtyUnit")
    ]
    if not items:
        raise ValueError(f"Order {order} has nothing to deliver.")
    delivery = records.next_number("delivery", FIRST_DELIVERY)
    for item in items:
        _deliver_item(work, delivery, item)
    _delivery_header(work, delivery, header, items)
    _flow(work, header, items, delivery, _DELIVERY, "A")
    _update_order(work, header)
    return delivery


def issue_goods(work: Work, delivery: str) -> None:
    """Post the goods issue: the stock is gone, the reservation with it."""
    done: Row = {"GoodsMovementStatus": "C", "PickingStatus": "C"}
    for item in work.records.find(DELIVERY_ITEMS, DeliveryDocument=delivery):
        material, plant, quantity = text(item, "Material"), text(item, "Plant"), number(item, "ActualDeliveryQuantity")
        reserve(work.records, material, plant, -quantity)
        for stock in work.records.find(STOCK, Material=material, Plant=plant, InventoryStockType=UNRESTRICTED):
            left = max(number(stock, "MatlWrhsStkQtyInMatlBaseUnit") - quantity, Decimal(0))
            work.records.change(STOCK, STOCK.key_of(stock), {"MatlWrhsStkQtyInMatlBaseUnit": left})
        work.records.change(DELIVERY_ITEMS, DELIVERY_ITEMS.key_of(item), done)
    moved: Row = {
        "OverallGoodsMovementStatus": "C",
        "OverallPickingStatus": "C",
        "ActualGoodsMovementDate": _today(work),
        "DeliveryVersion": next_version(work.records.get(DELIVERIES, DeliveryDocument=delivery) or {}),
    }
    work.records.change(DELIVERIES, {"DeliveryDocument": delivery}, moved)


def next_version(delivery: Mapping[str, Value]) -> str:
    """The version of a delivery after a change; entity tags are made of it."""
    return f"{int(text(delivery, 'DeliveryVersion') or 0) + 1:04d}"


def invoice(work: Work, delivery: str) -> str:
    """Bill a delivery; returns the invoice's number."""
    records = work.records
    document = records.next_number("invoice", FIRST_INVOICE)
    delivered = records.find(DELIVERY_ITEMS, DeliveryDocument=delivery)
    order = records.get(ORDERS, SalesOrder=delivered[0]["ReferenceSDDocument"]) or {}
    items = [
        records.get(ITEMS, SalesOrder=one["ReferenceSDDocument"], SalesOrderItem=one["ReferenceSDDocumentItem"]) or {}
        for one in delivered
    ]
    rows = [_invoice_item(work, document, one, item) for one, item in zip(delivered, items, strict=True)]
    records.add(INVOICE_ITEMS, *rows)
    _invoice_header(work, document, order, rows)
    _flow(work, order, items, document, _INVOICE, "C", level="02")
    records.add(DELIVERY_FLOW, *(_flow_row(one, _DELIVERY, document, _INVOICE) for one in delivered))
    records.change(
        DELIVERIES, {"DeliveryDocument": delivery}, {"OverallDelivReltdBillgStatus": "C", "OverallSDProcessStatus": "C"}
    )
    return document


def note_follower(work: Work, order: Row, document: str, category: str) -> None:
    """Enter a document that follows an order into its document flow."""
    _flow(work, order, [], document, category, "A")


def _deliver_item(work: Work, delivery: str, item: Row) -> None:
    quantity = number(item, "ConfdDelivQtyInOrderQtyUnit")
    row: Row = {
        "DeliveryDocument": delivery,
        "DeliveryDocumentItem": item["SalesOrderItem"],
        "DeliveryDocumentItemCategory": "TAN",
        "DeliveryDocumentItemText": item["SalesOrderItemText"],
        "DeliveryVersion": "0001",
        "Material": item["Material"],
        "Plant": item["ProductionPlant"],
        "ActualDeliveryQuantity": quantity,
        "ActualDeliveredQtyInBaseUnit": quantity,
        "DeliveryQuantityUnit": "PC",
        "BaseUnit": "PC",
        "ReferenceSDDocument": item["SalesOrder"],
        "ReferenceSDDocumentItem": item["SalesOrderItem"],
        "ReferenceSDDocumentCategory": _ORDER,
        "PickingStatus": "A",
        "GoodsMovementStatus": "A",
        "SDProcessStatus": "A",
        "CreationDate": _today(work),
    }
    work.records.add(DELIVERY_ITEMS, row)
    work.records.add(
        DELIVERY_FLOW, _flow_row({**row, "DeliveryDocument": item["SalesOrder"]}, _ORDER, delivery, _DELIVERY)
    )
    status = "C" if quantity >= number(item, "RequestedQuantity") else "B"
    work.records.change(ITEMS, ITEMS.key_of(item), {"DeliveryStatus": status, "SDProcessStatus": status})
    work.records.change(
        SCHEDULE_LINES,
        ITEMS.key_of(item),
        {"DeliveredQtyInOrderQtyUnit": quantity, "OpenConfdDelivQtyInOrdQtyUnit": Decimal(0)},
    )


def _delivery_header(work: Work, delivery: str, order: Row, items: list[Row]) -> None:
    partners = {
        text(one, "PartnerFunction"): one for one in work.records.find(ORDER_PARTNERS, SalesOrder=order["SalesOrder"])
    }
    row: Row = {
        "DeliveryDocument": delivery,
        "DeliveryDocumentType": "LF",
        "DeliveryVersion": "0001",
        "SDDocumentCategory": _DELIVERY,
        "CreatedByUser": work.user,
        "CreationDate": _today(work),
        "DocumentDate": _today(work),
        "DeliveryDate": order["RequestedDeliveryDate"],
        "PlannedGoodsIssueDate": _today(work) + timedelta(days=1),
        "SalesOrganization": order["SalesOrganization"],
        "ShippingPoint": items[0]["ShippingPoint"],
        "ShippingCondition": order["ShippingCondition"],
        "ShipToParty": partners["SH"]["Customer"],
        "SoldToParty": order["SoldToParty"],
        "HeaderGrossWeight": sum((number(one, "ItemGrossWeight") for one in items), Decimal(0)),
        "HeaderNetWeight": sum((number(one, "ItemNetWeight") for one in items), Decimal(0)),
        "HeaderWeightUnit": "KG",
        "IncotermsClassification": order["IncotermsClassification"],
        "OverallDelivReltdBillgStatus": "A",
        "OverallGoodsMovementStatus": "A",
        "OverallPickingStatus": "A",
        "OverallSDProcessStatus": "A",
        "TransactionCurrency": order["TransactionCurrency"],
    }
    work.records.add(DELIVERIES, row)
    kept = [
        {"SDDocument": delivery, "PartnerFunction": code, "Customer": one["Customer"], "AddressID": one["AddressID"]}
        for code, one in partners.items()
    ]
    work.records.add(DELIVERY_PARTNERS, *kept)


def _invoice_item(work: Work, document: str, delivered: Row, item: Row) -> Row:
    net, tax = number(item, "NetAmount"), number(item, "TaxAmount")
    return {
        "BillingDocument": document,
        "BillingDocumentItem": item["SalesOrderItem"],
        "SalesDocumentItemCategory": "TAN",
        "Material": item["Material"],
        "BillingDocumentItemText": item["SalesOrderItemText"],
        "Plant": item["ProductionPlant"],
        "BillingQuantity": delivered["ActualDeliveryQuantity"],
        "BillingQuantityUnit": "PC",
        "NetAmount": net,
        "TaxAmount": tax,
        "GrossAmount": net + tax,
        "TransactionCurrency": item["TransactionCurrency"],
        "ReferenceSDDocument": delivered["DeliveryDocument"],
        "ReferenceSDDocumentItem": delivered["DeliveryDocumentItem"],
        "ReferenceSDDocumentCategory": _DELIVERY,
        "SalesDocument": item["SalesOrder"],
        "SalesDocumentItem": item["SalesOrderItem"],
        "SalesSDDocumentCategory": _ORDER,
        "CreationDate": _today(work),
    }


def _invoice_header(work: Work, document: str, order: Mapping[str, Value], rows: list[Row]) -> None:
    partners = work.records.find(ORDER_PARTNERS, SalesOrder=order["SalesOrder"])
    payer = next((one["Customer"] for one in partners if one["PartnerFunction"] == "PY"), order["SoldToParty"])
    net, tax = (sum((number(one, name) for one in rows), Decimal(0)) for name in ("NetAmount", "TaxAmount"))
    row: Row = {
        "BillingDocument": document,
        "SDDocumentCategory": _INVOICE,
        "BillingDocumentCategory": "L",
        "BillingDocumentType": "F2",
        "CreationDate": _today(work),
        "LastChangeDateTime": work.now,
        "SalesOrganization": order["SalesOrganization"],
        "DistributionChannel": order["DistributionChannel"],
        "Division": order["OrganizationDivision"],
        "BillingDocumentDate": _today(work),
        "TotalNetAmount": net,
        "TaxAmount": tax,
        "TotalGrossAmount": net + tax,
        "TransactionCurrency": order["TransactionCurrency"],
        "PayerParty": payer,
        "SoldToParty": order["SoldToParty"],
        "CustomerPaymentTerms": order["CustomerPaymentTerms"],
        "CompanyCode": order["SalesOrganization"],
        "FiscalYear": str(work.now.year),
        "AccountingDocument": document,
        "DocumentReferenceID": document,
        "PurchaseOrderByCustomer": order["PurchaseOrderByCustomer"],
        "OverallSDProcessStatus": "C",
        "OverallBillingStatus": "C",
        "AccountingPostingStatus": "C",
        "AccountingTransferStatus": "C",
        "InvoiceClearingStatus": "A",
    }
    work.records.add(INVOICES, row)
    work.records.add(
        INVOICE_PARTNERS,
        *(
            {"BillingDocument": document, "PartnerFunction": one["PartnerFunction"], "Customer": one["Customer"]}
            for one in partners
        ),
    )


def _flow(
    work: Work,
    order: Mapping[str, Value],
    items: list[Row],
    document: str,
    category: str,
    status: str,
    level: str = "01",
) -> None:
    shared: Row = {
        "SalesOrder": order["SalesOrder"],
        "SubsequentDocument": document,
        "SubsequentDocumentCategory": category,
        "ProcessFlowLevel": level,
        "CreationDate": _today(work),
        "CreationTime": timedelta(hours=12),
    }
    work.records.add(
        ORDER_FLOW,
        {**shared, "DocRelationshipUUID": _uuid(order["SalesOrder"], document), "OverallSDProcessStatus": status},
    )
    for item in items:
        position = item["SalesOrderItem"]
        row: Row = {"SalesOrderItem": position, "SubsequentDocumentItem": position, "SDProcessStatus": status}
        work.records.add(
            ITEM_FLOW, {**shared, **row, "DocRelationshipUUID": _uuid(order["SalesOrder"], document, position)}
        )


def _flow_row(item: Mapping[str, Value], category: str, following: str, following_category: str) -> Row:
    return {
        "PrecedingDocument": item["DeliveryDocument"],
        "PrecedingDocumentItem": item["DeliveryDocumentItem"],
        "PrecedingDocumentCategory": category,
        "Subsequentdocument": following,
        "SubsequentDocumentItem": item["DeliveryDocumentItem"],
        "SubsequentDocumentCategory": following_category,
        "QuantityInBaseUnit": item["ActualDeliveryQuantity"],
    }


def _update_order(work: Work, header: Row) -> None:
    items = work.records.find(ITEMS, SalesOrder=header["SalesOrder"])
    work.records.change(ORDERS, ORDERS.key_of(header), {**derive(items), **change_stamp(work, header)})


def _uuid(*parts: Value) -> str:
    return str(uuid5(NAMESPACE_OID, "/".join(map(str, parts))))


def _today(work: Work) -> datetime:
    return work.now.replace(hour=0, minute=0, second=0, microsecond=0)
