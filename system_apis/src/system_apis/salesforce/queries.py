"""Every SELECT we run, encoded once for one org."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

from shared.contracts.canonical.quote import QuoteState
from system_apis.salesforce.child_pages import rows_decoder
from system_apis.salesforce.connector import SalesforceSettings, root_of
from system_apis.salesforce.records import (
    AccountName,
    AccountOverview,
    AccountQuotes,
    AccountRecord,
    IdRecord,
    OrderItemRecord,
    OrderRecord,
    OrderWithItems,
    OrderWithQuote,
    QuoteDocument,
    QuoteStanding,
    ReturnRecord,
)
from system_apis.salesforce.soql import Statement, literal
from system_apis.salesforce.spelling import Spelling
from system_apis.salesforce.translator import OPEN_STATUSES

_Record = TypeVar("_Record", bound=msgspec.Struct)

_VALID: Final = "(ExpirationDate=null OR ExpirationDate>=:today)"
_LINE_ORDER: Final = "ORDER BY SortOrder,LineNumber"
_OVERVIEW: Final = {
    "Contacts": "ORDER BY LastName,FirstName,Id LIMIT 50",
    "Opportunities": "WHERE IsClosed=false ORDER BY CloseDate,Id LIMIT 50",
    "Quotes": f"WHERE Status IN {literal(OPEN_STATUSES)} AND {_VALID} ORDER BY CreatedDate DESC,Id DESC LIMIT 50",
    "Orders": "ORDER BY EffectiveDate DESC,CreatedDate DESC LIMIT 10",
    "QuoteLineItems": _LINE_ORDER,
}
_OF_STATE: Final[dict[QuoteState | None, str]] = {
    None: "",
    "draft": f"Status IN :statuses AND {_VALID}",
    "in-review": f"Status IN :statuses AND {_VALID}",
    "approved": f"Status IN :statuses AND {_VALID}",
    "rejected": "Status IN :statuses",
    "accepted": "Status IN :statuses",
    "expired": "Status IN :statuses AND ExpirationDate<:today",
}
_OLDER: Final = "(CreatedDate<:created OR (CreatedDate=:created AND Id<:last))"
_FURTHER: Final = "(Name>:name OR (Name=:name AND Id>:last))"


class Queries:
    """The statements of one org.

    Args:
        settings: They name its custom fields.
    """

    def __init__(self, settings: SalesforceSettings) -> None:
        self._root = root_of(settings)
        self.spelling = _spelling_of(settings)
        self.order_columns = self.spelling.columns(OrderRecord, {})
        self.customer_columns = self.spelling.columns(AccountRecord, {})
        self.customer_row = msgspec.json.Decoder(self.spelling.of(AccountRecord))
        customer, quote = "FROM Account WHERE Id=:customer", "FROM Quote WHERE Id=:quote"
        self.customer = self._statement("customer", AccountRecord, customer)
        self.customer_numbered = self._statement(
            "customer_numbered", AccountRecord, f"FROM Account WHERE {settings.erp_customer_field}=:erp_number"
        )
        self.customer_name = self._statement("customer_name", AccountName, customer)
        self.customer_exists = self._statement("customer_exists", IdRecord, customer)
        self.overview = self._statement("overview", AccountOverview, customer, _OVERVIEW)
        self.quote = self._statement("quote", QuoteDocument, quote, {"QuoteLineItems": _LINE_ORDER})
        self.quote_standing = self._statement("quote_standing", QuoteStanding, quote)
        self.order = self._statement("order", OrderWithQuote, "FROM Order WHERE Id=:order")
        self.orders_like = self._statement(
            "orders_like",
            OrderRecord,
            f"FROM Order WHERE {settings.order_reference_field}=:reference OR QuoteId=:quote ORDER BY CreatedDate",
        )
        self.return_columns = self.spelling.columns(ReturnRecord, {})
        self.crm_return = self._statement("crm_return", ReturnRecord, "FROM ReturnOrder WHERE Id=:crm_return")
        self.returns_like = self._statement(
            "returns_like", ReturnRecord, f"FROM ReturnOrder WHERE {settings.return_reference_field}=:reference"
        )
        self.order_with_items = self._statement(
            "order_with_items", OrderWithItems, "FROM Order WHERE Id=:order", {"OrderItems": "ORDER BY OrderItemNumber"}
        )
        self.return_row = msgspec.json.Decoder(self.spelling.of(ReturnRecord))
        self.order_items = rows_decoder(self.spelling.of(OrderItemRecord))
        self.order_row = msgspec.json.Decoder(self.spelling.of(OrderRecord))
        self._customers = {
            (searching, further): self._customer_page(searching=searching, further=further)
            for searching in (False, True)
            for further in (False, True)
        }
        self._quotes = {
            (state, further): self._quote_page(state, further=further)
            for state in _OF_STATE
            for further in (False, True)
        }

    @property
    def statements(self) -> tuple[Statement[Any], ...]:
        """Every statement there is."""
        own: list[Any] = list(vars(self).values())
        single: list[Statement[Any]] = [each for each in own if isinstance(each, Statement)]
        return (*single, *self.customer_pages, *self.quote_pages)

    @property
    def customer_pages(self) -> tuple[Statement[AccountRecord], ...]:
        """Every form of `customers`."""
        return tuple(self._customers.values())

    @property
    def quote_pages(self) -> tuple[Statement[AccountQuotes], ...]:
        """Every form of `quotes`."""
        return tuple(self._quotes.values())

    def customers(self, *, searching: bool, further: bool) -> Statement[AccountRecord]:
        """A page by name: places `pattern` if searching, `name` and `last` if further on, `limit`."""
        return self._customers[searching, further]

    def quotes(self, state: QuoteState | None, *, further: bool) -> Statement[AccountQuotes]:
        """A customer with a page of quotes, newest first.

        Places: `customer`, `limit`; `statuses` and `today` for a state; `created` and `last` if further on.
        """
        return self._quotes[state, further]

    def _customer_page(self, *, searching: bool, further: bool) -> Statement[AccountRecord]:
        conditions = ["Name LIKE :pattern"] * searching + [_FURTHER] * further
        return self._statement(
            "customers", AccountRecord, f"FROM Account {_where(conditions)} ORDER BY Name,Id LIMIT :limit"
        )

    def _quote_page(self, state: QuoteState | None, *, further: bool) -> Statement[AccountQuotes]:
        conditions = [_OF_STATE[state]] * (state is not None) + [_OLDER] * further
        tail = f"{_where(conditions)} ORDER BY CreatedDate DESC,Id DESC LIMIT :limit"
        return self._statement("quotes", AccountQuotes, "FROM Account WHERE Id=:customer", {"Quotes": tail})

    def _statement(
        self, name: str, kind: type[_Record], source: str, children: Mapping[str, str] = MappingProxyType({})
    ) -> Statement[_Record]:
        columns = self.spelling.columns(kind, children)
        return Statement(self._root, f"SELECT {columns} {source}", self.spelling.of(kind), name)


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _spelling_of(settings: SalesforceSettings) -> Spelling:
    custom = {
        "erp_number": settings.erp_customer_field,
        "legal_name": settings.legal_name_field,
        "tax_number": settings.tax_number_field,
        "order_block": settings.order_block_field,
        "reference": settings.order_reference_field,
        "erp_order_number": settings.erp_order_field,
        "tracking_number": settings.tracking_field,
        "fulfilment": settings.fulfilment_field,
        "return_reference": settings.return_reference_field,
        "erp_return_number": settings.erp_return_field,
        "return_tracking_number": settings.return_tracking_field,
        "credit_memo_number": settings.credit_memo_field,
        "refund_amount": settings.refund_field,
    }
    return Spelling(custom, multi_currency=not settings.currency)
