"""What each operation of `Crm` reads and writes in an org, derived from what the code sends.

Reads come from the statements in `queries`, writes from what the translators make of values with every field filled.
Only which operation uses which of them stands here; tests compare it with what a stand-in org saw.
"""

from collections.abc import Mapping
from typing import Any, Final, Self, TypeAlias, get_type_hints

import msgspec

from shared.contracts.canonical.order import NewCrmOrder
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.returns import NewCrmReturn
from shared.contracts.system.crm import CrmOrderStatus, CrmReturnNote, ErpRecord
from shared.governance.access import Access, ObjectAccess, together
from shared.security.secrets import Secret
from system_apis.salesforce.access_reading import Reading, kinds_of, reading_of
from system_apis.salesforce.access_samples import TEXT, filled
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.permission_set import permission_set
from system_apis.salesforce.queries import Queries
from system_apis.salesforce.records import (
    AccountRecord,
    OrderItemRecord,
    OrderRecord,
    OrderWithItems,
    QuoteStanding,
    ReturnRecord,
)
from system_apis.salesforce.return_translator import ReturnTranslator
from system_apis.salesforce.soql import Statement
from system_apis.salesforce.translator import ACCEPTANCE, ACTIVATION, REOPENING, Translator

_WRITTEN: Final = (dict[str, Any], list[dict[str, Any]])


class Row(msgspec.Struct, frozen=True):
    """A record read by its id: its object, and what it becomes."""

    sobject: str
    record: type[msgspec.Struct]


class Write(msgspec.Struct, frozen=True):
    """Records created, or changed, with these fields; the values are examples."""

    sobject: str
    fields: Mapping[str, Any]
    creating: bool = False


class Reference(msgspec.Struct, frozen=True):
    """Records that are only pointed to; whoever points must be able to see them."""

    sobject: str


Touch: TypeAlias = Statement[Any] | Row | Write | Reference


