"""What a function module gets: its parameters, the system's records, and the caller's unit of work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from sandboxes.kit import State
from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.odata_v2.edm import Value as Stored
from sandboxes.sap.rfc.contexts import Context, Contexts
from sandboxes.sap.rfc.dictionary import Cell, Fields, Value
from sandboxes.sap.services.sales_order import SALES_ORDER
from sandboxes.sap.storage import Records


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function module."""

    given: Mapping[str, Value]
    state: State
    records: Records
    contexts: Contexts
    context: Context
    now: datetime

    def work(self) -> Work:
        """A unit of work on sales orders."""
        return Work(SALES_ORDER, self.records, self.now, self.context.user, [])

    def text(self, name: str) -> str:
        """A single parameter."""
        value = self.given.get(name)
        return value if isinstance(value, str) else ""

    def day(self, name: str) -> date | None:
        """A single parameter that is a date."""
        value = self.given.get(name)
        return value if isinstance(value, date) else None

    def structure(self, name: str) -> Fields:
        """A structure; empty when it was not sent."""
        value = self.given.get(name)
        return value if isinstance(value, Mapping) else {}

    def table(self, name: str) -> Sequence[Fields]:
        """The rows of a table; none when it was not sent."""
        value = self.given.get(name)
        return value if isinstance(value, list) else ()


Implementation = Callable[[Call], Mapping[str, Value]]
"""A function module: its exports and tables by name; what is left out is initial."""


def shown(number: str) -> str:
    """A number without leading zeros, as the records are asked for it."""
    return (number.lstrip("0") or "0") if number.isdigit() else number


def text_in(row: Fields, name: str) -> str:
    """A text of a row."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def number_in(row: Fields, name: str) -> Decimal:
    """A number of a row."""
    value = row.get(name)
    return value if isinstance(value, Decimal) else Decimal(0)


def midnight(value: Cell) -> datetime | None:
    """A date as the records keep it."""
    return None if not isinstance(value, date) else datetime(value.year, value.month, value.day, tzinfo=UTC)


def day_in(value: Stored) -> date | None:
    """A record's date as a function shows it."""
    return value.date() if isinstance(value, datetime) else None
