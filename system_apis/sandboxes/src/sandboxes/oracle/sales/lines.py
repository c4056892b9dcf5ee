"""Lines of an order as they are entered: checked and priced, but neither scheduled nor reserved."""

from dataclasses import dataclass, field
from decimal import Decimal

from sandboxes.oracle.areas.master import UOM
from sandboxes.oracle.framework.declare import Node, Row, Work
from sandboxes.oracle.framework.problems import Detail
from sandboxes.oracle.sales import refusals, statuses
from sandboxes.oracle.sales.accounts import Account
from sandboxes.oracle.sales.order_hub import BILL_TO, HUB, LINES, ORIGINALS, RETURN
from sandboxes.oracle.sales.pricing import extended, number, price_of

RETURN_REASONS = frozenset(
    {"DAMAGED", "DEFECTIVE", "WRONG_ITEM", "WRONG_QUANTITY", "NOT_SATISFIED", "DUPLICATE_ORDER", "OUTDATED", "OTHER"}
)


@dataclass(slots=True)
class Entering:
    """The lines of one order while they are entered."""

    work: Work
    account: Account
    currency: str
    frozen: bool
    wrong: list[Detail] = field(default_factory=list[Detail])
    coming_back: dict[int, Decimal] = field(default_factory=dict[int, Decimal])
    seen: set[str] = field(default_factory=set[str])

    def enter(self, place: int, node: Node) -> Row | None:
        """A line as it will be stored, or None with what is wrong noted."""
        path, sent = f"/lines/{place - 1}", node.values
        identifier = str(sent["SourceTransactionLineId"])
        faults: list[Detail] = []
        if identifier in self.seen:
            faults.append(refusals.same_line(identifier, path))
        self.seen.add(identifier)
        if number(sent, "OrderedQuantity") <= 0:
            faults.append(refusals.quantity(path))
        if sent.get("OrderedUOMCode") not in (None, UOM):
            faults.append(refusals.unit(str(sent["OrderedUOMCode"]), path))
        priced: Row | None = None
        if not faults:
            returned = sent.get("TransactionCategoryCode") == RETURN
            priced = self._returned(node, path) if returned else self._sold(node, path)
        self.wrong += faults
        return None if priced is None else self._completed(place, {**sent, **priced})

    def _sold(self, node: Node, path: str) -> Row | None:
        item = str(node.values.get("ProductNumber") or "")
        connection = self.work.records.connection
        found = connection.execute("SELECT * FROM egp_item WHERE item_number = ?", (item,)).fetchone()
        if found is None or found["status"] != "Active":
            self.wrong.append(refusals.unknown_item(item, path))
            return None
        priced = price_of(self.work, node, item, self.currency, frozen=self.frozen)
        if priced is None:
            self.wrong.append(refusals.price(path))
            return None
        return {**priced, "ProductDescription": found["description"], "StatusCode": statuses.DRAFT}

    def _returned(self, node: Node, path: str) -> Row | None:
        """Priced as it was sold, and not more than is left of it."""
        original = self._original(node)
        sent = node.values
        if original is None:
            self.wrong.append(refusals.no_original(path))
            return None
        if sent.get("ProductNumber") not in (None, original["ProductNumber"]):
            self.wrong.append(refusals.other_item(path))
            return None
        if sent.get("ReturnReasonCode") not in RETURN_REASONS:
            code = str(sent.get("ReturnReasonCode") or "")
            self.wrong.append(refusals.reason(code, f"{path}/ReturnReasonCode"))
            return None
        identity, wanted = int(str(original["FulfillLineId"])), number(sent, "OrderedQuantity")
        left = number(original, "OrderedQuantity") - returned_of(self.work, identity)
        left -= self.coming_back.get(identity, Decimal(0))
        if wanted > left:
            self.wrong.append(refusals.above_original(max(left, Decimal(0)), path))
            return None
        self.coming_back[identity] = self.coming_back.get(identity, Decimal(0)) + wanted
        inherited = ("ProductNumber", "ProductDescription", "UnitListPrice", "UnitSellingPrice")
        self._complete_reference(node, original)
        return {**{name: original[name] for name in inherited}, "StatusCode": statuses.DRAFT}

    def _original(self, node: Node) -> Row | None:
        """The fulfillment line that comes back, if it is one of the customer's own."""
        references = node.children.get("originalOrderReference", [])
        identity = references[0].values.get("OriginalFulfillLineId") if references else None
        original = self.work.records.get(LINES, FulfillLineId=identity) if identity is not None else None
        if original is None or original["TransactionCategoryCode"] == RETURN:
            return None
        billed = self.work.records.find(BILL_TO, CustomerAccountId=self.account.account_id)
        return original if any(one["@parent"] == original["@parent"] for one in billed) else None

    def _complete_reference(self, node: Node, original: Row) -> None:
        header = self.work.records.select(HUB, '"@id" = ?', [int(str(original["@parent"]))])[0]
        node.children["originalOrderReference"][0].values |= {
            "OriginalHeaderId": header["HeaderId"],
            "OriginalOrderNumber": header["OrderNumber"],
            "OriginalLineId": original["LineId"],
            "OriginalLineNumber": original["LineNumber"],
        }

    def _completed(self, place: int, line: Row) -> Row:
        identity = self.work.records.next_number("line", 300_000_011_000_001)
        return {
            **line,
            "LineId": identity,
            "LineNumber": str(place),
            "FulfillLineId": identity + 1_000_000,
            "FulfillLineNumber": "1",
            "OrderedUOMCode": UOM,
            "ExtendedAmount": extended(line, number(line, "OrderedQuantity"), self.currency),
            "OpenFlag": True,
            "OnHoldFlag": False,
            "CanceledFlag": False,
        }


def returned_of(work: Work, fulfill_line: int) -> Decimal:
    """How much of a fulfillment line comes back in all, canceled returns aside."""
    total = Decimal(0)
    for reference in work.records.find(ORIGINALS, OriginalFulfillLineId=fulfill_line):
        line = work.records.select(LINES, '"@id" = ?', [int(str(reference["@parent"]))])[0]
        if line["StatusCode"] != statuses.CANCELED:
            total += number(line, "OrderedQuantity")
    return total
