"""The tables that SuiteQL sees, as views over the records.

They are temporary, so that they always fit the program. A column `x__df` holds what BUILTIN.DF(x) shows; `SELECT *`
leaves these out. Quantities and amounts of lines that sell are negative, as NetSuite keeps them.
"""

# ruff: noqa: S608 - put together from the schema's own names
import re
import sqlite3

from sandboxes.netsuite.schema import RECORD_TYPES


def create_views(connection: sqlite3.Connection) -> None:
    """Make the views; the connection knows `ns_date` already."""
    for name, sql in VIEWS.items():
        connection.execute(f'CREATE TEMP VIEW IF NOT EXISTS "{name}" AS {sql}')


def _value(path: str, body: str = "r.body") -> str:
    return f"json_extract({body}, '$.{path}')"


def _text(path: str, name: str = "", body: str = "r.body") -> str:
    return f"{_value(path, body)} AS {name or path.rpartition('.')[2].lower()}"


def _flag(path: str, body: str = "r.body") -> str:
    return f"CASE WHEN {_value(path, body)} THEN 'T' ELSE 'F' END AS {path.lower()}"


def _day(path: str, body: str = "r.body") -> str:
    return f"ns_date({_value(path, body)}) AS {path.lower()}"


def _reference(path: str, target: str, name: str = "", body: str = "r.body") -> str:
    """A reference: its id, and what people read of it beside it."""
    column, key = name or path.lower(), _value(path, body)
    return f"CAST({key} AS INTEGER) AS {column}, {_display(target, f'CAST({key} AS INTEGER)')} AS {column}__df"


def _display(target: str, key: str) -> str:
    shown = {
        "customer": "json_extract(x.body, '$.entityId') || ' ' || json_extract(x.body, '$.companyName')",
        "inventoryItem": "json_extract(x.body, '$.itemId')",
    }.get(target, "json_extract(x.body, '$.name')")
    return f"(SELECT {shown} FROM record x WHERE x.type = '{target}' AND x.id = {key})"


def _rows(kind: str, *columns: str) -> str:
    listed = ", ".join(("r.id AS id", "r.external_id AS externalid", *columns))
    return f"SELECT {listed} FROM record r WHERE r.type = '{kind}'"


def _list(kind: str, *columns: str) -> str:
    return _rows(kind, _text("name"), _text("name", "fullname"), _flag("isInactive"), *columns)


def _case(values: dict[str, str], of: str = "r.type") -> str:
    branches = " ".join(f"WHEN '{key}' THEN '{value}'" for key, value in values.items())
    return f"CASE {of} {branches} END"


_TRANSACTIONS = {name: one for name, one in RECORD_TYPES.items() if one.numbers == "transaction"}
_IS_TRANSACTION = "r.type IN ({})".format(", ".join(f"'{name}'" for name in _TRANSACTIONS))
_TYPE = _case({name: one.code for name, one in _TRANSACTIONS.items()})
_TITLE = _case({name: one.title for name, one in _TRANSACTIONS.items()})
_STATUS_TEXT = "CASE {} END".format(
    " ".join(
        f"WHEN r.type = '{name}' AND {_value('status')} = '{key}' THEN '{one.title} : {text}'"
        for name, one in _TRANSACTIONS.items()
        for key, text in one.by_name["status"].choices.items()
    )
)
_RATE = f"coalesce({_value('exchangeRate')}, 1)"
_SELLS = "r.type IN ('salesOrder', 'itemFulfillment', 'invoice')"


def _signed(path: str, name: str, sign: str = "") -> str:
    """A number of a line, negative where the transaction sells; `sign` turns it round."""
    value = f"json_extract(l.value, '$.{path}')"
    return f"CASE WHEN {_SELLS} THEN -({sign}{value}) ELSE {sign}{value} END AS {name}"


