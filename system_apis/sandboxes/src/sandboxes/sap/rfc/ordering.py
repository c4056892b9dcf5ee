"""BAPI_SALESORDER_CREATEFROMDAT2, _SIMULATE and _CHANGE: the rules of sales, with SAP's own names around them."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Payload, Work
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.odata_v2.errors import Message, ODataError
from sandboxes.sap.rfc.calling import Call, day_in, midnight, number_in, shown, text_in
from sandboxes.sap.rfc.dictionary import Cell, Fields, Value
from sandboxes.sap.rfc.returned import bapireturn, messages_of, rows
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.draft import ORDER_TYPES, Draft, draft_order
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.items import change_item
from sandboxes.sap.sales.order_store import open_order
from sandboxes.sap.sales.orders import FIRST_ORDER, save
from sandboxes.sap.sales.tables import ITEMS, LOCKS
from sandboxes.sap.services.sales_order import SALES_ORDER

_ITEMS = SALES_ORDER.sets["A_SalesOrderItem"]
_EXTERNAL_TYPES = {internal: external for external, internal in ORDER_TYPES.items()}
_NO_ITEM = "000000"
_PROCESSED = Message("V4/233", "SALES_HEADER_IN has been processed successfully", severity="success")
_NOT_CHANGED = Message("V4/219", "Sales document was not changed")
_THOUSANDTH = Decimal("0.001")


def create(call: Call) -> Mapping[str, Value]:
    """Check an order and promise it a number; it is saved by the COMMIT of the same context."""
    try:
        draft = draft_order(call.work(), _order(call))
    except ODataError as refused:
        return {"RETURN": rows([*messages_of(refused), _NOT_CHANGED])}
    if call.text("TESTRUN"):
        return {"RETURN": rows([_PROCESSED, *draft.remarks])}
    with call.state.transaction():
        order = call.records.next_number("sales order", FIRST_ORDER)
    call.context.waiting.append(_saving(draft, order))
    saved = Message("V1/311", f"Standard Order {order} has been saved", severity="success")
    return {"SALESDOCUMENT": order, "RETURN": rows([_PROCESSED, *draft.remarks, saved])}


def simulate(call: Call) -> Mapping[str, Value]:
    """Price, check and schedule an order; nothing waits for a COMMIT."""
    try:
        draft = draft_order(call.work(), _simulated_order(call))
    except ODataError as refused:
        said = messages_of(refused)
        return {"RETURN": bapireturn(said[0]), "MESSAGETABLE": rows(said)}
    partners = {text(one, "PartnerFunction"): text(one, "Customer") for one in draft.partners}
    return {
        "SOLD_TO_PARTY": {"SOLD_TO": partners.get("SP", "")},
        "SHIP_TO_PARTY": {"SHIP_TO": partners.get("SH", "")},
        "BILLING_PARTY": {"BILL_TO": partners.get("BP", "")},
        "ORDER_ITEMS_OUT": [_item_out(one.row) for one in draft.items],
        "ORDER_SCHEDULE_EX": [schedule_out({**one.schedule, **_key(one.row)}) for one in draft.items],
        "ORDER_CONDITION_EX": [_condition_out(one, item.row) for item in draft.items for one in item.conditions],
        "MESSAGETABLE": rows(draft.remarks),
    }


def change(call: Call) -> Mapping[str, Value]:
    """Check a change of items and hold the document; it is made by the COMMIT of the same context."""
    order = shown(call.text("SALESDOCUMENT"))
    if call.structure("ORDER_HEADER_INX").get("UPDATEFLAG") != "U":
        return {"RETURN": rows([Message("V4/210", "Enter update flag U in ORDER_HEADER_INX"), _NOT_CHANGED])}
    wanted = _item_changes(call)
    try:
        _tried(call, order, wanted)
    except ODataError as refused:
        return {"RETURN": rows([*messages_of(refused), _NOT_CHANGED])}
    if not call.text("SIMULATION"):
        call.contexts.hold(call.context, order)
        call.context.waiting.append(_changing(order, wanted))
    saved = Message("V1/311", f"Standard Order {order} has been saved", severity="success")
    return {"RETURN": rows([_PROCESSED, saved])}


def schedule_out(row: Row) -> dict[str, Cell]:
    """A schedule line as BAPISDHEDU; REQ_DATE is when what is confirmed can be there."""
    confirmed = day_in(row.get("ConfirmedDeliveryDate")) or day_in(row.get("RequestedDeliveryDate"))
    return {
        "DOC_NUMBER": text(row, "SalesOrder"),
        "ITM_NUMBER": text(row, "SalesOrderItem"),
        "SCHED_LINE": text(row, "ScheduleLine"),
        "REQ_DATE": confirmed,
        "REQ_QTY": number(row, "ScheduleLineOrderQuantity"),
        "CONFIR_QTY": number(row, "ConfdOrderQtyByMatlAvailCheck"),
        "SALES_UNIT": "ST",
        "ISOCODUNIT": "PCE",
    }


def material_of(row: Row) -> dict[str, Cell]:
    """A material's number in both fields that hold it; the short one is empty where it is too long."""
    material = text(row, "Material")
    return {"MATERIAL": material if len(material) <= 18 else "", "MATERIAL_LONG": material}  # noqa: PLR2004 - its length