class CrmAccess:
    """What `SalesforceCrm` does in an org.

    Args:
        settings: They name the org's custom fields.
    """

    def __init__(self, settings: SalesforceSettings) -> None:
        self.settings = settings
        self._queries = Queries(settings)
        self._translator = _Noting(Translator(settings))
        self._returns = _Noting(ReturnTranslator(settings))
        self.touches: dict[str, tuple[Touch, ...]] = self._customers() | self._orders() | self._returned()

    @classmethod
    def usual(cls) -> Self:
        """For an org with the usual names and many currencies."""
        return cls(SalesforceSettings(url="", username="triptych", private_key=Secret("env:NONE", checked=False)))

    def operations(self) -> dict[str, Access]:
        """What each operation touches."""
        return {
            name: together(self._access(touch) for touch in touches) for name, touches in sorted(self.touches.items())
        }

    def undeclared(self) -> list[str]:
        """Statements that no operation runs, and methods of translators whose fields none sends."""
        declared = [touch for touches in self.touches.values() for touch in touches]
        found = [
            f"No operation in {__name__} declares the statement {each.soql!r}; name it there."
            for each in self._queries.statements
            if not any(each is touch for touch in declared)
        ]
        for noting in (self._translator, self._returns):
            found += [f"No operation in {__name__} declares what {name} writes; name it there." for name in noting.left]
        return found

    def permission_set(self, access: Access) -> str:
        """The PermissionSet that grants this access (Metadata API Developer Guide, "PermissionSet")."""
        return permission_set(access)

    def reading_of(self, touch: Statement[Any] | Row) -> Reading:
        """Every field it reads."""
        if isinstance(touch, Statement):
            return reading_of(touch.soql)
        return reading_of(f"SELECT {self._queries.spelling.columns(touch.record, {})} FROM {touch.sobject}")  # noqa: S608 - names of fields

    def kinds_of(self, touch: Statement[Any] | Row) -> dict[tuple[str, str], Any]:
        """The types that values of its columns have here; columns of fields that the org lacks are among them."""
        if isinstance(touch, Statement):
            return dict(kinds_of(touch.record, touch.soql.rpartition(" FROM ")[2].split()[0]))
        return dict(kinds_of(self._queries.spelling.of(touch.record), touch.sobject))

    def _access(self, touch: Touch) -> Access:
        if isinstance(touch, Write):
            names = frozenset(touch.fields) - {"attributes"}
            return {touch.sobject: ObjectAccess(create=names) if touch.creating else ObjectAccess(edit=names)}
        if isinstance(touch, Reference):
            return {touch.sobject: ObjectAccess()}
        return together({sobject: ObjectAccess(read=frozenset({field}))} for sobject, field in self.reading_of(touch))

    def _customers(self) -> dict[str, tuple[Touch, ...]]:
        queries, translator = self._queries, self._translator
        return {
            "list_customers": (*queries.customer_pages, queries.customer_name),
            "get_customer": (queries.customer,),
            "get_customer_overview": (queries.overview,),
            "note_erp_number": (
                queries.customer,
                Write("Account", translator.call("erp_fields", TEXT)),
                Row("Account", AccountRecord),
            ),
            "find_customer": (queries.customer_numbered,),
            "note_erp_record": (
                queries.customer,
                Write("Account", translator.call("erp_record_fields", filled(ErpRecord), Customer(TEXT, TEXT))),
                Row("Account", AccountRecord),
            ),
            "list_quotes": queries.quote_pages,
            "get_quote": (queries.quote,),
        }

    def _orders(self) -> dict[str, tuple[Touch, ...]]:
        queries, translator = self._queries, self._translator
        new, standing, day = filled(NewCrmOrder), filled(QuoteStanding), filled(OrderRecord).effective_date
        answer = Row("Order", OrderRecord)
        return {
            "get_order": (queries.order,),
            "record_order": (
                queries.orders_like,
                queries.quote_standing,
                queries.customer_exists,
                Write("Quote", ACCEPTANCE),
                Write("Order", translator.call("order_fields", new, standing, day), creating=True),
                Write("OrderItem", translator.call("order_items", new, TEXT)[0], creating=True),
                Write("Order", ACTIVATION),
                Reference("Pricebook2"),
                answer,
            ),
            "note_order_status": (Write("Order", translator.call("status_fields", filled(CrmOrderStatus))), answer),
            "cancel_order": (
                queries.order,
                Write("Order", translator.call("cancellation_fields", TEXT)),
                Write("Quote", REOPENING),
                answer,
            ),
        }

    def _returned(self) -> dict[str, tuple[Touch, ...]]:
        queries, returns = self._queries, self._returns
        new, items = filled(NewCrmReturn), [filled(OrderItemRecord)]
        answer = Row("ReturnOrder", ReturnRecord)
        return {
            "record_return": (
                queries.returns_like,
                queries.order_with_items,
                Write("ReturnOrder", returns.call("return_fields", new, filled(OrderWithItems)), creating=True),
                Write("ReturnOrderLineItem", returns.call("line_fields", new, items, TEXT)[0], creating=True),
                answer,
            ),
            "get_return": (queries.crm_return,),
            "note_return": (Write("ReturnOrder", returns.call("note_fields", filled(CrmReturnNote))), answer),
        }


class _Noting:
    """A translator that notes which of its methods that make fields were asked.

    Attributes:
        left: Those that were not.
    """

    def __init__(self, translator: Translator | ReturnTranslator) -> None:
        self._translator = translator
        public = {name: each for name, each in vars(type(translator)).items() if not name.startswith("_")}
        self.left = [name for name, each in public.items() if get_type_hints(each).get("return") in _WRITTEN]

    def call(self, name: str, *arguments: Any) -> Any:
        """What the method makes of these."""
        if name in self.left:
            self.left.remove(name)
        return getattr(self._translator, name)(*arguments)