_ADDRESS = (
    "addressee", "attention", "addr1", "addr2", "addr3", "city", "state", "zip", "country", "addrPhone", "addrText",
)  # fmt: skip
_BOOK = "FROM record r, json_each(r.body, '$.addressBook') l WHERE r.type = 'customer'"
_DEFAULT_ADDRESS = (
    "(SELECT json_extract(a.value, '$.id') FROM json_each(r.body, '$.addressBook') a "
    "WHERE json_extract(a.value, '$.{}'))"
)
_STOCK = ", ".join(
    (
        "r.id AS item, " + _display("inventoryItem", "r.id") + " AS item__df",
        _reference("location", "location", body="l.value"),
        *(
            _text(name, body="l.value")
            for name in (
                "quantityOnHand", "quantityAvailable", "quantityCommitted", "quantityOnOrder", "quantityBackOrdered",
            )
        ),
    )
)  # fmt: skip
_STOCKED = f"SELECT {_STOCK} FROM record r, json_each(r.body, '$.locations') l WHERE r.type = 'inventoryItem'"
_LINKS = (
    "FROM record r JOIN record o ON o.id = CAST(json_extract(r.body, '$.createdFrom') AS INTEGER) "
    f"AND {_IS_TRANSACTION.replace('r.type', 'o.type')}, json_each(r.body, '$.item') l WHERE {_IS_TRANSACTION}"
)
_LINK_COLUMNS = (
    "o.id AS previousdoc, json_extract(l.value, '$.orderLine') AS previousline, "
    f"{_TYPE.replace('r.type', 'o.type')} AS previoustype, r.id AS nextdoc, "
    "json_extract(l.value, '$.line') AS nextline, "
    f"{_TYPE} AS nexttype, CASE r.type WHEN 'itemFulfillment' THEN 'ShipRcpt' WHEN 'itemReceipt' THEN 'ShipRcpt' "
    "WHEN 'returnAuthorization' THEN 'RtnAuth' ELSE 'OrdBill' END AS linktype"
)
_MAIN_LINE = ", ".join(
    (
        "r.id AS \"transaction\", 0 AS id, 0 AS linesequencenumber, 'T' AS mainline, 'F' AS taxline",
        "NULL AS item, NULL AS item__df, NULL AS itemtype, NULL AS quantity, NULL AS rate",
        _text("total", "foreignamount"),
        f"{_value('total')} * {_RATE} AS netamount",
        _reference("location", "location"),
        "'F' AS isclosed, NULL AS quantitycommitted, NULL AS quantitybackordered, NULL AS quantityshiprecv",
        "NULL AS quantitybilled, NULL AS expectedshipdate, NULL AS price, NULL AS price__df, NULL AS taxrate1",
        f"{_text('memo')}, CAST({_value('createdFrom')} AS INTEGER) AS createdfrom",
        _reference("entity", "customer"),
        _reference("subsidiary", "subsidiary"),
        "r.id * 1000 AS uniquekey",
    )
)
_ITEM_LINE = ", ".join(
    (
        "r.id, json_extract(l.value, '$.line'), json_extract(l.value, '$.line'), 'F', 'F'",
        _reference("item", "inventoryItem", body="l.value"),
        "'InvtPart'",
        _signed("quantity", "quantity"),
        _text("rate", body="l.value"),
        _signed("amount", "foreignamount"),
        f"CASE WHEN {_SELLS} THEN -1 ELSE 1 END * json_extract(l.value, '$.amount') * {_RATE}",
        _reference("location", "location", body="l.value"),
        _flag("isClosed", "l.value"),
        _text("quantityCommitted", body="l.value"),
        _text("quantityBackOrdered", body="l.value"),
        "coalesce(json_extract(l.value, '$.quantityFulfilled'), json_extract(l.value, '$.quantityReceived'))",
        _text("quantityBilled", body="l.value"),
        _day("expectedShipDate", "l.value"),
        _reference("price", "priceLevel", body="l.value"),
        _text("taxRate1", body="l.value"),
        f"{_text('description', 'memo', 'l.value')}, CAST({_value('createdFrom')} AS INTEGER) AS createdfrom",
        _reference("entity", "customer"),
        _reference("subsidiary", "subsidiary"),
        "r.id * 1000 + json_extract(l.value, '$.line')",
    )
)