def _order(call: Call) -> Payload:
    header = _flagged(call.structure("ORDER_HEADER_IN"), call.structure("ORDER_HEADER_INX"))
    scheduled = _by_item(call.table("ORDER_SCHEDULES_IN"))
    conditions = _by_item(call.table("ORDER_CONDITIONS_IN"))
    flags = {text_in(one, "ITM_NUMBER"): one for one in call.table("ORDER_ITEMS_INX")}
    items = [
        _item(
            _flagged(one, flags.get(text_in(one, "ITM_NUMBER"), {})),
            sum((number_in(line, "REQ_QTY") for line in scheduled.get(text_in(one, "ITM_NUMBER"), [])), Decimal(0)),
            conditions.get(text_in(one, "ITM_NUMBER"), []),
        )
        for one in call.table("ORDER_ITEMS_IN")
    ]
    return _payload(header, call.table("ORDER_PARTNERS"), items, conditions.get(_NO_ITEM, []))


def _simulated_order(call: Call) -> Payload:
    scheduled = _by_item(call.table("ORDER_SCHEDULE_IN"))
    items: list[Payload] = []
    for one in call.table("ORDER_ITEMS_IN"):
        lines = scheduled.get(text_in(one, "ITM_NUMBER"), [])
        asked = sum((number_in(line, "REQ_QTY") for line in lines), Decimal(0))
        quantity = asked or Decimal(text_in(one, "REQ_QTY") or "0") * _THOUSANDTH
        price = {**one, "COND_VALUE": one.get("COND_VAL1"), "COND_P_UNT": Decimal(text_in(one, "COND_P_UNT") or "0")}
        items.append(_item(one, quantity, [price] if text_in(one, "COND_TYPE") else []))
    return _payload(call.structure("ORDER_HEADER_IN"), call.table("ORDER_PARTNERS"), items, [])


def _payload(header: Fields, partners: Sequence[Fields], items: list[Payload], conditions: list[Fields]) -> Payload:
    sold_to = next((text_in(one, "PARTN_NUMB") for one in partners if text_in(one, "PARTN_ROLE") in ("AG", "SP")), "")
    kind = text_in(header, "DOC_TYPE")
    values: Row = {
        "SalesOrderType": _EXTERNAL_TYPES.get(kind, kind),
        "SalesOrganization": text_in(header, "SALES_ORG"),
        "DistributionChannel": text_in(header, "DISTR_CHAN"),
        "OrganizationDivision": text_in(header, "DIVISION"),
        "SoldToParty": shown(sold_to) if sold_to else "",
        "PurchaseOrderByCustomer": text_in(header, "PURCH_NO_C"),
        "PurchaseOrderByShipToParty": text_in(header, "PURCH_NO_S"),
        "TransactionCurrency": text_in(header, "CURRENCY"),
        "DeliveryBlockReason": text_in(header, "DLV_BLOCK"),
        "RequestedDeliveryDate": midnight(header.get("REQ_DATE_H")),
    }
    others = [
        Payload({"PartnerFunction": text_in(one, "PARTN_ROLE"), "Customer": shown(text_in(one, "PARTN_NUMB"))}, {})
        for one in partners
        if text_in(one, "PARTN_ROLE") not in ("AG", "SP")
    ]
    by_hand = [_condition(one) for one in conditions]
    return Payload(values, {"to_Item": items, "to_Partner": others, "to_PricingElement": by_hand})


