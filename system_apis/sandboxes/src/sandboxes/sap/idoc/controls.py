"""What the control path may ask of the IDoc interface."""

from typing import Any

from sandboxes.sap.idoc.document import parse, read
from sandboxes.sap.idoc.doors import Doors
from sandboxes.sap.idoc.inbox import Customizing, Inbox
from sandboxes.sap.idoc.outbox import Outbox, Receiver
from sandboxes.sap.idoc.store import IdocStore
from sandboxes.sap.idoc.tables import IDOCS


class IdocControls:
    """Customizing, reprocessing and the outbound port, each a control route."""

    def __init__(self, inbox: Inbox, outbox: Outbox, doors: Doors, store: IdocStore) -> None:
        self._inbox, self._outbox, self._doors, self._store = inbox, outbox, doors, store

    def forget(self) -> None:
        """Back to the customizing as delivered, without a receiver."""
        self._inbox.customizing = Customizing()
        self._outbox.receiver = None
        self._doors.locked.clear()

    def customize(self, body: dict[str, Any]) -> object:
        """`{"postingSeconds": 60, "confirm": true, "confirmSeconds": 5, "profiles": {"TRIPTYCH": ["ORDERS"]}}`.

        What is left out is as delivered; `lockedKeys` are ARCKEYs that are being worked on.
        """
        chosen = Customizing(
            float(body.get("postingSeconds", 0)), bool(body.get("confirm")), float(body.get("confirmSeconds", 0))
        )
        if "profiles" in body:
            chosen.profiles = {name: frozenset(messages) for name, messages in body["profiles"].items()}
        self._inbox.customizing = chosen
        self._doors.locked = set(body.get("lockedKeys", ()))
        return {"customized": sorted(body)}

    def reprocess(self, body: dict[str, Any]) -> object:
        """`{"docnum": "…", "document": "<ORDERS05>…"}` as RBDMANI2: posts anew, edited if one is given."""
        row = self._store.records.get(IDOCS, DOCNUM=str(body["docnum"]).zfill(16))
        if row is None or row["STATUS"] != "51":
            return {"reprocessed": None}
        if "document" in body:
            self._store.replace(str(row["DOCNUM"]), read(parse(str(body["document"]).encode()))[0])
            row = self._store.records.get(IDOCS, DOCNUM=row["DOCNUM"]) or row
        self._inbox.post(row)
        return {"reprocessed": row["DOCNUM"]}

    def port(self, body: dict[str, Any]) -> object:
        """`{"url": "http://…/idocs", "authorization": "Bearer …", "partner": "TRIPTYCH"}`; `{}` closes the port."""
        url = str(body.get("url", ""))
        chosen = Receiver(url, str(body.get("authorization", "")), str(body.get("partner", "TRIPTYCH")))
        self._outbox.receiver = chosen if url else None
        return {"receiver": url or None}

    def emit(self, body: dict[str, Any]) -> object:
        """`{"message": "SHPCON", "key": "80000001"}`: tells of an object as it is; sent at once if the port is open."""
        docnum = self._outbox.emit(str(body["message"]), str(body["key"]))
        self._inbox.settle()
        return {"docnum": docnum}

    def settle(self, body: dict[str, Any]) -> object:
        """`{"failed": true}`: does what is due and sends what is ready, and what could not be sent if asked."""
        self._inbox.settle()
        return {"sending": self._outbox.dispatch(failed=bool(body.get("failed")))}
