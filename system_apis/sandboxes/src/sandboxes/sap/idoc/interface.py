"""The IDoc interface put together."""

from collections.abc import Mapping, Sequence

from sandboxes.kit import Clock, State
from sandboxes.kit.sandbox import Control
from sandboxes.sap.gateway import IcfNode
from sandboxes.sap.idoc.controls import IdocControls
from sandboxes.sap.idoc.doors import PLAIN, SOAP, Doors
from sandboxes.sap.idoc.inbox import Inbox
from sandboxes.sap.idoc.outbox import Outbox
from sandboxes.sap.idoc.store import IdocStore
from sandboxes.sap.storage import Records


class IdocInterface:
    """Doors, posting and the outbound port over one state.

    Attributes:
        nodes: The doors by path.
        controls: The control routes.
        close: Ends what is being sent; before the state is closed.
    """

    def __init__(self, records: Records, state: State, clock: Clock) -> None:
        self._store = IdocStore(records)
        outbox = Outbox(self._store, state, clock)
        self.close = outbox.close
        self._inbox = Inbox(self._store, state, clock, outbox)
        doors = Doors(self._inbox, self._store)
        self._controls = IdocControls(self._inbox, outbox, doors, self._store)
        self.nodes: Mapping[str, IcfNode] = {PLAIN: doors.plain, SOAP: doors.soap}
        self.controls: Mapping[str, Control] = {
            "idoc-customizing": self._controls.customize,
            "idoc-reprocess": self._controls.reprocess,
            "idoc-port": self._controls.port,
            "idoc-emit": self._controls.emit,
            "idoc-settle": self._controls.settle,
        }

    def settle(self) -> None:
        """Do what is due by now; before each request, so that it sees what has been posted."""
        self._inbox.settle()

    def forget(self) -> None:
        """Back to the customizing as delivered."""
        self._controls.forget()

    def shown(self) -> Sequence[dict[str, object]]:
        """Every document with its history."""
        return self._store.shown()