def _item(row: Fields, quantity: Decimal, conditions: Sequence[Fields]) -> Payload:
    values: Row = {
        "SalesOrderItem": shown(text_in(row, "ITM_NUMBER")) if text_in(row, "ITM_NUMBER") not in ("", _NO_ITEM) else "",
        "Material": text_in(row, "MATERIAL_LONG") or text_in(row, "MATERIAL"),
        "RequestedQuantity": quantity,
        "RequestedQuantityUnit": text_in(row, "TARGET_QU") or text_in(row, "SALES_UNIT"),
        "ProductionPlant": text_in(row, "PLANT"),
    }
    return Payload(values, {"to_PricingElement": [_condition(one) for one in conditions]})


def _condition(row: Fields) -> Payload:
    per = number_in(row, "COND_P_UNT") or Decimal(1)
    values: Row = {
        "ConditionType": text_in(row, "COND_TYPE"),
        "ConditionRateValue": number_in(row, "COND_VALUE") / per,
    }
    return Payload(values, {})


def _flagged(row: Fields, flags: Fields) -> Fields:
    """The fields of a row that its check list marks; all where there is no check list."""
    if not any(flags.values()):
        return row
    return {name: value for name, value in row.items() if flags.get(name) == "X" or name == "ITM_NUMBER"}


def _by_item(lines: Sequence[Fields]) -> dict[str, list[Fields]]:
    grouped: dict[str, list[Fields]] = {}
    for one in lines:
        grouped.setdefault(text_in(one, "ITM_NUMBER") or _NO_ITEM, []).append(one)
    return grouped


def _saving(draft: Draft, order: str) -> Callable[[Work], None]:
    def saved(work: Work) -> None:
        save(work, draft, order)

    return saved


def _item_changes(call: Call) -> list[tuple[str, Row]]:
    """The change of each item that its check list marks for updating."""
    flags = {text_in(one, "ITM_NUMBER"): one for one in call.table("ORDER_ITEM_INX") if one.get("UPDATEFLAG") == "U"}
    return [
        (shown(text_in(one, "ITM_NUMBER")), {"SalesDocumentRjcnReason": text_in(one, "REASON_REJ")})
        for one in call.table("ORDER_ITEM_IN")
        if flags.get(text_in(one, "ITM_NUMBER"), {}).get("REASON_REJ") == "X"
    ]


def _tried(call: Call, order: str, changes: list[tuple[str, Row]]) -> None:
    """Make a change and undo it, to hear what stands against it."""
    try:
        with call.state.transaction():
            if order in call.context.held:
                call.records.remove(LOCKS, Document=order, User=call.context.user)
            _changing(order, changes)(call.work())
            raise _Undone
    except _Undone:
        return


def _changing(order: str, changes: list[tuple[str, Row]]) -> Callable[[Work], None]:
    def changed(work: Work) -> None:
        open_order(work, order)
        for item, values in changes:
            old = work.records.get(ITEMS, SalesOrder=order, SalesOrderItem=item)
            if old is None:
                raise messages.refused(Message("V1/778", f"Item {item} does not exist in sales document {order}"))
            change_item(work, _ITEMS, old, values)

    return changed


class _Undone(Exception):  # noqa: N818 - no error: the way out of a transaction that is not to be kept
    pass


def _key(row: Row) -> Row:
    return {"SalesOrderItem": row["SalesOrderItem"]}


def _item_out(row: Row) -> dict[str, Cell]:
    return {
        **material_of(row),
        "ITM_NUMBER": text(row, "SalesOrderItem"),
        "SHORT_TEXT": text(row, "SalesOrderItemText"),
        "CURRENCY": text(row, "TransactionCurrency"),
        "SALES_UNIT": "ST",
        "NET_VALUE1": number(row, "NetAmount"),
        "TX_DOC_CUR": number(row, "TaxAmount"),
        "REQ_QTY": number(row, "RequestedQuantity"),
        "PLANT": text(row, "ProductionPlant"),
    }


def _condition_out(row: Row, item: Row) -> dict[str, Cell]:
    return {
        "ITM_NUMBER": text(item, "SalesOrderItem"),
        "COND_TYPE": text(row, "ConditionType"),
        "COND_VALUE": number(row, "ConditionRateValue"),
        "CURRENCY": text(row, "ConditionCurrency"),
        "COND_UNIT": "ST" if text(row, "ConditionQuantityUnit") else "",
        "COND_P_UNT": number(row, "ConditionQuantity"),
        "CONDVALUE": number(row, "ConditionAmount"),
    }
