"""The logistics capability."""

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Conflict, NotFound, Refused
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
