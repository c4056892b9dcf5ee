"""What OE_ORDER_PUB takes and gives, in its spelling.

Source: Oracle Order Management Open Interfaces, API & Electronic Messaging Guide, "Process Order API".
"""

from decimal import Decimal

import msgspec

from system_apis.oracle.ebs.gateway import Outcome


class HeaderRow(msgspec.Struct, frozen=True):
    """An order's header; every id is empty where there is no order."""

    HEADER_ID: int | None = None
    ORDER_NUMBER: int | None = None
    FLOW_STATUS_CODE: str | None = ""
    ORIG_SYS_DOCUMENT_REF: str | None = ""
    TRANSACTIONAL_CURR_CODE: str | None = ""
    ORDERED_DATE: str | None = None
    REQUEST_DATE: str | None = None


class HeaderValues(msgspec.Struct, frozen=True):
    """What the header's ids stand for."""

    CUSTOMER_NUMBER: str | None = ""


class LineRow(msgspec.Struct, frozen=True):
    """A line."""

    LINE_NUMBER: int
    ORDERED_ITEM: str
    ORDERED_QUANTITY: Decimal
    UNIT_SELLING_PRICE: Decimal = Decimal(0)
    CANCELLED_QUANTITY: Decimal | None = None
    CANCELLED_FLAG: str | None = "N"
    FLOW_STATUS_CODE: str | None = ""
    SCHEDULE_SHIP_DATE: str | None = None


class LineTable(msgspec.Struct, frozen=True):
    """Lines; a table type becomes an object with `…_ITEM`."""

    X_LINE_TBL_ITEM: list[LineRow] = []


class OrderOutput(Outcome, frozen=True):
    """Output parameters of PROCESS_ORDER and GET_ORDER."""

    X_HEADER_REC: HeaderRow = HeaderRow()
    X_HEADER_VAL_REC: HeaderValues = HeaderValues()
    X_LINE_TBL: LineTable = LineTable()
