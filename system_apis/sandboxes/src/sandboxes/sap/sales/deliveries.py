"""What a warehouse does to a delivery by API_OUTBOUND_DELIVERY_SRV: picking, goods issue, and its reversal."""

from collections.abc import Mapping
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Behaviour, Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.odata_v2.resource import not_found
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.availability import reserve
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.fulfilment import issue_goods, next_version
from sandboxes.sap.sales.tables import DELIVERIES, DELIVERY_ITEMS, LOCKS, STOCK
from sandboxes.sap.services.material_stock import UNRESTRICTED


def _pick(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    """`PickAllItems` and `PickOneItem`: all that is to be delivered lies ready."""
    header = _open(work, arguments)
    chosen = _items(work, arguments)
    for item in chosen:
        work.records.change(DELIVERY_ITEMS, DELIVERY_ITEMS.key_of(item), {"PickingStatus": "C"})
    statuses = {text(one, "PickingStatus") for one in _items(work, {"DeliveryDocument": header["DeliveryDocument"]})}
    _change(work, header, {"OverallPickingStatus": "C" if statuses == {"C"} else "B"})
    return [_said("VL/311", one) for one in chosen]


def _confirm_picking(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    """`ConfirmPickingAllItems`: the warehouse says that it picked everything."""
    header = _open(work, arguments)
    _picked(header)
    _change(work, header, {})
    return [_said("VL/311", one) for one in _items(work, arguments)]


def _post(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    """`PostGoodsIssue`: the goods leave."""
    header = _open(work, arguments)
    _picked(header)
    issue_goods(work, text(header, "DeliveryDocument"))
    return [_said("VL/311", header)]


def _reverse(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    """`ReverseGoodsIssue`: the goods are back on the shelf, and promised to the order again."""
    header = _delivery(work, arguments)
    if header["OverallGoodsMovementStatus"] != "C":
        raise messages.refused(messages.no_goods_issue(text(header, "DeliveryDocument")))
    if header["OverallDelivReltdBillgStatus"] == "C":
        raise messages.refused(messages.delivery_billed(text(header, "DeliveryDocument")))
    for item in _items(work, {"DeliveryDocument": header["DeliveryDocument"]}):
        material, plant, quantity = text(item, "Material"), text(item, "Plant"), number(item, "ActualDeliveryQuantity")
        reserve(work.records, material, plant, quantity)
        for stock in work.records.find(STOCK, Material=material, Plant=plant, InventoryStockType=UNRESTRICTED):
            back: Decimal = number(stock, "MatlWrhsStkQtyInMatlBaseUnit") + quantity
            work.records.change(STOCK, STOCK.key_of(stock), {"MatlWrhsStkQtyInMatlBaseUnit": back})
        work.records.change(DELIVERY_ITEMS, DELIVERY_ITEMS.key_of(item), {"GoodsMovementStatus": "A"})
    _change(work, header, {"OverallGoodsMovementStatus": "A", "ActualGoodsMovementDate": None})
    return [_said("VL/311", header)]


def _delivery(work: Work, arguments: Mapping[str, Value]) -> Row:
    key = arguments["DeliveryDocument"]
    found = work.records.get(DELIVERIES, DeliveryDocument=key)
    if found is None:
        raise not_found(DELIVERIES.set, {"DeliveryDocument": key})
    if (lock := work.records.get(LOCKS, Document=key)) is not None:
        raise messages.locked(str(key), text(lock, "User"))
    return found


def _open(work: Work, arguments: Mapping[str, Value]) -> Row:
    """A delivery whose goods have not left."""
    header = _delivery(work, arguments)
    if header["OverallGoodsMovementStatus"] == "C":
        raise messages.refused(messages.goods_issued(text(header, "DeliveryDocument")))
    return header


def _items(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    wanted = {name: arguments[name] for name in ("DeliveryDocument", "DeliveryDocumentItem") if name in arguments}
    found = work.records.find(DELIVERY_ITEMS, **wanted)
    if not found:
        raise not_found(DELIVERY_ITEMS.set, wanted)
    return found


def _picked(header: Row) -> None:
    if header["OverallPickingStatus"] != "C":
        raise messages.refused(messages.not_picked(text(header, "DeliveryDocument")))


def _change(work: Work, header: Row, changes: Row) -> None:
    work.records.change(DELIVERIES, DELIVERIES.key_of(header), {**changes, "DeliveryVersion": next_version(header)})


def _said(code: str, about: Row) -> Row:
    message_class, _, no = code.partition("/")
    return {
        "SystemMessageIdentification": message_class,
        "SystemMessageNumber": no,
        "SystemMessageType": "S",
        "SystemMessageVariable1": about["DeliveryDocument"],
        "DeliveryDocument": about["DeliveryDocument"],
        "DeliveryDocumentItem": about.get("DeliveryDocumentItem", ""),
    }


BEHAVIOUR = Behaviour(
    call={
        "PickAllItems": _pick,
        "PickOneItem": _pick,
        "ConfirmPickingAllItems": _confirm_picking,
        "PostGoodsIssue": _post,
        "ReverseGoodsIssue": _reverse,
    }
)
