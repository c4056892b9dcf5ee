"""RETURN in all its kinds, and what a refusal in it means.

BAPIRET2, BAPIRET1 and BAPIRETURN1 hold message class and number apart, BAPIRETURN both in CODE. A function may answer
a table or one row. It succeeded if no row is an error (E) or an abort (A); the first row alone tells nothing.
"""

from shared.binding.problems import BackendFault, Problem
from system_apis.sap.bapi.answer import Answer, Fields
from system_apis.sap.faults import LOCKS, Message, business_refusal, locked, plain

_FAILURES = frozenset("EA")
_NUMBER_LENGTH = 3
_SUMMARIES = frozenset({"V4/219", "V4/248"})
"""Document not changed, error in item: said besides what is wrong."""
_PROPERTIES = {
    "PARTN_NUMB": "SoldToParty",
    "PARTN_ROLE": "Customer",
    "MATERIAL": "Material",
    "MATERIAL_LONG": "Material",
    "PLANT": "ProductionPlant",
    "REQ_QTY": "RequestedQuantity",
    "TARGET_QTY": "RequestedQuantity",
    "TARGET_QU": "RequestedQuantityUnit",
    "SALES_UNIT": "RequestedQuantityUnit",
    "CURRENCY": "TransactionCurrency",
    "COND_TYPE": "ConditionType",
    "DOC_TYPE": "SalesOrderType",
}
"""The property of the OData services that a field is; `faults` knows what each means to a caller."""


def failure(answer: Answer) -> Problem | None:
    """Why a function did not do what it was asked, or None if it did."""
    rows = [row for row in answer.table("RETURN") if row.text("TYPE").upper() in _FAILURES]
    if not rows:
        return None
    messages = [_message(row) for row in rows]
    if {one.code for one in messages} & LOCKS:
        return locked()
    if any(row.text("TYPE").upper() == "A" for row in rows):
        return BackendFault("SAP broke the function off; see its log.", extensions={"code": messages[0].code})
    told = [one for one in messages if one.code not in _SUMMARIES] or messages
    return business_refusal(told[0], told, told)


def remarks(answer: Answer, table: str) -> list[str]:
    """What SAP says besides in a table of messages, as text; not what is an error."""
    rows = [row for row in answer.table(table) if row.text("TYPE").upper() in ("W", "I")]
    return [text for row in rows if (text := plain(row.text("MESSAGE")))]


def _message(row: Fields) -> Message:
    code = row.text("CODE")
    message_class = row.text("ID") or code[:-_NUMBER_LENGTH]
    number = row.text("NUMBER") or code[-_NUMBER_LENGTH:]
    target = _PROPERTIES.get(row.text("FIELD"), "")
    return Message(f"{message_class}/{number.zfill(_NUMBER_LENGTH)}", row.text("MESSAGE"), target)
