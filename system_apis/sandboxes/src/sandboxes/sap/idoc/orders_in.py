"""ORDERS05 as the order it asks for, in the same words as an OData request (function module IDOC_INPUT_ORDERS)."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from sandboxes.sap.idoc.document import Segment
from sandboxes.sap.odata_v2.behaviour import Payload
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.odata_v2.errors import Message
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.draft import ORDER_TYPES

_EXTERNAL_TYPES = {internal: external for external, internal in ORDER_TYPES.items()}


def order_payload(idoc: Segment) -> Payload:
    """What the document orders.

    Raises:
        ODataError: A number or date in it is none.
    """
    kind = _organisation(idoc, "012")
    header = idoc.every("E1EDK01")[0]
    values: Row = {
        "SalesOrderType": _EXTERNAL_TYPES.get(kind, kind) or "OR",
        "SalesOrganization": _organisation(idoc, "008"),
        "DistributionChannel": _organisation(idoc, "007"),
        "OrganizationDivision": _organisation(idoc, "006"),
        "SoldToParty": _plain(idoc.qualified("E1EDKA1", "PARVW", "AG").get("PARTN")),
        "TransactionCurrency": header.get("CURCY"),
        "PurchaseOrderByCustomer": idoc.qualified("E1EDK02", "QUALF", "001").get("BELNR"),
        "PurchaseOrderByShipToParty": idoc.qualified("E1EDK02", "QUALF", "044").get("BELNR"),
    }
    wanted = idoc.qualified("E1EDK03", "IDDAT", "002").get("DATUM")
    if wanted:
        values["RequestedDeliveryDate"] = _day(wanted)
    ship_to = _plain(idoc.qualified("E1EDKA1", "PARVW", "WE").get("PARTN"))
    partners = [Payload({"PartnerFunction": "SH", "Customer": ship_to}, {})] if ship_to else []
    return Payload(values, {"to_Partner": partners, "to_Item": [_item(one) for one in idoc.every("E1EDP01")]})


def _item(item: Segment) -> Payload:
    material = item.qualified("E1EDP19", "QUALF", "002").get("IDTNR") or item.get("MATNR")
    quantity = item.get("MENGE") or (item.every("E1EDP20") or [Segment("")])[0].get("WMENG")
    values: Row = {
        "SalesOrderItem": _plain(item.get("POSEX")),
        "Material": material,
        "RequestedQuantity": _number(quantity, "RequestedQuantity"),
        "RequestedQuantityUnit": item.get("MENEE"),
        "ProductionPlant": item.get("WERKS"),
    }
    conditions = [_condition(one) for one in item.every("E1EDP05") if one.get("KSCHL")]
    return Payload({name: value for name, value in values.items() if value != ""}, {"to_PricingElement": conditions})


def _condition(one: Segment) -> Payload:
    per = _number(one.get("UPRBS") or "1", "ConditionQuantity") or Decimal(1)
    rate = _number(one.get("KRATE"), "ConditionRateValue") / per
    values: dict[str, Value] = {"ConditionType": one.get("KSCHL"), "ConditionRateValue": rate}
    return Payload(values, {})


def _organisation(idoc: Segment, qualifier: str) -> str:
    return idoc.qualified("E1EDK14", "QUALF", qualifier).get("ORGID")


def _plain(number: str) -> str:
    return number.lstrip("0") if number.isdigit() else number


def _number(text: str, target: str) -> Decimal:
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        raise messages.refused(Message("00/088", f"Enter a numeric value instead of {text}", target=target)) from None


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise messages.refused(Message("00/302", f"Date {text} is not valid", target="RequestedDeliveryDate")) from None
