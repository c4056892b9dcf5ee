"""The logistics capability."""

from typing import Literal

from shared.binding.declare import Contract, Cursor, PageSize, get, post, webhook
from shared.binding.problems import Conflict, NotFound, Refused
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed, MessageTaken, MessageUnreadable
from shared.contracts.canonical.shipment import LabelPurchase, RateRequest, Rates, Shipment
from shared.contracts.canonical.values import Id


class ShipmentNotFound(NotFound):
    """No shipment has this id."""


class AddressRefused(Refused):
    """No carrier delivers to this address as it is written; `errors` names the field."""


class RateGone(Refused):
    """The chosen offer does not exist or has lapsed; ask for rates again."""


class LabelNotRefundable(Conflict):
    """The carrier has the parcel already, or the refund window is over."""


class Logistics(Contract, tier="system", version="v1"):
    """Rates, labels, tracking and refunds over many carriers."""

    @post("/rates", scope="logistics:read", safe=True, raises=[AddressRefused])
    async def get_rates(self, request: RateRequest) -> Rates:
        """Return every carrier's offer for a parcel, cheapest first."""
        ...

    @post("/labels", scope="logistics:write", repeatable=True, raises=[ShipmentNotFound, RateGone])
    async def purchase_label(self, purchase: LabelPurchase) -> Shipment:
        """Buy the label of an offer, which books the shipment.

        A shipment whose label is bought already answers with it, so a repeat is harmless.
        """
        ...

    @get("/shipments/{shipment_id}", scope="logistics:read", raises=[ShipmentNotFound])
    async def get_shipment(self, shipment_id: Id) -> Shipment:
        """Return a shipment with its tracking, by its id or by the reference it was booked under."""
        ...

    @post(
        "/shipments/{shipment_id}/refund",
        scope="logistics:write",
        repeatable=True,
        status=200,
        raises=[ShipmentNotFound, LabelNotRefundable],
    )
    async def refund_label(self, shipment_id: Id) -> Shipment:
        """Give an unused label back; repeating changes nothing."""
        ...

    @webhook("/webhooks", scope="logistics:receive", raises=[MessageUnreadable])
    async def receive_webhook(self, message: SignedMessage) -> MessageTaken:
        """Take in what carriers tell of parcels, each message once; an answer of 200 says that it is on disk."""
        ...

    @get("/events", scope="logistics:read", raises=[CursorExpired], timeout=30.0, waits=True)
    async def list_events(
        self,
        channel: Literal["all", "parcel-moved"] = "all",
        after: Cursor | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: PageSize = 100,
    ) -> EventFeed:
        """Return what carriers told, oldest first, each as `ParcelMoved`.

        With `Prefer: wait=n` an answer without any event waits for the first.

        Args:
            channel: Of which type.
            after: The `cursor` of the previous answer.
            begin: Where to begin without a cursor: with the oldest that is kept, or with the next to come.
            limit: At most so many.
        """
        ...
