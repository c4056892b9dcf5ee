"""What can be done with shipments, parcels, addresses and trackers."""

from typing import Any

import msgspec

from sandboxes.easypost import rating, shapes, tracking
from sandboxes.easypost.records import Record, Records
from sandboxes.easypost.refusals import Refusal, missing, not_found
from sandboxes.kit import Clock

_UNTRACKED_DAYS = 3


class Desk:
    """The account's desk: every operation reads the clock, and writes before it answers."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock

    def create_address(self, given: dict[str, Any], verify: bool = False, strict: bool = False) -> dict[str, Any]:
        """Keep an address; `verify` notes a failure in it, `strict` refuses."""
        known = shapes.address(given, self._clock.timestamp())
        if verify or strict:
            try:
                known = shapes.verified(known)
            except Refusal as refused:
                if strict:
                    raise
                outcome = {"success": False, "errors": refused.errors, "details": None}
                known["verifications"] = {"delivery": outcome}
        self._records.add("address", known, self._clock.timestamp())
        return known

    def verify_address(self, key: str) -> dict[str, Any]:
        """A verified copy of an address, kept under an id of its own."""
        fresh = {"id": shapes.begun("adr", "Address", 0)["id"]}
        known = shapes.verified(self._records.get("address", key).document) | fresh
        self._records.add("address", known, self._clock.timestamp())
        return known

    def held(self, kind: str, key: str) -> dict[str, Any]:
        """An address or parcel, by id or reference."""
        return self._records.get(kind, key).document

    def create_parcel(self, given: dict[str, Any]) -> dict[str, Any]:
        """Keep a parcel."""
        known = shapes.parcel(given, self._clock.timestamp())
        self._records.add("parcel", known, self._clock.timestamp())
        return known

    def create_shipment(self, given: dict[str, Any]) -> dict[str, Any]:
        """A shipment with the rates of every carrier that would take it."""
        now = self._clock.timestamp()
        places = {name: self._address(given, name) for name in ("to_address", "from_address")}
        if given.get("is_return"):  # docs.easypost.com/docs/shipments/returns: the outward addresses are given
            places = {"to_address": places["from_address"], "from_address": places["to_address"]}
        parcel = self._parcel(given)
        shipment = shapes.shipment(given, places, parcel, now)
        self._rate(shipment)
        self._records.add("shipment", shipment, now)
        return shipment

    def rerate(self, key: str) -> dict[str, Any]:
        """New rates for a shipment that is not bought yet."""
        shipment = self._records.get("shipment", key).document
        _unbought(shipment)
        self._rate(shipment)
        self._records.change(shipment, purchased=False)
        return {"rates": shipment["rates"]}

    def shipment(self, key: str) -> dict[str, Any]:
        """The shipment as it stands, by id or reference."""
        return self._current(self._records.get("shipment", key))

    def shipments(self, query: dict[str, str]) -> dict[str, Any]:
        """A page of shipments; only bought ones unless `purchased=false`."""
        bought = query.get("purchased", "true").lower() != "false"
        found, more = self._records.page("shipment", query, purchased_only=bought)
        return {"shipments": [self._current(record) for record in found], "has_more": more}

    def buy(self, key: str, given: dict[str, Any], origin: str) -> dict[str, Any]:
        """Buy one of the shipment's rates: label, tracking code and tracker. A second purchase is refused."""
        now = self._clock.timestamp()
        shipment = self._records.get("shipment", key).document
        _unbought(shipment)
        chosen = _chosen(shipment, given)
        code = shapes.tracking_code(chosen["carrier"])
        tracker = shapes.tracker(code, chosen["carrier"], shipment["id"], now)
        tracker["is_return"] = shipment["is_return"]
        shipment |= {
            "selected_rate": chosen,
            "tracking_code": code,
            "tracker": tracker,
            "postage_label": shapes.postage_label(shipment["id"], origin, now),
            "insurance": given.get("insurance"),
            "fees": shapes.fees(chosen["rate"]),
            "updated_at": tracking.moment(now),
        }
        with self._records.state.transaction():
            self._records.change(shipment, purchased=True)
            self._records.add(
                "tracker",
                tracker,
                now,
                tracking_code=code,
                carrier=chosen["carrier"],
                days=chosen["delivery_days"],
            )
        return self.shipment(shipment["id"])

    def refund(self, key: str) -> dict[str, Any]:
        """Ask for the postage back, as long as the carrier does not have the parcel."""
        shipment = self.shipment(key)
        if shipment["postage_label"] is None:
            raise Refusal(422, "SHIPMENT.POSTAGE.REQUIRED", "Postage is required to refund a shipment.")
        if shipment["refund_status"] is not None:
            raise _no_refund("A refund has already been requested.")
        if shipment["status"] != "pre_transit":
            raise _no_refund("Unable to request refund. The parcel has been shipped.")
        shipment |= {"refund_status": "submitted", "updated_at": tracking.moment(self._clock.timestamp())}
        self._records.change(shipment, purchased=True)
        return shipment

    def create_tracker(self, given: dict[str, Any]) -> dict[str, Any]:
        """Follow a parcel; the tracker that already follows it is returned as it is."""
        code, carrier = given.get("tracking_code"), given.get("carrier")
        if not code:
            raise missing("tracking_code")
        known = self._records.tracked(code, carrier)
        if known is None:
            now, carrier = self._clock.timestamp(), carrier or "USPS"
            document = shapes.tracker(code, carrier, None, now)
            self._records.add("tracker", document, now, tracking_code=code, carrier=carrier, days=_UNTRACKED_DAYS)
            known = Record(document, now, _UNTRACKED_DAYS)
        return self._moving(known)

    def tracker(self, key: str) -> dict[str, Any]:
        """The tracker as it stands."""
        return self._moving(self._records.get("tracker", key))

    def trackers(self, query: dict[str, str]) -> dict[str, Any]:
        """A page of trackers."""
        found, more = self._records.page("tracker", query)
        return {"trackers": [self._moving(record) for record in found], "has_more": more}

    def moving(self) -> list[dict[str, Any]]:
        """The newest hundred trackers as they stand."""
        return self.trackers({"page_size": "100"})["trackers"]

    def ledger(self) -> dict[str, object]:
        """What was bought, oldest first."""
        query = "SELECT document FROM record WHERE kind = 'shipment' AND purchased ORDER BY seq"
        bought = [msgspec.json.decode(row["document"]) for row in self._records.state.connection.execute(query)]
        kept = ("id", "reference", "tracking_code", "refund_status", "is_return")
        return {"purchases": [{field: one[field] for field in kept} for one in bought]}

    def _current(self, record: Record) -> dict[str, Any]:
        shipment = record.document
        if shipment["tracker"] is not None:
            following = self.tracker(shipment["tracker"]["id"])
            shipment |= {"tracker": following, "status": following["status"]}
        return shipment

    def _moving(self, record: Record) -> dict[str, Any]:
        return tracking.tracker(record.document, record.created, record.days, self._clock.timestamp())

    def _rate(self, shipment: dict[str, Any]) -> None:
        if not (shipment["to_address"] and shipment["from_address"] and shipment["parcel"]):
            return
        found = rating.offers(shipment["from_address"], shipment["to_address"], shipment["parcel"])
        shipment["rates"] = [shapes.rate(offer, shipment["id"], self._clock.timestamp()) for offer in found]
        if not found:
            message = "No carrier takes a parcel of this weight and size on this route"
            shipment["messages"] = [{"carrier": "UPS", "type": "rate_error", "message": message}]

    def _address(self, given: dict[str, Any], name: str) -> dict[str, Any] | None:
        wanted = given.get(name)
        if wanted is None:
            return None
        if "id" in wanted:
            return self._records.get("address", wanted["id"]).document
        return self.create_address(wanted)

    def _parcel(self, given: dict[str, Any]) -> dict[str, Any] | None:
        wanted = given.get("parcel")
        if wanted is None:
            return None
        return self._records.get("parcel", wanted["id"]).document if "id" in wanted else self.create_parcel(wanted)


def _unbought(shipment: dict[str, Any]) -> None:
    if shipment["postage_label"] is not None:
        raise Refusal(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")


def _chosen(shipment: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] | None = given.get("rate")
    if not wanted or "id" not in wanted:
        raise missing("rate")
    for rate in shipment["rates"]:
        if rate["id"] == wanted["id"]:
            return rate
    raise not_found()


def _no_refund(message: str) -> Refusal:
    return Refusal(422, "SHIPMENT.REFUND.UNAVAILABLE", message)
