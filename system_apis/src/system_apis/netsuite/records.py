"""NetSuite's records as REST shows them and rows as SuiteQL does, as far as we read them, in NetSuite's spelling."""

from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

_T = TypeVar("_T")
ZERO = Decimal(0)


class Ref(msgspec.Struct, frozen=True, rename="camel"):
    """Another record, or a value of a list."""

    id: str = ""
    ref_name: str = ""


class Items(msgspec.Struct, Generic[_T], frozen=True):
    """A sublist."""

    items: list[_T] = []


class BookAddress(msgspec.Struct, frozen=True, rename="camel"):
    """The address of an entry."""

    addressee: str = ""
    addr1: str = ""
    addr2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: Ref | None = None


class BookEntry(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of an address book."""

    id: int | str = ""
    label: str = ""
    default_billing: bool = False
    default_shipping: bool = False
    address_book_address: BookAddress = BookAddress()


class CustomerRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A customer. `credit_limit` is absent for one without a limit."""

    id: str
    entity_id: str = ""
    external_id: str = ""
    company_name: str = ""
    first_name: str = ""
    last_name: str = ""
    vat_reg_number: str = ""
    comments: str = ""
    is_inactive: bool = False
    parent: Ref | None = None
    subsidiary: Ref | None = None
    currency: Ref | None = None
    terms: Ref | None = None
    price_level: Ref | None = None
    credit_limit: Decimal | None = None
    credit_hold_override: Ref = Ref()
    balance: Decimal = ZERO
    unbilled_orders: Decimal = ZERO
    address_book: Items[BookEntry] = Items[BookEntry]()


class OrderLine(msgspec.Struct, frozen=True, rename="camel"):
    """A line of a sales order."""

    line: int
    item: Ref = Ref()
    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    is_closed: bool = False
    quantity_committed: Decimal = ZERO
    quantity_fulfilled: Decimal = ZERO
    quantity_billed: Decimal = ZERO
    expected_ship_date: str = ""


class OrderRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A sales order."""

    id: str
    external_id: str = ""
    entity: Ref = Ref()
    currency: Ref = Ref()
    status: Ref = Ref()
    tran_date: str = ""
    ship_date: str = ""
    item: Items[OrderLine] = Items[OrderLine]()


class ReturnLine(msgspec.Struct, frozen=True, rename="camel"):
    """A line of a return authorization; `order_line` is that of the order."""

    line: int
    order_line: int = 0
    item: Ref = Ref()
    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    is_closed: bool = False
    quantity_received: Decimal = ZERO


class ReturnRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A return authorization."""

    id: str
    external_id: str = ""
    created_from: Ref = Ref()
    currency: Ref = Ref()
    status: Ref = Ref()
    item: Items[ReturnLine] = Items[ReturnLine]()


class CreditMemoRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A credit memo, without lines."""

    id: str
    tran_id: str = ""
    tran_date: str = ""
    subtotal: Decimal = ZERO
    currency: Ref = Ref()


class CustomerRow(msgspec.Struct, frozen=True):
    """Which customer has a number."""

    id: int
    entityid: str


class BuyerRow(msgspec.Struct, frozen=True):
    """A customer as a simulation needs it; `taxrate` is in percent."""

    id: int
    isinactive: str = "F"
    creditholdoverride: str = ""
    creditlimit: Decimal | None = None
    balance: Decimal = ZERO
    unbilledorders: Decimal = ZERO
    currency: int = 0
    pricelevel: int | None = None
    taxrate: str = ""


class AlikeRow(msgspec.Struct, frozen=True):
    """A customer that may be a company described, with one of its addresses."""

    id: int
    entityid: str
    companyname: str = ""
    externalid: str = ""
    vatregnumber: str = ""
    zip: str = ""
    country: str = ""


class ItemRow(msgspec.Struct, frozen=True):
    """An item that is sold."""

    id: int
    itemid: str
    displayname: str = ""
    isinactive: str = "F"
    weight: Decimal | None = None
    weightunit: str = ""
    product_group: str = ""
    unitprice: Decimal | None = None


class PriceRow(msgspec.Struct, frozen=True):
    """A price of an item from a quantity on."""

    item: int
    unitprice: Decimal
    quantity: Decimal = ZERO


class StockRow(msgspec.Struct, frozen=True):
    """What is available of an item at a location."""

    item: int
    location: int
    quantityavailable: Decimal = ZERO


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list, with sums over its lines; SuiteQL shows what is sold as negative."""

    id: int
    externalid: str = ""
    status: str = ""
    trandate: date | None = None
    shipdate: date | None = None
    currency: int = 0
    net: Decimal = ZERO
    fulfilled: Decimal = ZERO
    billed: Decimal = ZERO


class KeyRow(msgspec.Struct, frozen=True):
    """A record's internal id."""

    id: int


class ChoiceRow(msgspec.Struct, frozen=True):
    """An entry of a list that people set up: a currency, a subsidiary, terms of payment."""

    id: int
    name: str = ""
    externalid: str = ""
    symbol: str = ""
    exchangerate: Decimal = Decimal(1)
