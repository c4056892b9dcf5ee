"""Sales orders: simulated, placed once for each reference, listed, cancelled."""

import asyncio
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import Conflict, FieldError
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, OrderSimulation
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpCustomerNotFound,
    ErpOrderNotFound,
    OrderNotCancellable,
    OrderRejected,
)
from system_apis.netsuite import order_translator as shapes
from system_apis.netsuite.connector import NetSuiteConnector, by_external_id
from system_apis.netsuite.customers import Customers
from system_apis.netsuite.lists import Lists
from system_apis.netsuite.products import Products
from system_apis.netsuite.records import BuyerRow, ChoiceRow, OrderRecord, OrderRow
from system_apis.netsuite.translator import is_blocked

_BUYER = """
SELECT c.id, c.isinactive, c.creditholdoverride, c.creditlimit, c.balancesearch AS balance,
c.unbilledorderssearch AS unbilledorders, c.currency, c.pricelevel
FROM customer c WHERE c.entityid = {number}
"""
_TAXED_BUYER = _BUYER.replace("c.pricelevel", "c.pricelevel, t.rate AS taxrate").replace(
    "WHERE", "LEFT JOIN salestaxitem t ON t.id = c.taxitem WHERE"
)
_LIST = """
SELECT t.id, t.externalid, t.status, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate,
TO_CHAR(t.shipdate, 'YYYY-MM-DD') AS shipdate, t.currency, SUM(l.foreignamount) AS net,
SUM(l.quantityshiprecv) AS fulfilled, SUM(l.quantitybilled) AS billed
FROM transaction t
JOIN transactionline l ON l.transaction = t.id AND l.mainline = 'F' AND l.taxline = 'F'
WHERE t.type = 'SalesOrd' AND t.entity = {customer} AND t.id < {before} AND t.trandate >= {since}
GROUP BY t.id, t.externalid, t.status, t.trandate, t.shipdate, t.currency
ORDER BY t.id DESC
"""
_NEWEST = 2**53
_EVER = date(1900, 1, 1)


