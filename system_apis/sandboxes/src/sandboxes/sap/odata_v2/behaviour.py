"""What an application adds to the model: how its entities come to be, change and go.

A set without a registered function follows the model alone: a plain row, written when the set's access allows it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandboxes.sap.odata_v2.edm import EntitySet, Row, Service, Value
from sandboxes.sap.odata_v2.errors import Message
from sandboxes.sap.storage import Records, Table, table_of


@dataclass(slots=True)
class Node:
    """An entity with what is expanded below it: one node, None, or a list, by navigation name."""

    set: EntitySet
    row: Row
    links: "dict[str, Node | list[Node] | None]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payload:
    """A request body: property values, and nested entities by navigation (an empty list asks for them back)."""

    values: Row
    children: "dict[str, list[Payload]]"

    def below(self, navigation: str) -> "list[Payload]":
        """The nested entities of a navigation; empty when absent."""
        return self.children.get(navigation, [])


@dataclass(slots=True)
class Work:
    """One unit of work: the records, the moment, who asks, and remarks to send along with success."""

    service: Service
    records: Records
    now: datetime
    user: str
    remarks: list[Message]

    def table(self, entity_set: str) -> Table:
        """The table of a set of this service."""
        return table_of(self.service, entity_set)


Create = Callable[[Work, EntitySet, Payload], Node]
Update = Callable[[Work, EntitySet, Row, Row], None]
Delete = Callable[[Work, EntitySet, Row], None]
Call = Callable[[Work, Mapping[str, Value]], list[Row]]
Act = Callable[[Work, Row, Mapping[str, Value]], None]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The functions of one service by set, function import or bound action.

    Updates get the old row and the changes, actions the row they are bound to and their arguments.
    """

    create: Mapping[str, Create] = field(default_factory=dict[str, Create])
    update: Mapping[str, Update] = field(default_factory=dict[str, Update])
    delete: Mapping[str, Delete] = field(default_factory=dict[str, Delete])
    call: Mapping[str, Call] = field(default_factory=dict[str, Call])
    act: Mapping[str, Act] = field(default_factory=dict[str, Act])
