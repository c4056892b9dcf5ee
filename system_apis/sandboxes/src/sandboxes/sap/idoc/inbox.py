"""IDocs that come in: kept at once, passed to the application when their time has come.

The usual history is 50 → 64 → 62 → 53, or 51 where the application refuses; 56 without a partner profile, 60 with a
syntax error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandboxes.kit import Clock, State
from sandboxes.sap.idoc.document import Segment
from sandboxes.sap.idoc.orders_in import order_payload
from sandboxes.sap.idoc.outbox import Outbox
from sandboxes.sap.idoc.store import INBOUND, IdocStore, Status
from sandboxes.sap.idoc.structure import syntax_fault
from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.odata_v2.errors import Message, ODataError
from sandboxes.sap.sales import orders
from sandboxes.sap.sales.fields import text
from sandboxes.sap.services.sales_order import SALES_ORDER

_POSTED = "53"
_REFUSED = "51"


def _profiles() -> dict[str, frozenset[str]]:
    return {"TRIPTYCH": frozenset({"ORDERS", "ALEAUD"})}


@dataclass(slots=True)
class Customizing:
    """What the customizing says of IDocs.

    Attributes:
        posting_seconds: From arrival to the application.
        confirm: Whether ALEAUD tells the sender what became of its documents.
        confirm_seconds: From posting to that.
        profiles: Inbound messages that the partner profile of each system allows.
    """

    posting_seconds: float = 0.0
    confirm: bool = False
    confirm_seconds: float = 0.0
    profiles: dict[str, frozenset[str]] = field(default_factory=_profiles)


class Inbox:
    """Takes documents in and posts them."""

    def __init__(self, store: IdocStore, state: State, clock: Clock, outbox: Outbox) -> None:
        self.customizing = Customizing()
        self._store, self._state, self._clock, self._outbox = store, state, clock, outbox
        self._applications: dict[str, Callable[[Row, Segment, datetime], str]] = {
            "ORDERS": self._order,
            "ALEAUD": self._confirmation,
        }

    def accept(self, idocs: Sequence[Segment], user: str) -> list[str]:
        """Keep documents under new numbers, which are returned."""
        del user
        with self._state.transaction():
            return [self._accepted(one) for one in idocs]

    def settle(self) -> None:
        """Pass to the application what is due; also makes the confirmations that are due ready for dispatch."""
        if not self._store.waiting:
            return
        now = self._clock.now()
        for row in self._store.due("64", now):
            self.post(row)
        self._outbox.release(now)
        self._store.waiting = self._store.any_in("64", "01", "30")

    def post(self, row: Row) -> None:
        """Pass a document to the application, now."""
        now, docnum, message = self._clock.now(), text(row, "DOCNUM"), text(row, "MESTYP")
        try:
            with self._state.transaction():
                made = self._application(message)(row, self._store.document(row), now)
                done = Status(_POSTED, f"{message} {made} has been saved", "V1/311")
                self._store.move(docnum, now, Status("62"), done, made=made)
                self._confirm(row, done, made)
        except ODataError as error:
            faults = [Status(_REFUSED, one.text, one.code) for one in error.details or (error.message,)]
            with self._state.transaction():
                self._store.move(docnum, now, Status("62"), *faults)
                self._confirm(row, faults[0], "")

    def _accepted(self, idoc: Segment) -> str:
        now, control = self._clock.now(), idoc.below[0]
        due = now + timedelta(seconds=self.customizing.posting_seconds)
        docnum = self._store.add(idoc, INBOUND, due)
        fault = self._fault(idoc, control)
        if fault is None:
            self._store.move(docnum, now, Status("50"), Status("64"), due=due)
        elif fault.code == "56":
            self._store.move(docnum, now, fault)
        else:
            self._store.move(docnum, now, Status("50"), fault)
        return docnum

    def _fault(self, idoc: Segment, control: Segment) -> Status | None:
        if control.get("MESTYP") not in self.customizing.profiles.get(control.get("SNDPRN"), ()):
            return Status("56", "EDI: Partner profile inbound not available", "E0/337")
        syntax = syntax_fault(idoc)
        return Status("60", f"Syntax error in IDoc: {syntax}", "E0/072") if syntax else None

    def _application(self, message: str) -> Callable[[Row, Segment, datetime], str]:
        if message not in self._applications:
            raise ODataError(400, Message("B1/251", f"No function module is assigned to message type {message}"))
        return self._applications[message]

    def _order(self, row: Row, idoc: Segment, now: datetime) -> str:
        del row
        work = Work(SALES_ORDER, self._store.records, now, "ALEREMOTE", [])
        node = orders.create_order(work, SALES_ORDER.sets["A_SalesOrder"], order_payload(idoc))
        return text(node.row, "SalesOrder")

    def _confirmation(self, row: Row, idoc: Segment, now: datetime) -> str:
        for state in (one for one in idoc.walk() if one.name == "E1STATE"):
            made = next((one.get("OBJKEY") for one in state.every("E1PRTOB")), "")
            if not self._outbox.confirmed(state.get("DOCNUM"), state.get("STATUS"), state.get("STATXT"), made, now):
                raise ODataError(400, Message("B1/054", f"IDoc {state.get('DOCNUM')} is not one that was sent"))
        return text(row, "DOCNUM")

    def _confirm(self, row: Row, status: Status, made: str) -> None:
        if self.customizing.confirm and row["MESTYP"] != "ALEAUD":
            due = self._clock.now() + timedelta(seconds=self.customizing.confirm_seconds)
            self._outbox.confirm(row, status, made, due)