class Orders:
    """The sales orders of one account.

    Args:
        netsuite: Where.
        lists: Its currencies.
        customers: Its customers.
        products: Its items.
    """

    def __init__(self, netsuite: NetSuiteConnector, lists: Lists, customers: Customers, products: Products) -> None:
        self._netsuite, self._lists = netsuite, lists
        self._customers, self._products = customers, products

    async def get(self, key: str) -> ErpOrder:
        """An order by internal id.

        Raises:
            ErpOrderNotFound: There is none.
        """
        return await self._shown(await self.record(key))

    async def record(self, key: str) -> OrderRecord:
        """The same as NetSuite shows it."""
        path = f"/salesOrder/{key}?expandSubResources=true"
        found = await self._netsuite.read(path, OrderRecord, "get_order") if is_key(key) else None
        if found is None:
            raise ErpOrderNotFound(f"NetSuite has no sales order {key}.")
        return found

    async def page(self, number: str, since: date | None, cursor: str | None, limit: int) -> Page[ErpOrder]:
        """Orders of a customer, newest first, that is by internal id.

        Raises:
            ErpCustomerNotFound: There is no such customer.
        """
        rows = await self._netsuite.query(
            _LIST,
            OrderRow,
            "list_orders",
            limit + 1,
            customer=await self._customers.key(number),
            before=decode_cursor(cursor, int) if cursor is not None else _NEWEST,
            since=since or _EVER,
        )
        orders = [
            shapes.listed_order(row, number, (await self._lists.currency(row.currency)).symbol) for row in rows[:limit]
        ]
        return Page(orders, encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)

    async def simulate(self, new: NewErpOrder, today: date) -> OrderSimulation:
        """Price, availability and credit as queries tell them.

        Raises:
            ErpCustomerNotFound, CustomerBlocked, OrderRejected: It would not be placed.
        """
        shapes.check(new)
        currency, buyer, items = await self._ordered(new)
        keys = {items[line.sku] for line in new.lines}
        level = buyer.pricelevel or self._netsuite.settings.price_level
        prices, available = await asyncio.gather(
            self._products.prices(keys, level, currency.id), self._products.available(keys)
        )
        made = shapes.simulation(new, buyer, items, prices, available, today)
        amount = made.net.amount + (made.tax.amount if self._netsuite.settings.includes_tax else Decimal(0))
        decision = shapes.credit_decision(buyer, await self._converted(amount, currency, buyer.currency))
        return replace(made, credit=decision if self._netsuite.settings.enforces_credit else "not-checked")

    async def place(self, new: NewErpOrder) -> ErpOrder:
        """The order of this reference: the one there is, or a new one.

        Its external id is unique, so that NetSuite takes it once, however often it is sent and whatever got lost.

        Raises:
            ErpCustomerNotFound, CustomerBlocked, OrderRejected: It is not placed.
        """
        external_id = self._netsuite.external_id(new.reference)
        found = await self._known(external_id)
        if found is None:
            shapes.check(new)
            currency, buyer, items = await self._ordered(new)
            body = shapes.order_body(
                new, self._netsuite.settings, external_id=external_id, customer=buyer.id, currency=currency.id,
                items=items, address=await self._address(new),
            )  # fmt: skip
            try:
                found = await self.record(await self._netsuite.create("/salesOrder", body, "create_order"))
            except (Conflict, OrderRejected) as refused:
                found = await self._known(external_id)
                if found is None:
                    raise _rejected(refused) from None
        return await self._shown(found)

    async def cancel(self, key: str, reason: str) -> ErpOrder:
        """Close every line that is not yet.

        Raises:
            ErpOrderNotFound: There is none.
            OrderNotCancellable: Something was fulfilled or billed.
        """
        record = await self.record(key)
        left = [one.line for one in record.item.items if not one.is_closed]
        if record.status.id in (shapes.CANCELLED, shapes.CLOSED) or not left:
            return await self._shown(record)
        if shapes.has_gone_out(record):
            raise OrderNotCancellable(f"Order {key} was fulfilled or billed, at least in part; return it.")
        field = self._netsuite.settings.cancel_reason_field
        body = {"item": {"items": [{"line": line, "isClosed": True} for line in left]}}
        try:
            await self._netsuite.write(
                "PATCH", f"/salesOrder/{key}", body | ({field: reason} if field else {}), "cancel_order"
            )
        except OrderRejected as refused:
            raise OrderNotCancellable(
                f"NetSuite does not let order {key} be cancelled.", extensions=refused.extensions
            ) from None
        record = await self.record(key)
        if shapes.has_gone_out(record):  # while we asked
            raise OrderNotCancellable(f"Order {key} was fulfilled meanwhile, in part; the rest is closed. Return it.")
        return await self._shown(record)

    async def _shown(self, record: OrderRecord) -> ErpOrder:
        number, currency = await asyncio.gather(
            self._customers.number_of(record.entity.id), self._lists.currency(record.currency.id)
        )
        shown = shapes.order(record, number, currency.symbol)
        return replace(shown, reference=shown.reference.removeprefix(self._netsuite.settings.external_id_prefix))

    async def _known(self, external_id: str) -> OrderRecord | None:
        path = f"/salesOrder/{by_external_id(external_id)}?expandSubResources=true"
        return await self._netsuite.read(path, OrderRecord, "find_order")

    async def _ordered(self, new: NewErpOrder) -> tuple[ChoiceRow, BuyerRow, dict[str, int]]:
        """Currency, customer and items of a new order."""
        currency = await self._lists.currency_of(new.currency)
        if currency is None:
            detail = f"NetSuite has no currency {new.currency[:10]}."
            raise OrderRejected(f"{detail} Order in another.", errors=[FieldError(detail, "/currency")])
        buyer = await self._buyer(new.erp_number)
        return currency, buyer, await self._products.keys(new.lines)

    async def _buyer(self, number: str) -> BuyerRow:
        query = _TAXED_BUYER if self._netsuite.settings.has_tax_codes else _BUYER
        rows = await self._netsuite.query(query, BuyerRow, "find_customer", 1, number=number)
        if not rows:
            raise ErpCustomerNotFound(f"NetSuite has no customer {number}.")
        if is_blocked(rows[0]):
            raise CustomerBlocked(f"Customer {number} is blocked for orders; have the block lifted first.")
        return rows[0]

    async def _address(self, new: NewErpOrder) -> str | None:
        """The entry of the customer's address book that an order goes to: by internal id, else by label."""
        wanted = new.ship_to_erp_number
        if wanted is None:
            return None
        entries = (await self._customers.record(new.erp_number)).address_book.items
        for found in (str(one.id) for one in entries if wanted in (str(one.id), one.label)):
            return found
        detail = f"Customer {new.erp_number} has no delivery place {wanted}."
        raise OrderRejected(f"{detail} Add it first.", errors=[FieldError(detail, "/shipToErpNumber")])

    async def _converted(self, amount: Decimal, currency: ChoiceRow, target: int) -> Decimal:
        """An amount in another currency, by the account's rates to its base currency."""
        if currency.id == target or not target:
            return amount
        return amount * currency.exchangerate / (await self._lists.currency(target)).exchangerate


def is_key(text: str) -> bool:
    """Whether something may be an internal id."""
    return text.isascii() and text.isdecimal() and len(text) <= 15  # noqa: PLR2004 - far more than there are


def _rejected(refused: Conflict | OrderRejected) -> OrderRejected:
    if isinstance(refused, OrderRejected):
        return OrderRejected(
            "NetSuite refused the order by one of its rules, given as `remark`.",
            errors=refused.errors,
            extensions=refused.extensions,
        )
    return OrderRejected("NetSuite refused the order: its number is taken.", extensions=refused.extensions)
