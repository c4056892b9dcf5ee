"""Messages as the three kinds of RETURN parameters hold them."""

import re
from collections.abc import Iterable

from sandboxes.sap.odata_v2.errors import Message, ODataError
from sandboxes.sap.rfc.dictionary import Cell

_CODE = re.compile(r"([A-Z0-9_]{1,20})/(\d{3})")
_KIND = {"error": "E", "warning": "W", "info": "I", "success": "S"}
_PLACE = {
    "SoldToParty": ("ORDER_PARTNERS", "PARTN_NUMB"),
    "Customer": ("ORDER_PARTNERS", "PARTN_NUMB"),
    "PartnerFunction": ("ORDER_PARTNERS", "PARTN_ROLE"),
    "Material": ("ORDER_ITEMS_IN", "MATERIAL"),
    "ProductionPlant": ("ORDER_ITEMS_IN", "PLANT"),
    "RequestedQuantity": ("ORDER_SCHEDULES_IN", "REQ_QTY"),
    "RequestedQuantityUnit": ("ORDER_ITEMS_IN", "TARGET_QU"),
    "TransactionCurrency": ("ORDER_HEADER_IN", "CURRENCY"),
    "SalesOrderType": ("ORDER_HEADER_IN", "DOC_TYPE"),
    "ConditionType": ("ORDER_CONDITIONS_IN", "COND_TYPE"),
    "SalesDocumentRjcnReason": ("ORDER_ITEM_IN", "REASON_REJ"),
}

Row = dict[str, Cell]


def bapiret2(message: Message) -> Row:
    """A row of BAPIRET2; BAPIRET1 and BAPIRETURN1 have the same first fields."""
    message_class, number = _parts(message)
    parameter, field = _PLACE.get(message.target, ("", ""))
    return {
        "TYPE": _KIND[message.severity],
        "ID": message_class,
        "NUMBER": number,
        "MESSAGE": message.text,
        "PARAMETER": parameter,
        "FIELD": field,
        "SYSTEM": "S4HCLNT100",
    }


def bapireturn(message: Message) -> Row:
    """BAPIRETURN, whose CODE is message class and number in five characters."""
    message_class, number = _parts(message)
    return {"TYPE": _KIND[message.severity], "CODE": f"{message_class[:2]}{number}", "MESSAGE": message.text}


def messages_of(error: ODataError) -> list[Message]:
    """Every message behind a refusal."""
    return list(error.details or (error.message,))


def rows(messages: Iterable[Message]) -> list[Row]:
    """A RETURN table."""
    return [bapiret2(one) for one in messages]


def _parts(message: Message) -> tuple[str, str]:
    found = _CODE.fullmatch(message.code)
    return (found[1], found[2]) if found else ("00", "001")