VIEWS = {
    "customer": _rows(
        "customer",
        _text("entityId"),
        _text("companyName"),
        _text("companyName", "altname"),
        f"{_value('entityId')} || ' ' || {_value('companyName')} AS fullname",
        *(_text(name) for name in ("firstName", "lastName", "email", "phone", "url", "vatRegNumber", "comments")),
        _flag("isPerson"),
        _flag("isInactive"),
        _reference("parent", "customer"),
        _reference("currency", "currency"),
        _reference("terms", "term"),
        _reference("priceLevel", "priceLevel"),
        _reference("salesRep", "employee"),
        _reference("taxItem", "salesTaxItem"),
        _text("creditLimit"),
        _text("creditHoldOverride"),
        _text("balance", "balancesearch"),
        _text("unbilledOrders", "unbilledorderssearch"),
        f"{_DEFAULT_ADDRESS.format('defaultBilling')} AS defaultbillingaddress",
        f"{_DEFAULT_ADDRESS.format('defaultShipping')} AS defaultshippingaddress",
        _day("dateCreated"),
        _day("lastModifiedDate"),
    ),
    "customersubsidiaryrelationship": "SELECT r.id AS id, r.id AS entity, "
    + _reference("subsidiary", "subsidiary")
    + ", 'T' AS isprimarysub FROM record r WHERE r.type = 'customer'",
    "customeraddressbook": "SELECT "
    + ", ".join(
        (
            "r.id AS entity, " + _display("customer", "r.id") + " AS entity__df",
            _text("id", "internalid", "l.value"),
            _text("label", body="l.value"),
            *(_flag(name, "l.value") for name in ("defaultBilling", "defaultShipping", "isResidential")),
            _text("id", "addressbookaddress", "l.value"),
        )
    )
    + f" {_BOOK}",
    "customeraddressbookentityaddress": "SELECT r.id AS recordowner, "
    + _text("id", "nkey", "l.value")
    + ", "
    + ", ".join(_text(f"addressBookAddress.{name}", body="l.value") for name in _ADDRESS)
    + f" {_BOOK}",
    "contact": _rows(
        "contact",
        *(_text(name) for name in ("entityId", "firstName", "lastName", "title", "email", "phone")),
        _flag("isInactive"),
        _reference("company", "customer"),
        _day("dateCreated"),
        _day("lastModifiedDate"),
    ),
    "item": _rows(
        "inventoryItem",
        _text("itemId"),
        _text("itemId", "fullname"),
        _text("displayName"),
        _text("salesDescription", "description"),
        "'InvtPart' AS itemtype, 'Inventory Item' AS itemtype__df",
        _flag("isInactive"),
        _reference("class", "classification"),
        _reference("subsidiary", "subsidiary"),
        _text("weight"),
        f"CAST({_value('weightUnit')} AS INTEGER) AS weightunit, "
        + _case({"1": "lb", "2": "oz", "3": "kg", "4": "g"}, _value("weightUnit"))
        + " AS weightunit__df",
        _text("stockUnit"),
        _text("averageCost"),
        "(SELECT sum(json_extract(q.value, '$.quantityOnHand')) FROM json_each(r.body, '$.locations') q) "
        "AS totalquantityonhand",
        _day("createdDate"),
        _day("lastModifiedDate"),
    ),
    "pricing": "SELECT "
    + ", ".join(
        (
            "r.id AS item, " + _display("inventoryItem", "r.id") + " AS item__df",
            _reference("priceLevel", "priceLevel", body="l.value"),
            _reference("currencyPage", "currency", "currency", "l.value"),
            _text("quantity", body="l.value"),
            _text("quantity", "priceqty", "l.value"),
            _text("price", "unitprice", "l.value"),
        )
    )
    + " FROM record r, json_each(r.body, '$.price') l WHERE r.type = 'inventoryItem'",
    "aggregateitemlocation": _STOCKED,
    "inventoryitemlocations": _STOCKED,
    "inventorybalance": _STOCKED,
    "transaction": "SELECT r.id AS id, r.external_id AS externalid, "
    + ", ".join(
        (
            _text("tranId"),
            f"{_TYPE} AS type, {_TITLE} AS type__df, lower(r.type) AS recordtype",
            f"{_TITLE} || ' #' || {_value('tranId')} AS trandisplayname",
            _day("tranDate"),
            _reference("entity", "customer"),
            f"{_text('status')}, {_STATUS_TEXT} AS status__df",
            _reference("currency", "currency"),
            _text("exchangeRate"),
            _text("total", "foreigntotal"),
            f"{_value('total')} * {_RATE} AS totalaftertaxes",
            _text("taxTotal"),
            _text("amountRemaining", "foreignamountunpaid"),
            *(_text(name) for name in ("memo", "otherRefNum")),
            _reference("terms", "term"),
            _day("shipDate"),
            _day("dueDate"),
            f"{_text('shipAddressList', 'shippingaddress')}, {_text('billAddressList', 'billingaddress')}",
            _day("createdDate"),
            _day("lastModifiedDate"),
        )
    )
    + f" FROM record r WHERE {_IS_TRANSACTION}",
    "transactionline": f"SELECT {_MAIN_LINE} FROM record r WHERE {_IS_TRANSACTION} UNION ALL SELECT {_ITEM_LINE} "
    f"FROM record r, json_each(r.body, '$.item') l WHERE {_IS_TRANSACTION}",
    "nexttransactionlinelink": f"SELECT {_LINK_COLUMNS} {_LINKS}",
    "previoustransactionlinelink": f"SELECT {_LINK_COLUMNS} {_LINKS}",
    "currency": _list("currency", _text("symbol"), _text("exchangeRate"), _text("currencyPrecision")),
    "subsidiary": _list("subsidiary", _reference("currency", "currency"), _text("country")),
    "location": _list("location", _reference("subsidiary", "subsidiary")),
    "term": _list("term", _text("daysUntilNetDue")),
    "pricelevel": _list("priceLevel"),
    "classification": _list("classification"),
    "salestaxitem": _list("salesTaxItem", _text("name", "itemid"), _text("rate"), _text("country")),
    "employee": _rows(
        "employee",
        _text("name", "entityid"),
        *(_text(name) for name in ("firstName", "lastName", "email")),
        _flag("isInactive"),
    ),
    "entity": "SELECT r.id AS id, r.external_id AS externalid, "
    + _text("entityId")
    + ", CASE r.type WHEN 'customer' THEN 'CustJob' ELSE 'Contact' END AS type, "
    + _flag("isInactive")
    + " FROM record r WHERE r.type IN ('customer', 'contact')",
    "dual": "SELECT 'X' AS dummy",
}
DISPLAYED = frozenset(re.findall(r" AS (\w+)__df", " ".join(VIEWS.values())))
"""Columns that BUILTIN.DF shows differently."""
