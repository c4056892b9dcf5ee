"""OE_ORDER_PUB: PROCESS_ORDER and GET_ORDER. What is wrong is X_RETURN_STATUS E with X_MSG_DATA, never an HTTP status.

Source: Oracle Order Management Open Interfaces, API & Electronic Messaging Guide. The same request sent twice makes
two orders.
"""

import sqlite3
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from sandboxes.company import company
from sandboxes.kit import Clock

_FIRST_HEADER, _FIRST_NUMBER = 190_001, 66_001
Values = Mapping[str, Any]
SCHEMA = """
CREATE TABLE oe_order (
  header_id INTEGER PRIMARY KEY, order_source_id INTEGER NOT NULL, reference TEXT NOT NULL, customer TEXT NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX oe_order_reference ON oe_order (order_source_id, reference);
"""


class ProcedureError(Exception):
    """The procedure ends with status E; the text becomes X_MSG_DATA."""


class Orders:
    """Orders in one table.

    Args:
        connection: Of the suite's database; the caller holds the transaction.
        clock: The suite's time.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def process(self, parameters: Values) -> Values:
        """PROCESS_ORDER: creates an order, or finds the one that a change is about."""
        return _outcome(lambda: self._processed(parameters))

    def get(self, parameters: Values) -> Values:
        """GET_ORDER."""
        return _outcome(lambda: self._shown("header_id = ?", (parameters.get("P_HEADER_ID"),)))

    def clear(self) -> None:
        """Forget every order."""
        self._connection.execute("DELETE FROM oe_order")

    def ledger(self) -> Mapping[str, object]:
        """Every order."""
        rows = self._connection.execute("SELECT header_id, reference, customer FROM oe_order ORDER BY header_id")
        return {"orders": [{"HEADER_ID": one[0], "ORIG_SYS_DOCUMENT_REF": one[1], "customer": one[2]} for one in rows]}

    def _processed(self, parameters: Values) -> Values:
        header: Values = parameters.get("P_HEADER_REC") or {}
        key = (header.get("ORDER_SOURCE_ID"), header.get("ORIG_SYS_DOCUMENT_REF"))
        if header.get("OPERATION") == "UPDATE":
            return self._shown("order_source_id = ? AND reference = ?", key)
        if header.get("OPERATION") != "CREATE":
            raise ProcedureError("OE_INVALID_OPERATION: The operation is not valid.")
        values: Values = parameters.get("P_HEADER_VAL_REC") or {}
        customer = str(values.get("CUSTOMER_NUMBER") or "")
        known = company().customer_by_sap.get(customer)
        if known is None:
            raise ProcedureError("OE_VTI_CUSTOMER: Customer number is invalid.")
        if known.order_blocked:
            raise ProcedureError("OE_HOLD_ORDER: The customer is on hold.")
        lines = [_line(one) for one in _rows(parameters, "P_LINE_TBL")]
        if not lines:
            raise ProcedureError("OE_ATTRIBUTE_REQUIRED: At least one line is required.")
        return self._kept(header, customer, lines, booked=_is_booked(parameters))

    def _kept(self, header: Values, customer: str, lines: list[Values], *, booked: bool) -> Values:
        found = self._connection.execute("SELECT max(header_id) FROM oe_order").fetchone()[0]
        identity = (found or _FIRST_HEADER - 1) + 1
        shown = {name: value for name, value in header.items() if name != "OPERATION"} | {
            "HEADER_ID": identity,
            "ORDER_NUMBER": identity - _FIRST_HEADER + _FIRST_NUMBER,
            "FLOW_STATUS_CODE": "BOOKED" if booked else "ENTERED",
            "BOOKED_FLAG": "Y" if booked else "N",
            "ORDERED_DATE": self._clock.now().isoformat(timespec="milliseconds"),
        }
        document = {
            "X_HEADER_REC": shown,
            "X_HEADER_VAL_REC": {"CUSTOMER_NUMBER": customer},
            "X_LINE_TBL": {"X_LINE_TBL_ITEM": lines},
        }
        self._connection.execute(
            "INSERT INTO oe_order VALUES (?, ?, ?, ?, ?)",
            (identity, header.get("ORDER_SOURCE_ID"), header.get("ORIG_SYS_DOCUMENT_REF") or str(identity), customer,
             msgspec.json.encode(document).decode()),
        )  # fmt: skip
        return document

    def _shown(self, where: str, values: tuple[object, ...]) -> Values:
        found = self._connection.execute(
            f"SELECT document FROM oe_order WHERE {where} ORDER BY header_id",  # noqa: S608 - conditions of ours
            values,
        ).fetchone()
        if found is None:
            raise ProcedureError("OE_INVALID_HEADER: No order exists for the given identifiers.")
        return msgspec.json.decode(found[0])


def _outcome(run: Callable[[], Values]) -> Values:
    try:
        return {"X_RETURN_STATUS": "S", "X_MSG_COUNT": 0, "X_MSG_DATA": None, **run()}
    except ProcedureError as error:
        return {"X_RETURN_STATUS": "E", "X_MSG_COUNT": 1, "X_MSG_DATA": str(error)}
    except (TypeError, AttributeError, KeyError) as error:
        text = f"ORA-06502: PL/SQL: numeric or value error ({type(error).__name__})"
        return {"X_RETURN_STATUS": "U", "X_MSG_COUNT": 1, "X_MSG_DATA": text}


def _line(sent: Values) -> Values:
    item, product = str(sent.get("ORDERED_ITEM") or ""), company().product_by_sku.get(str(sent.get("ORDERED_ITEM")))
    if product is None or not product.active:
        raise ProcedureError(f"OE_INVALID_ITEM: Item {item} is not orderable in this operating unit.")
    try:
        quantity = Decimal(str(sent.get("ORDERED_QUANTITY")))
    except InvalidOperation:
        quantity = Decimal(0)
    if quantity <= 0:
        raise ProcedureError("OE_INVALID_QUANTITY: Ordered quantity must be greater than zero.")
    price = sent.get("UNIT_SELLING_PRICE") if sent.get("CALCULATE_PRICE_FLAG") == "N" else product.list_price
    kept = {name: value for name, value in sent.items() if name != "OPERATION"}
    return {**kept, "ORDERED_QUANTITY": str(quantity), "UNIT_SELLING_PRICE": str(price), "CANCELLED_FLAG": "N"}


def _is_booked(parameters: Values) -> bool:
    return any(one.get("REQUEST_TYPE") == "BOOK_ORDER" for one in _rows(parameters, "P_ACTION_REQUEST_TBL"))


def _rows(parameters: Values, table: str) -> list[Values]:
    """The rows of a table type, which is an object with an array in it."""
    sent: Values = parameters.get(table) or {}
    return sent.get(f"{table}_ITEM") or []
