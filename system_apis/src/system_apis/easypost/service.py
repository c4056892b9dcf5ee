"""The logistics contract over EasyPost."""

from pathlib import Path
from typing import Literal

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded, Problem
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.event_feed import EventFeed, MessageTaken
from shared.contracts.canonical.shipment import LabelPurchase, RateRequest, Rates, Shipment
from shared.contracts.system.logistics import Logistics
from shared.messaging.message_store import MessageStore
from shared.resilience.outbound_faults import OutcomeUnknown
from shared.security.signature import SignatureVerifier
from shared.security.signature_schemes import EASYPOST
from system_apis.easypost.connector import EasyPost, Sender
from system_apis.easypost.records import AddressRecord, FaultRecord, NewShipmentRecord, ShipmentRecord
from system_apis.easypost.translator import (
    is_bought,
    is_refunded,
    is_same,
    problem_of_look,
    problem_of_purchase,
    problem_of_rating,
    problem_of_refund,
    to_address,
    to_parcel,
    to_rates,
    to_shipment,
    told_move,
)


class EasyPostLogistics(Logistics):
    """Logistics as EasyPost brokers it."""

    signature = EASYPOST

    def __init__(self, easypost: EasyPost) -> None:
        self._easypost = easypost
        settings = easypost.settings
        self._messages = MessageStore(
            Path(settings.webhook_store), "easypost", keep_days=settings.keep_days, known_days=settings.known_days
        )

    async def aclose(self) -> None:
        """Close the file of messages."""
        await self._messages.aclose()

    def signatures(self) -> SignatureVerifier:
        """By the secret of the account's webhook, and those besides it while it is replaced."""
        settings = self._easypost.settings
        current = (settings.webhook_secret,) if settings.webhook_secret else ()
        return SignatureVerifier(EASYPOST, (*current, *settings.other_webhook_secrets))

    async def get_rates(self, request: RateRequest) -> Rates:
        """As promised by `Logistics`. Each call makes a shipment at EasyPost, which costs nothing until bought."""
        settings = self._easypost.settings
        address: AddressRecord | FaultRecord = to_address(request.ship_to_name, request.ship_to)
        if settings.verify_addresses:
            address = await self._easypost.verified(address)
            if isinstance(address, FaultRecord):
                raise problem_of_rating(address)
            address = AddressRecord(id=address.id)
        wanted = NewShipmentRecord(
            request.reference, address, _sender(settings.sender), to_parcel(request.parcel), request.is_return
        )
        created = await self._created(wanted)
        if isinstance(created, FaultRecord):
            raise problem_of_rating(created)
        return to_rates(created)

    async def purchase_label(self, purchase: LabelPurchase) -> Shipment:
        """As promised by `Logistics`. Where it is unknown whether EasyPost sold, the shipment is looked up."""
        try:
            answer = await self._easypost.buy(purchase.shipment_id, purchase.rate_id)
        except (BackendUnavailable, BackendFault, DeadlineExceeded) as problem:
            return to_shipment(await self._bought_after_all(purchase.shipment_id, problem))
        if isinstance(answer, ShipmentRecord):
            return to_shipment(answer)
        known = await self._shipment(purchase.shipment_id)
        if is_bought(known):
            return to_shipment(known)
        raise problem_of_purchase(answer, purchase.rate_id)

    async def get_shipment(self, shipment_id: str) -> Shipment:
        """As promised by `Logistics`."""
        return to_shipment(await self._shipment(shipment_id))

    async def refund_label(self, shipment_id: str) -> Shipment:
        """As promised by `Logistics`. Refunded means asked for; the carrier pays back later."""
        answer = await self._easypost.refund(shipment_id)
        if isinstance(answer, ShipmentRecord):
            return to_shipment(answer)
        known = await self._shipment(shipment_id)
        if is_refunded(known):
            return to_shipment(known)
        raise problem_of_refund(answer, shipment_id)

    async def receive_webhook(self, message: SignedMessage) -> MessageTaken:
        """As promised by `Logistics`. Events that tell of nothing but trackers of our shipments are passed over."""
        event_id, moved = told_move(message)
        if moved is None:
            return MessageTaken(event_id, "passed-over")
        payload = msgspec.json.encode(moved).decode()
        kept = await self._messages.add(event_id, "parcel-moved", payload, message.content)
        return MessageTaken(event_id, "kept" if kept else "repeated")

    async def list_events(
        self,
        channel: Literal["all", "parcel-moved"] = "all",
        after: str | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: int = 100,
    ) -> EventFeed:
        """As promised by `Logistics`."""
        return await self._messages.feed(channel, after, begin, limit)

    async def _shipment(self, shipment_id: str) -> ShipmentRecord:
        found = await self._easypost.shipment(shipment_id)
        if isinstance(found, FaultRecord):
            raise problem_of_look(found, shipment_id)
        return found

    async def _created(self, wanted: NewShipmentRecord) -> ShipmentRecord | FaultRecord:
        """The shipment; one whose reply was lost is looked up by its reference before it is made again."""
        try:
            return await self._easypost.create_shipment(wanted)
        except OutcomeUnknown:
            found = await self._easypost.shipment(wanted.reference)
            if isinstance(found, ShipmentRecord) and is_same(found, wanted):
                return found
            return await self._easypost.create_shipment(wanted)

    async def _bought_after_all(self, shipment_id: str, problem: Problem) -> ShipmentRecord:
        try:
            found = await self._easypost.shipment(shipment_id)
        except Problem:
            raise problem from None
        if isinstance(found, FaultRecord) or not is_bought(found):
            raise problem
        return found


def _sender(sender: Sender) -> AddressRecord:
    return AddressRecord(
        company=sender.company,
        street1=sender.street,
        city=sender.city,
        state=sender.region or None,
        zip=sender.postal_code,
        country=sender.country,
        phone=sender.phone or None,
    )
