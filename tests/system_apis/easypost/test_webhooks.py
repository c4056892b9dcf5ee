"""Trackers that tell by themselves: EasyPost's Events at the API's own door, each once, told on as `ParcelMoved`."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from eventually import eventually
from served_api import served_api

from sandboxes.easypost import API_KEY
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.event_feed import MessageUnreadable
from shared.contracts.canonical.shipment import LabelPurchase, RateRequest
from shared.contracts.system.logistics import Logistics
from shared.security.secrets import Secret
from shared.security.signature import signed_headers
from shared.security.signature_schemes import EASYPOST
from system_apis.easypost import EasyPostLogistics

SECRET = "gehеim-ﬁ"  # noqa: RUF001 - letters that NFKD changes


def event(number: int = 1, *, description: str = "tracker.updated", **tracker: object) -> bytes:
    result = {"id": "trk_1", "status": "in_transit", "tracking_code": "EZ1", "shipment_id": "shp_1", **tracker}
    return msgspec.json.encode({"id": f"evt_{number}", "description": description, "result": result})


@pytest.fixture
def signing(opened, tmp_path: Path) -> EasyPostLogistics:
    """A service whose account signs its webhooks."""
    (tmp_path / "webhook_secret").write_text(SECRET)
    return opened(webhook_secret=Secret(f"file:{tmp_path / 'webhook_secret'}"))


@pytest.fixture
async def door(signing: EasyPostLogistics, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of the served API's webhook."""
    async with served_api(Logistics, signing, tmp_path) as url:
        yield f"{url}/webhooks"


async def test_an_event_is_kept_once_by_its_id_though_every_attempt_has_another_body(logistics) -> None:
    first, second = event(), event().replace(b"in_transit", b"delivered")
    taken = [await logistics.receive_webhook(SignedMessage("digest", "", body)) for body in (first, second)]
    assert [one.outcome for one in taken] == ["kept", "repeated"]
    (told,) = (await logistics.list_events("parcel-moved")).items
    assert (told.event_id, told.type, told.producer) == ("evt_1", "parcel-moved", "easypost")
    assert json.loads(told.payload) == {"shipmentId": "shp_1", "trackingCode": "EZ1", "state": "in-transit"}


@pytest.mark.parametrize("other", [event(description="batch.updated"), event(shipment_id=None)])
async def test_what_tells_of_no_shipment_of_ours_is_passed_over(logistics, other: bytes) -> None:
    assert (await logistics.receive_webhook(SignedMessage("1", "", other))).outcome == "passed-over"
    assert (await logistics.list_events()).items == []


@pytest.mark.parametrize(
    "unreadable", [b"", b"{", b"[]", b"{}", b'"\xff"', event(status=1), event().replace(b"evt_1", b"evt 1")]
)
async def test_what_is_no_event_is_refused_and_not_kept(logistics, unreadable: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        await logistics.receive_webhook(SignedMessage("1", "", unreadable))
    assert (await logistics.list_events()).items == []


async def test_without_a_secret_nobody_opens_the_door(logistics, tmp_path: Path) -> None:
    async with served_api(Logistics, logistics, tmp_path) as url, httpx.AsyncClient() as http:
        answer = await http.post(f"{url}/webhooks", content=event(), headers=signed_headers(EASYPOST, "", event()))
    assert answer.status_code == 401


async def test_a_parcel_is_told_of_as_it_moves(
    signing: EasyPostLogistics, sandbox: str, control: httpx.AsyncClient, door: str, request_: RateRequest
) -> None:
    await control.post("/webhooks", json={"retry_seconds": 0})
    async with httpx.AsyncClient(base_url=f"{sandbox}/v2", auth=(API_KEY, "")) as account:
        wanted = {"webhook": {"url": door, "webhook_secret": SECRET}}
        assert "secret" not in (await account.post("/webhooks", json=wanted)).text
        rates = await signing.get_rates(request_)
        parcel = await signing.purchase_label(LabelPurchase(rates.shipment_id, rates.rates[0].rate_id, "q-1"))

        async def states() -> list[str]:
            items = (await signing.list_events()).items
            assert {json.loads(one.payload)["shipmentId"] for one in items} <= {parcel.shipment_id}
            return [json.loads(one.payload)["state"] for one in items]

        await eventually(lambda: _are(states, ["pre-transit"]))
        await control.post("/clock", json={"offset_seconds": 5 * 3600})
        await eventually(lambda: _are(states, ["pre-transit", "in-transit"]))
        for hook in (await account.get("/webhooks")).json()["webhooks"]:
            assert (await account.delete(f"/webhooks/{hook['id']}")).status_code == 200
    assert (await signing.get_shipment(parcel.shipment_id)).state == "in-transit"
    await control.post("/clock", json={"offset_seconds": 0})


async def _are(states, wanted: list[str]) -> bool:
    return await states() == wanted
