"""IDocs that go out: 01 → 30, then to the receiver's URL: 03 when it answered 2xx, 02 when it did not.

Receivers are told to the control path; without one, documents stay ready for dispatch.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from sandboxes.kit import Clock, State
from sandboxes.sap.idoc.document import CONTROL, Segment
from sandboxes.sap.idoc.messages_out import MESSAGES
from sandboxes.sap.idoc.store import OUTBOUND, IdocStore, Status
from sandboxes.sap.idoc.tables import IDOCS
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.sales.fields import text
from sandboxes.sap.sessions import CLIENT

PARTNER = "S4HCLNT100"
_PORT = "SAPS4H"
_SECONDS = 10.0
_REFUSED = {"51": "40", "40": "40", "53": "41", "41": "41"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """The HTTP port of a partner: where documents are posted and what stands in `Authorization`."""

    url: str
    authorization: str = ""
    partner: str = "TRIPTYCH"


class Outbox:
    """Makes documents and hands them to the port."""

    def __init__(self, store: IdocStore, state: State, clock: Clock) -> None:
        self._store, self._state, self._clock = store, state, clock
        self.receiver: Receiver | None = None
        self._sending: asyncio.Task[None] | None = None

    def emit(self, message: str, key: str) -> str:
        """Tell of a customer, material, delivery or invoice; returns the document's number.

        Raises:
            ValueError: There is no such message or object.
        """
        if message not in MESSAGES:
            raise ValueError(f"No message {message}; there are {', '.join(MESSAGES)}.")
        kind, build = MESSAGES[message]
        with self._state.transaction():
            return self._added(kind, message, build(self._store.records, key), self._clock.now())

    def confirm(self, row: Row, status: Status, made: str, due: datetime) -> None:
        """Have an ALEAUD ready when it is due; the caller holds the transaction."""
        message, _, no = status.message.partition("/")
        state = Segment(
            "E1STATE",
            {
                "DOCNUM": text(row, "PartnerDocnum"),
                "LOGDAT": f"{self._clock.now():%Y%m%d}",
                "LOGTIM": f"{self._clock.now():%H%M%S}",
                "STATUS": status.code,
                "STAMQU": "SAP",
                "STAMID": message,
                "STAMNO": no,
                "STATYP": "S" if made else "E",
                "STATXT": status.text[:70],
            },
        )
        result = {"DOCNUM": text(row, "DOCNUM"), "LOGSYS": PARTNER}
        state.below.append(
            Segment("E1PRTOB", result | ({"OBJTYPE": "BUS2032", "OBJKEY": made.zfill(10)} if made else {}))
        )
        header = Segment("E1ADHDR", {"MESTYP": text(row, "MESTYP")}, [state])
        self._added("ALEAUD01", "ALEAUD", [header], due)

    def confirmed(self, docnum: str, status: str, remark: str, made: str, now: datetime) -> bool:
        """Note what the receiver made of a document; False if none of this number was sent."""
        row = self._store.records.get(IDOCS, DOCNUM=docnum, DIRECT=OUTBOUND)
        if row is not None:
            self._store.move(docnum, now, Status(_REFUSED.get(status, "39"), remark), made=made)
        return row is not None

    def release(self, now: datetime) -> None:
        """Make ready what is due, and send what is ready."""
        for row in self._store.due("01", now):
            with self._state.transaction():
                self._store.move(text(row, "DOCNUM"), now, Status("30"))
        if self.receiver is not None and self._ready("30"):
            self.dispatch()

    def dispatch(self, *, failed: bool = False) -> int:
        """Send everything that is ready, and what could not be sent before if asked; how many there are."""
        waiting = [*self._ready("30"), *(self._ready("02") if failed else [])]
        if waiting and self.receiver is not None and (self._sending is None or self._sending.done()):
            self._sending = asyncio.get_running_loop().create_task(self._send(failed=failed), name="idoc port")
        return len(waiting)

    def close(self) -> None:
        """Send nothing any more."""
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self, *, failed: bool) -> None:
        tried: set[str] = set()
        while receiver := self.receiver:
            waiting = [*self._ready("30"), *(self._ready("02") if failed else [])]
            row = next((one for one in waiting if one["DOCNUM"] not in tried), None)
            if row is None:
                return
            docnum = text(row, "DOCNUM")
            tried.add(docnum)
            outcome = await asyncio.to_thread(_posted, receiver, text(row, "Document").encode())
            with self._state.transaction():
                self._store.move(docnum, self._clock.now(), outcome)

    def _ready(self, status: str) -> list[Row]:
        return self._store.records.find(IDOCS, STATUS=status, DIRECT=OUTBOUND)

    def _added(self, kind: str, message: str, segments: list[Segment], due: datetime) -> str:
        now = self._clock.now()
        control = Segment(
            CONTROL,
            {
                "TABNAM": CONTROL,
                "MANDT": CLIENT,
                "DOCNUM": self._store.next_number(),
                "DOCREL": "756",
                "STATUS": "30",
                "DIRECT": OUTBOUND,
                "OUTMOD": "2",
                "IDOCTYP": kind,
                "MESTYP": message,
                "SNDPOR": _PORT,
                "SNDPRT": "LS",
                "SNDPRN": PARTNER,
                "RCVPOR": "TRIPTYCH",
                "RCVPRT": "LS",
                "RCVPRN": self.receiver.partner if self.receiver else "TRIPTYCH",
                "CREDAT": f"{now:%Y%m%d}",
                "CRETIM": f"{now:%H%M%S}",
                "SERIAL": f"{now:%Y%m%d%H%M%S}",
            },
        )
        docnum = self._store.keep(Segment("IDOC", {}, [control, *segments]), OUTBOUND, control.get("DOCNUM"), due)
        self._store.move(docnum, now, Status("01"), due=due)
        return docnum


def _posted(receiver: Receiver, document: bytes) -> Status:
    headers = {"content-type": "text/xml; charset=utf-8"}
    if receiver.authorization:
        headers["authorization"] = receiver.authorization
    request = Request(receiver.url, document, headers)  # noqa: S310 - a loopback URL that the control path was told
    try:
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            return Status("03", f"Data passed to port OK (HTTP {answer.status})")
    except HTTPError as refused:
        with refused:
            return Status("02", f"Error passing data to port (HTTP {refused.code})")
    except (OSError, HTTPException) as error:
        return Status("02", f"Error passing data to port ({type(error).__name__})")
