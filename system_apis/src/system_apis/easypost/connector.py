"""EasyPost's API v2: where it is, who we are there, and its paths."""

from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from shared.resilience.credentials import BasicCredentials
from shared.resilience.outbound import BackendSettings, Outbound
from shared.resilience.outbound_faults import decode_json
from shared.security.secrets import Secret
from system_apis.easypost.records import (
    AddressRecord,
    FaultEnvelope,
    FaultRecord,
    NewShipmentRecord,
    ShipmentRecord,
)
from system_apis.easypost.translator import is_answer, problem_of_reply

NAME = "easypost"
_T = TypeVar("_T")
_JSON = {"content-type": "application/json", "accept": "application/json"}
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """The address that parcels leave from, as carriers print it on labels.

    Attributes:
        company: Who sends.
        street: With the house number.
        city: Town.
        region: State or province, where the country has them in addresses.
        postal_code: As the country writes it.
        country: ISO 3166-1 alpha-2.
        phone: For the carrier.
    """

    company: str
    street: str
    city: str
    postal_code: str
    country: str
    region: str = ""
    phone: str = ""


class EasyPostSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.easypost]` of a topology; what every backend has, and:

    Attributes:
        url: `https://api.easypost.com`.
        api_key: Reference to the account's key; a test key buys nothing real.
        sender: Where parcels leave from.
        verify_addresses: Refuse addresses that EasyPost cannot find, at the price of one more request for
            each set of rates; otherwise carriers take them as they are written.
        webhook_secret: Reference to the `webhook_secret` of the account's webhook; without one, none is taken in.
        other_webhook_secrets: References to further ones that count as well, while the secret is replaced.
        webhook_store: The SQLite file that keeps what webhooks told; made when it is first needed.
        keep_days: How long that is kept.
        known_days: How long a message is known again, so that one that was caught tells nothing new.
    """  # noqa: D415 - a heading that the list completes

    api_key: Secret
    sender: Sender
    verify_addresses: bool = True
    webhook_secret: Secret | None = None
    other_webhook_secrets: tuple[Secret, ...] = ()
    webhook_store: str
    keep_days: float = 30.0
    known_days: float = 730.0


class EasyPost:
    """The account at EasyPost. A 404 or 422 is an answer, `FaultRecord`; all else that fails is a problem."""

    def __init__(self, settings: EasyPostSettings, outbound: Outbound) -> None:
        self.settings = settings
        self._backend = outbound.backend(
            NAME, settings, credentials=BasicCredentials(settings.api_key.reveal(), ""), classify=problem_of_reply
        )

    async def verified(self, address: AddressRecord) -> AddressRecord | FaultRecord:
        """The address as EasyPost found it, kept there under an id."""
        body = {"address": address, "verify_strict": True}
        return await self._post("/v2/addresses", body, AddressRecord, "verify_address", repeatable=True)

    async def create_shipment(self, new: NewShipmentRecord) -> ShipmentRecord | FaultRecord:
        """A shipment with its rates."""
        return await self._post("/v2/shipments", {"shipment": new}, ShipmentRecord, "create_shipment", repeatable=False)

    async def shipment(self, key: str) -> ShipmentRecord | FaultRecord:
        """The shipment of this id, or the newest of this reference."""
        return await self._send("GET", _path(key), None, ShipmentRecord, "get_shipment", repeatable=True)

    async def buy(self, shipment_id: str, rate_id: str) -> ShipmentRecord | FaultRecord:
        """The shipment with the label of one of its rates. Never repeated here: it costs money."""
        body = {"rate": {"id": rate_id}}
        return await self._post(f"{_path(shipment_id)}/buy", body, ShipmentRecord, "buy_label", repeatable=False)

    async def refund(self, shipment_id: str) -> ShipmentRecord | FaultRecord:
        """The shipment with its refund asked for; a second request is refused, so that a repeat is harmless."""
        path = f"{_path(shipment_id)}/refund"
        return await self._post(path, {}, ShipmentRecord, "refund_label", repeatable=True)

    async def _post(
        self, path: str, body: dict[str, Any], kind: type[_T], operation: str, *, repeatable: bool
    ) -> _T | FaultRecord:
        return await self._send("POST", path, _ENCODER.encode(body), kind, operation, repeatable=repeatable)

    async def _send(
        self, method: str, path: str, body: bytes | None, kind: type[_T], operation: str, *, repeatable: bool
    ) -> _T | FaultRecord:
        reply = await self._backend.send(
            method, path, headers=_JSON, body=body, repeatable=repeatable, operation=operation
        )
        if is_answer(reply):
            return decode_json(reply, kind, backend=NAME)
        return decode_json(reply, FaultEnvelope, backend=NAME).error


def _path(key: str) -> str:
    return f"/v2/shipments/{quote(key, safe='')}"
