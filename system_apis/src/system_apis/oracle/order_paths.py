"""The addresses of sales orders, with no more asked for than is read."""

from datetime import date
from typing import Final

from system_apis.oracle.rest import address, literal, segment
from system_apis.oracle.settings import OracleSettings

_HEADER = (
    "HeaderId,OrderNumber,OrderKey,TransactionalCurrencyCode,BuyingPartyId,SourceTransactionId,SourceTransactionNumber,"
    "StatusCode,SubmittedFlag,CreationDate,RequestedShipDate;billToCustomer:AccountNumber;totals:TotalCode,TotalAmount;"
    "holds:HoldCode,HoldReleaseReasonCode"
)
_LINE = (
    "FulfillLineId,LineId,LineNumber,ProductNumber,OrderedQuantity,ExtendedAmount,StatusCode,ScheduleShipDate,"
    "TransactionCategoryCode"
)
_ORIGINAL = "OriginalOrderNumber,OriginalLineNumber,OriginalFulfillLineId"
_WHOLE = f"{_HEADER};lines:{_LINE};lines.originalOrderReference:{_ORIGINAL}"


class OrderPaths:
    """Paths with queries, from the pod's root.

    Attributes:
        orders: Where an order is created.
    """

    def __init__(self, settings: OracleSettings) -> None:
        self._settings = settings
        self.orders: Final = f"{settings.fscm_path}/salesOrdersForOrderHub"

    def item(self, key: str) -> str:
        """An order that is to be changed, by its key."""
        return f"{self.orders}/{segment(key)}"

    def numbered(self, number: str) -> str:
        """The order of this number, in its latest revision."""
        condition = f"OrderNumber={literal(number)}"
        return address(self.orders, q=condition, fields=_WHOLE, onlyData=True, limit=1, orderBy="HeaderId:desc")

    def referenced(self, reference: str) -> str:
        """The order of our system and this reference."""
        return address(self.item(f"{self._settings.order_system}:{reference}"), fields=_WHOLE, onlyData=True)

    def lines(self, key: str) -> str:
        """All fulfillment lines of an order, to be read page by page."""
        fields = f"{_LINE};originalOrderReference:{_ORIGINAL}"
        return address(f"{self.item(key)}/child/lines", fields=fields, onlyData=True, orderBy="FulfillLineId")

    def of_party(self, party: int, since: date | None, after: tuple[str, int] | None, limit: int) -> str:
        """A party's orders, newest first, beginning below the order `after` (its creation and header id)."""
        kind = literal(self._settings.return_order_type)
        condition = f"BuyingPartyId={party} and (TransactionTypeCode is null or TransactionTypeCode<>{kind})"
        if since is not None:
            condition += f" and CreationDate>={literal(f'{since.isoformat()}T00:00:00+00:00')}"
        if after is not None:
            created, header = literal(after[0]), after[1]
            condition += f" and (CreationDate<{created} or (CreationDate={created} and HeaderId<{header}))"
        return self._listed(condition, "CreationDate:desc,HeaderId:desc", limit)

    def returns_of_party(self, party: int) -> str:
        """A party's returns, oldest first, to be read page by page."""
        kind = literal(self._settings.return_order_type)
        condition = f"BuyingPartyId={party} and TransactionTypeCode={kind}"
        return address(self.orders, q=condition, fields=_WHOLE, onlyData=True, orderBy="HeaderId")

    def _listed(self, condition: str, order: str, limit: int) -> str:
        return address(self.orders, q=condition, fields=_WHOLE, onlyData=True, orderBy=order, limit=limit)
