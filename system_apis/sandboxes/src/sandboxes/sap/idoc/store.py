"""Reading and moving IDocs: each step is one more row of its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandboxes.sap.idoc.document import Segment, parse, read, written
from sandboxes.sap.idoc.tables import IDOCS, STATUSES
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.sales.fields import text
from sandboxes.sap.storage import Records

INBOUND, OUTBOUND = "2", "1"
_FIRST = 1_000_001
_TEXTS = {
    "01": "IDoc generated",
    "02": "Error passing data to port",
    "03": "Data passed to port OK",
    "12": "Dispatch OK",
    "30": "IDoc ready for dispatch (ALE service)",
    "39": "IDoc is in the target system (ALE service)",
    "40": "Application document not created in target system",
    "41": "Application document created in target system",
    "50": "IDoc added",
    "62": "IDoc passed to application",
    "64": "IDoc ready to be transferred to application",
}


@dataclass(frozen=True, slots=True)
class Status:
    """A status with the message that explains it; its usual text when none is given."""

    code: str
    text: str = ""
    message: str = ""  # class/number


class IdocStore:
    """The IDocs of the system; the caller holds the transaction.

    Attributes:
        waiting: Whether some document may have a step to come; spares a look at every request.
    """

    def __init__(self, records: Records) -> None:
        self.records = records
        self.waiting = True

    def add(self, idoc: Segment, direction: str, due: datetime | None) -> str:
        """Keep a new document under the next number, which is returned; `due` is when its next step comes."""
        return self.keep(idoc, direction, self.next_number(), due)

    def next_number(self) -> str:
        """A number for a new document."""
        return self.records.next_number("idoc", _FIRST).zfill(16)

    def keep(self, idoc: Segment, direction: str, number: str, due: datetime | None) -> str:
        """Keep a new document under a number of its own."""
        control = idoc.below[0]
        row: Row = {
            "DOCNUM": number,
            "DIRECT": direction,
            "IDOCTYP": control.get("IDOCTYP"),
            "MESTYP": control.get("MESTYP"),
            "PartnerDocnum": control.get("DOCNUM") if direction == INBOUND else "",
            "Partner": control.get("SNDPRN" if direction == INBOUND else "RCVPRN"),
            "ARCKEY": control.get("ARCKEY"),
            "Document": written(control.get("IDOCTYP") or "IDOC", idoc).decode(),
            "DueAt": due,
        }
        self.records.add(IDOCS, row)
        self.waiting = True
        return number

    def move(self, number: str, now: datetime, *statuses: Status, made: str = "", due: datetime | None = None) -> None:
        """Add to the history; the last status is where the document stands now."""
        count = len(self.records.find(STATUSES, DOCNUM=number))
        for place, one in enumerate(statuses, count + 1):
            message, _, no = one.message.partition("/")
            row: Row = {
                "DOCNUM": number,
                "COUNTR": place,
                "STATUS": one.code,
                "STAMID": message,
                "STAMNO": no,
                "STATXT": one.text or _TEXTS.get(one.code, ""),
                "LoggedAt": now + timedelta(microseconds=place),
            }
            self.records.add(STATUSES, row)
        changes: Row = {"STATUS": statuses[-1].code, "DueAt": due}
        self.records.change(IDOCS, {"DOCNUM": number}, changes | ({"ObjectKey": made} if made else {}))

    def due(self, status: str, now: datetime) -> list[Row]:
        """Documents in a status whose next step is due, oldest first."""
        waiting = self.records.find(IDOCS, STATUS=status)
        return [one for one in waiting if isinstance(one["DueAt"], datetime) and one["DueAt"] <= now]

    def any_in(self, *statuses: str) -> bool:
        """Whether a document is in one of these statuses."""
        return any(self.records.find(IDOCS, STATUS=one) for one in statuses)

    def with_key(self, key: str) -> Row | None:
        """The incoming document with this ARCKEY."""
        found = self.records.find(IDOCS, ARCKEY=key, DIRECT=INBOUND)
        return found[0] if found else None

    def document(self, row: Row) -> Segment:
        """The document as it was kept."""
        return read(parse(text(row, "Document").encode()))[0]

    def replace(self, number: str, idoc: Segment) -> None:
        """Keep an edited document in place of what came."""
        edited = written(idoc.below[0].get("IDOCTYP"), idoc).decode()
        self.records.change(IDOCS, {"DOCNUM": number}, {"Document": edited})

    def shown(self) -> Sequence[dict[str, object]]:
        """Every document with its history, for the ledger."""
        return [
            {
                **{name: row[name] for name in ("DOCNUM", "DIRECT", "IDOCTYP", "MESTYP", "STATUS", "PartnerDocnum")},
                "objectKey": row["ObjectKey"],
                "document": row["Document"],
                "history": [
                    {"status": one["STATUS"], "text": one["STATXT"]}
                    for one in self.records.find(STATUSES, DOCNUM=row["DOCNUM"])
                ],
            }
            for row in self.records.find(IDOCS)
        ]
