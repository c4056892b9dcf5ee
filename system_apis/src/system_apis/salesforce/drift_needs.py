"""What `Crm` needs of each object and field of an org, derived from what it declares to touch."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, get_args

from msgspec import Struct, field

from shared.contracts.canonical.quote import QuoteState
from system_apis.salesforce.access import CrmAccess, Reference, Row, Write
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.records import CompoundAddress
from system_apis.salesforce.return_translator import PROCESSING, REPAYMENT, RETURN_REASONS, RETURN_STATUSES
from system_apis.salesforce.soql import Statement
from system_apis.salesforce.translator import ACCEPTANCE, ACTIVATION, REOPENING, STATUSES

TYPES: Final[Mapping[Any, frozenset[str]]] = MappingProxyType(
    {
        str: frozenset(
            ["string", "textarea", "picklist", "multipicklist", "combobox", "reference", "id", "phone", "url", "email"]
        ),
        Decimal: frozenset(["double", "currency", "percent", "int", "long"]),
        int: frozenset(["int", "long"]),
        bool: frozenset(["boolean"]),
        date: frozenset(["date"]),
        datetime: frozenset(["datetime"]),
        CompoundAddress: frozenset(["address"]),
    }
)
"""Types of fields, as describe names them, whose values ours can hold."""
FULFILMENTS: Final = ("Pending", "Released", "Packed", "Shipped", "Delivered", "Invoiced", "Failed")
"""What following an order notes on it."""
_CUSTOM: Final = (
    ("erp_customer_field", "Account", 10, True),
    ("legal_name_field", "Account", 0, False),
    ("tax_number_field", "Account", 0, False),
    ("order_block_field", "Account", 0, False),
    ("order_reference_field", "Order", 35, True),
    ("erp_order_field", "Order", 10, False),
    ("tracking_field", "Order", 30, False),
    ("fulfilment_field", "Order", 0, False),
    ("return_reference_field", "ReturnOrder", 64, True),
    ("erp_return_field", "ReturnOrder", 10, False),
    ("return_tracking_field", "ReturnOrder", 30, False),
    ("credit_memo_field", "ReturnOrder", 10, False),
    ("refund_field", "ReturnOrder", 0, False),
)
"""Setting, object, fewest characters (references as long as contracts allow, numbers as SAP has them), and whether
repeats rest on the field's being unique."""
_NOTE: Final = 255


class FieldNeed(Struct):
    """What one field has to be for us.

    Attributes:
        read, create, edit: Operations that do so.
        types: Types it may have, empty for any.
        setting: The setting that names it, if one does.
        length: Fewest characters it must hold.
        unique: Whether repeats rest on its being unique.
        sent: Picklist values that we send, with the operations.
        expected: Sets of picklist values of which we know how to read at least one, with the operations.
    """

    read: set[str] = field(default_factory=set[str])
    create: set[str] = field(default_factory=set[str])
    edit: set[str] = field(default_factory=set[str])
    types: frozenset[str] = frozenset()
    setting: str = ""
    length: int = 0
    unique: bool = False
    sent: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    expected: dict[tuple[str, ...], set[str]] = field(default_factory=dict[tuple[str, ...], set[str]])

    @property
    def operations(self) -> set[str]:
        """Everything that touches it."""
        return self.read | self.create | self.edit


class ObjectNeed(Struct):
    """What one object has to be for us; `pointed` are the operations that only refer to its records."""

    fields: dict[str, FieldNeed] = field(default_factory=dict[str, FieldNeed])
    pointed: set[str] = field(default_factory=set[str])

    def operations(self, kind: str) -> set[str]:
        """Operations that read, create or edit its records."""
        found: set[str] = set()
        return found.union(*(getattr(each, kind) for each in self.fields.values()))

    @property
    def touching(self) -> set[str]:
        """Every operation that needs the object at all."""
        return self.pointed.union(*(each.operations for each in self.fields.values()))


def needs_of(settings: SalesforceSettings) -> dict[str, ObjectNeed]:
    """What we need of the org that these settings describe, by object."""
    access = CrmAccess(settings)
    needs: dict[str, ObjectNeed] = {}
    for operation, touches in access.touches.items():
        for touch in touches:
            if isinstance(touch, Reference):
                needs.setdefault(touch.sobject, ObjectNeed()).pointed.add(operation)
            elif isinstance(touch, Write):
                _note_write(needs.setdefault(touch.sobject, ObjectNeed()), touch, operation)
            else:
                _note_reading(needs, access, touch, operation)
    _note_names(needs, settings)
    _note_values(needs, settings)
    return needs


def _note_reading(needs: dict[str, ObjectNeed], access: CrmAccess, touch: Statement[Any] | Row, operation: str) -> None:
    kinds = access.kinds_of(touch)
    for place in access.reading_of(touch):
        need = _need(needs, *place)
        need.read.add(operation)
        if place in kinds:
            need.types = TYPES[kinds[place]]


def _note_write(need: ObjectNeed, write: Write, operation: str) -> None:
    for name, value in write.fields.items():
        if name == "attributes":
            continue
        each = need.fields.setdefault(name, FieldNeed())
        (each.create if write.creating else each.edit).add(operation)
        each.types = each.types or TYPES[type(value)]


def _note_names(needs: dict[str, ObjectNeed], settings: SalesforceSettings) -> None:
    """Which setting names a custom field, how long it must be, and whether it keeps repeats apart."""
    for setting, sobject, length, unique in _CUSTOM:
        if name := getattr(settings, setting):
            need = _need(needs, sobject, name)
            need.setting, need.length, need.unique = setting, length, unique
    for sobject in ("Order", "ReturnOrder"):
        _need(needs, sobject, "Description").length = _NOTE


def _note_values(needs: dict[str, ObjectNeed], settings: SalesforceSettings) -> None:
    quote, order = _need(needs, "Quote", "Status"), _need(needs, "Order", "Status")
    fulfilment, returned = _need(needs, "Order", settings.fulfilment_field), _need(needs, "ReturnOrder", "Status")
    _send(quote, ACCEPTANCE.values(), "record_order")
    _send(quote, REOPENING.values(), "cancel_order")
    _send(order, ("Draft", *ACTIVATION.values()), "record_order")
    _send(order, (settings.cancelled_status,), "cancel_order")
    _send(fulfilment, (settings.new_fulfilment,), "record_order")
    _send(fulfilment, FULFILMENTS, "note_order_status")
    _send(fulfilment, (settings.cancelled_fulfilment,), "cancel_order")
    _send(returned, (RETURN_STATUSES["requested"],), "record_return")
    _send(returned, (each for state, each in RETURN_STATUSES.items() if state != "requested"), "note_return")
    line = needs["ReturnOrderLineItem"].fields
    _send(line["ReasonForReturn"], RETURN_REASONS.values(), "record_return")
    _send(line["RepaymentMethod"], (REPAYMENT,), "record_return")
    _send(line["ProcessingPlan"], (PROCESSING,), "record_return")
    for state in get_args(QuoteState):
        quote.expected[STATUSES[state]] = {"list_quotes", "get_quote", "get_customer_overview"}


def _send(need: FieldNeed, values: Iterable[str], operation: str) -> None:
    for value in values:
        if value:
            need.sent.setdefault(value, set()).add(operation)


def _need(needs: dict[str, ObjectNeed], sobject: str, name: str) -> FieldNeed:
    return needs.setdefault(sobject, ObjectNeed()).fields.setdefault(name, FieldNeed())
