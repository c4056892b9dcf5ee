"""OE_ORDER_PUB: PROCESS_ORDER and GET_ORDER. What is wrong is X_RETURN_STATUS E with X_MSG_DATA, never an HTTP status.

Source: Oracle Order Management Open Interfaces, API & Electronic Messaging Guide. The same request sent twice makes
two orders.
"""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from sandboxes.company import Customer, company
from sandboxes.kit import Clock
from sandboxes.oracle_ebs.lines import ProcedureError, cancelled, new_line, rows

_FIRST_HEADER, _FIRST_NUMBER = 190_001, 66_001
_GONE = frozenset({"SHIPPED", "CLOSED"})
_STEPS = {"delivery": "PICKED", "goods-issue": "SHIPPED", "invoice": "CLOSED"}
Values = Mapping[str, Any]
SCHEMA = """
CREATE TABLE oe_order (
  header_id INTEGER PRIMARY KEY, order_source_id INTEGER NOT NULL, reference TEXT NOT NULL, customer TEXT NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX oe_order_reference ON oe_order (order_source_id, reference);
"""


class Orders:
    """Orders in one table.

    Args:
        connection: Of the suite's database; the caller holds the transaction.
        clock: The suite's time.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def process(self, parameters: Values) -> Values:
        """PROCESS_ORDER: creates an order, cancels one, or finds the one that a change is about."""
        return _outcome(lambda: self._processed(parameters))

    def get(self, parameters: Values) -> Values:
        """GET_ORDER."""
        return _outcome(lambda: self._shown({"HEADER_ID": parameters.get("P_HEADER_ID")}))

    def clear(self) -> None:
        """Forget every order."""
        self._connection.execute("DELETE FROM oe_order")

    def fulfil(self, body: dict[str, Any]) -> object:
        """`{"order": "190001", "until": "delivery" | "goods-issue" | "invoice"}`: what follows an order, done now."""
        document = self._shown({"HEADER_ID": int(body["order"])})
        status = _STEPS[body.get("until", "invoice")]
        for line in document["X_LINE_TBL"]["X_LINE_TBL_ITEM"]:
            line["FLOW_STATUS_CODE"] = status
        if status == "CLOSED":
            document["X_HEADER_REC"]["FLOW_STATUS_CODE"] = status
        self._change(document)
        return {"order": body["order"], "status": status}

    def ledger(self) -> Mapping[str, object]:
        """Every order."""
        found = self._connection.execute("SELECT document FROM oe_order ORDER BY header_id")
        return {"orders": [_entry(msgspec.json.decode(one[0])) for one in found]}

    def _processed(self, parameters: Values) -> Values:
        header: Values = parameters.get("P_HEADER_REC") or {}
        match header.get("OPERATION"):
            case "UPDATE" if header.get("CANCELLED_FLAG") == "Y":
                return self._cancelled(header)
            case "UPDATE":
                return self._shown(header)
            case "CREATE":
                return self._created(header, parameters)
            case _:
                raise ProcedureError("OE_INVALID_OPERATION: The operation is not valid.")

    def _created(self, header: Values, parameters: Values) -> Values:
        values: Values = parameters.get("P_HEADER_VAL_REC") or {}
        customer = _customer(values)
        currency = str(header.get("TRANSACTIONAL_CURR_CODE") or customer.currency)
        if currency not in company().exchange_rates:
            raise ProcedureError("OE_INVALID_ATTRIBUTE: Currency is invalid.")
        if (day := header.get("REQUEST_DATE")) is not None:
            date.fromisoformat(str(day)[:10])
        lines = [new_line(one, currency, self._clock.now().date()) for one in rows(parameters, "P_LINE_TBL")]
        if not lines:
            raise ProcedureError("OE_ATTRIBUTE_REQUIRED: At least one line is required.")
        return self._kept({**header, "TRANSACTIONAL_CURR_CODE": currency}, values, lines, booked=_is_booked(parameters))

    def _cancelled(self, header: Values) -> Values:
        if not header.get("CHANGE_REASON"):
            raise ProcedureError("OE_ATTRIBUTE_REQUIRED: A reason is required to cancel an order.")
        document = self._shown(header)
        shown, lines = document["X_HEADER_REC"], document["X_LINE_TBL"]["X_LINE_TBL_ITEM"]
        if any(one["FLOW_STATUS_CODE"] in _GONE for one in lines):
            raise ProcedureError("OE_CANCEL_NOT_ALLOWED: The order has lines that are shipped or invoiced.")
        shown |= {name: header.get(name) for name in ("CHANGE_REASON", "CHANGE_COMMENTS")}
        shown |= {"FLOW_STATUS_CODE": "CANCELLED", "CANCELLED_FLAG": "Y"}
        document["X_LINE_TBL"]["X_LINE_TBL_ITEM"] = [cancelled(one) for one in lines]
        self._change(document)
        return document

    def _kept(self, header: Values, values: Values, lines: list[Values], *, booked: bool) -> Values:
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
            "X_HEADER_VAL_REC": dict(values),
            "X_LINE_TBL": {"X_LINE_TBL_ITEM": lines},
        }
        reference = header.get("ORIG_SYS_DOCUMENT_REF") or str(identity)
        self._connection.execute(
            "INSERT INTO oe_order VALUES (?, ?, ?, ?, ?)",
            (identity, header.get("ORDER_SOURCE_ID"), reference, values["CUSTOMER_NUMBER"], _text(document)),
        )
        return document

    def _shown(self, header: Values) -> dict[str, Any]:
        """The order of a header id, or of an order source and reference."""
        if header.get("HEADER_ID") is not None:
            where, values = "header_id = ?", (header["HEADER_ID"],)
        else:
            where = "order_source_id = ? AND reference = ?"
            values = (header.get("ORDER_SOURCE_ID"), header.get("ORIG_SYS_DOCUMENT_REF"))
        found = self._connection.execute(
            f"SELECT document FROM oe_order WHERE {where} ORDER BY header_id",  # noqa: S608 - conditions of ours
            values,
        ).fetchone()
        if found is None:
            raise ProcedureError("OE_INVALID_HEADER: No order exists for the given identifiers.")
        return msgspec.json.decode(found[0])

    def _change(self, document: dict[str, Any]) -> None:
        identity = document["X_HEADER_REC"]["HEADER_ID"]
        self._connection.execute("UPDATE oe_order SET document = ? WHERE header_id = ?", (_text(document), identity))


def _customer(values: Values) -> Customer:
    known = company().customer_by_sap.get(str(values.get("CUSTOMER_NUMBER") or ""))
    if known is None:
        raise ProcedureError("OE_VTI_CUSTOMER: Customer number is invalid.")
    if known.order_blocked:
        raise ProcedureError("OE_HOLD_ORDER: The customer is on hold.")
    place = values.get("SHIP_TO_LOCATION")
    if place is not None and place not in {one.sap_customer for one in known.ship_to}:
        raise ProcedureError("OE_VTI_SHIP_TO_ORG: Ship to location is invalid.")
    return known


def _outcome(run: Callable[[], Values]) -> Values:
    try:
        return {"X_RETURN_STATUS": "S", "X_MSG_COUNT": 0, "X_MSG_DATA": None, **run()}
    except ProcedureError as error:
        return {"X_RETURN_STATUS": "E", "X_MSG_COUNT": 1, "X_MSG_DATA": str(error)}
    except (TypeError, AttributeError, KeyError, ValueError, sqlite3.Error) as error:
        text = f"ORA-06502: PL/SQL: numeric or value error ({type(error).__name__})"
        return {"X_RETURN_STATUS": "U", "X_MSG_COUNT": 1, "X_MSG_DATA": text}


def _is_booked(parameters: Values) -> bool:
    return any(one.get("REQUEST_TYPE") == "BOOK_ORDER" for one in rows(parameters, "P_ACTION_REQUEST_TBL"))


def _entry(document: Values) -> dict[str, object]:
    """An order as the ledger shows it; its state is open or cancelled."""
    header = document["X_HEADER_REC"]
    lines = document["X_LINE_TBL"]["X_LINE_TBL_ITEM"]
    net = sum((Decimal(one["UNIT_SELLING_PRICE"]) * Decimal(one["ORDERED_QUANTITY"]) for one in lines), Decimal(0))
    shown = ("HEADER_ID", "ORDER_NUMBER", "ORIG_SYS_DOCUMENT_REF", "CUST_PO_NUMBER", "CHANGE_COMMENTS")
    return {
        **{name: header[name] for name in shown if name in header},
        "customer": document["X_HEADER_VAL_REC"]["CUSTOMER_NUMBER"],
        "ship_to": document["X_HEADER_VAL_REC"].get("SHIP_TO_LOCATION"),
        "net": str(net),
        "currency": header["TRANSACTIONAL_CURR_CODE"],
        "state": "cancelled" if header["FLOW_STATUS_CODE"] == "CANCELLED" else "open",
    }


def _text(document: Values) -> str:
    return msgspec.json.encode(document).decode()
