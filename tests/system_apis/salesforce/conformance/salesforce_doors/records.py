"""Doors of single calls: the login, reads, rows, the composite family, an order recorded."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

import msgspec

from salesforce_doors.door import Door, Midway, Point, V
from sandboxes.company import company
from shared.binding.problems import Problem
from shared.contracts.canonical.order import NewCrmOrder, NewCrmOrderLine
from shared.contracts.system.crm import OrderCancellation
from shared.contracts.system.salesforce_platform import Change, Condition, QueryRequest, RowReference, SaveRequest
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.service import OrgPlatform
from system_apis.salesforce.service import SalesforceCrm

FIRST, SECOND = company().customers[:2]


class Login(Door):
    """A session, without which there is no other door."""

    name = "login"
    points: ClassVar = {"token": Point("POST", "/services/oauth2/token", at_start=True)}
    all_at_start = True
    wanted = (FIRST.name,)
    _read: Sequence[str] = ()

    async def work(self, midway: Midway) -> None:
        self._read = [(await SalesforceCrm(self.world.connector()).get_customer(FIRST.salesforce_id)).name]
        await midway()

    async def found(self) -> Sequence[str]:
        return self._read


class CrmReads(Door):
    """Queries of the `Crm` contract, one of them on several pages."""

    name = "crm-reads"
    points: ClassVar = {"query": Point("GET", f"{V}/query"), "page": Point("GET", f"{V}/query/*")}
    _read: Sequence[str] = ()
    _undisturbed: Sequence[str] = ()

    @property
    def wanted(self) -> Sequence[str]:
        return self._undisturbed

    async def work(self, midway: Midway) -> None:
        crm = SalesforceCrm(self.world.connector())
        told = await crm.list_customers(limit=6)
        self._undisturbed = [FIRST.name, *(each.name for each in told.items)]
        read = [(await crm.get_customer(FIRST.salesforce_id)).name]
        await self.world.org.control("page-rows", rows=3)
        try:
            await midway()
            read += [each.name for each in (await crm.list_customers(limit=6)).items]
        finally:
            await self.world.org.control("page-rows", rows=0)
        self._read = read

    async def found(self) -> Sequence[str]:
        return self._read


class _Saves(Door):
    """A save whose creates may not be sent twice: who repeats it looks first."""

    writes_at_once = True
    spoilt = False

    @property
    def wanted(self) -> Sequence[str]:
        return [] if self.spoilt else [f"{self.key} {at}" for at in range(len(self.changes()))]

    def spoil(self) -> None:
        """The first row is refused, and with it all."""
        self.spoilt = True

    def changes(self) -> list[Change]:
        raise AssertionError(self)

    def account(self, at: int, reference: str = "") -> Change:
        name = f"{self.key} {at}" + "x" * 300 * self.spoilt
        return Change("create", "Account", {"Name": name}, reference=reference)

    def child(self, at: int, parent: str) -> Change:
        return Change("create", "Account", {"Name": f"{self.key} {at}", "ParentId": RowReference(parent)})

    async def work(self, midway: Midway) -> None:
        salesforce = self.world.connector()
        platform = OrgPlatform(salesforce, Describe(salesforce))
        mine = QueryRequest("Account", ["Name"], where=[Condition("Name", "starts-with", f"{self.key} ")])
        standing = (await platform.query(mine)).total
        await platform.describe_object("Account")
        await midway()
        if not standing:
            outcome = await platform.save(SaveRequest(self.changes(), all_or_none=True))
            assert all(bool(each.problem) == self.spoilt for each in outcome.results), outcome.results

    async def found(self) -> Sequence[str]:
        return await self.world.names(f"SELECT Name FROM Account WHERE Name LIKE '{self.key} %'")


class Rows(_Saves):
    """One row by a call of its own."""

    name = "rows"
    points: ClassVar = {"create": Point("POST", f"{V}/sobjects/Account")}

    def changes(self) -> list[Change]:
        return [self.account(0)]


class Collection(_Saves):
    """Rows of one kind, all or none."""

    name = "composite-collection"
    points: ClassVar = {"create": Point("POST", f"{V}/composite/sobjects")}

    def changes(self) -> list[Change]:
        return [self.account(0), self.account(1)]


class Tree(_Saves):
    """A row and its children."""

    name = "composite-tree"
    points: ClassVar = {"create": Point("POST", f"{V}/composite/tree/Account")}

    def changes(self) -> list[Change]:
        return [self.account(0, "a"), self.child(1, "a"), self.child(2, "a")]


class Updates(Door):
    """A row that is changed, and changed back: a write that may be sent twice."""

    name = "row-updates"
    points: ClassVar = {"update": Point("PATCH", f"{V}/sobjects/Account/*")}
    writes_at_once = True
    _row = company().customers[7].salesforce_id

    @property
    def wanted(self) -> Sequence[str]:
        return [self.key]

    async def work(self, midway: Midway) -> None:
        salesforce = self.world.connector()
        platform = OrgPlatform(salesforce, Describe(salesforce))
        await platform.describe_object("Account")
        await midway()
        change = Change("update", "Account", {"Description": self.key}, row_id=self._row)
        (result,) = (await platform.save(SaveRequest([change]))).results
        assert result.problem is None

    async def found(self) -> Sequence[str]:
        row = await self.world.org.rest("GET", f"/sobjects/Account/{self._row}?fields=Description")
        return [row["Description"]] if row["Description"] == self.key else []


class CrmWrites(Door):
    """An order recorded for its quote: looked for, then written whole or not at all."""

    name = "crm-writes"
    points: ClassVar = {"look": Point("POST", f"{V}/composite"), "write": Point("POST", f"{V}/composite", after=1)}
    writes_at_once = True
    _quote = company().quotes_for("plain")[3].salesforce_id
    spoilt = False

    def spoil(self) -> None:
        """One of its lines is refused, and with it all."""
        self.spoilt = True

    @property
    def wanted(self) -> Sequence[str]:
        return [f"{self.key} with {len(company().quotes_for('plain')[3].lines)} lines"]

    async def work(self, midway: Midway) -> None:
        crm = SalesforceCrm(self.world.connector())
        quote = await crm.get_quote(self._quote)
        lines = [
            NewCrmOrderLine(line.price_book_entry_id or "", line.quantity, line.unit_price, quote_line_id=line.line_id)
            for line in quote.lines
        ]
        order = NewCrmOrder(
            reference=self.key, customer_id=quote.customer_id, quote_id=quote.quote_id, erp_order_id="4500000001",
            currency=quote.total.currency, lines=lines, opportunity_id=quote.opportunity_id,
            price_book_id=quote.price_book_id,
        )  # fmt: skip
        await midway()
        if self.spoilt:
            lines[-1] = msgspec.structs.replace(lines[-1], price_book_entry_id="01u000000000000AAA")
            order = msgspec.structs.replace(order, lines=lines)
            self.spoilt = False
        assert (await crm.record_order(order)).reference == self.key

    async def found(self) -> Sequence[str]:
        rows = await self._orders()
        return [f"{self.key} with {row['OrderItems']['totalSize']} lines" for row in rows]

    async def aclose(self) -> None:
        for row in await self._orders():
            with suppress(Problem):
                await SalesforceCrm(self.world.connector()).cancel_order(row["Id"], OrderCancellation("the next one"))

    async def _orders(self) -> list[dict[str, Any]]:
        soql = f"SELECT Id, (SELECT Id FROM OrderItems) FROM Order WHERE External_Order_Id__c = '{self.key}'"
        return (await self.world.org.rest("GET", "/query", params={"q": soql}))["records"]
