"""The vendor's own client, unmodified, against the sandbox."""

from typing import Any

import easypost
import pytest
from easypost.errors import InvalidRequestError, NotFoundError, UnauthorizedError

from sandboxes.easypost import API_KEY


@pytest.fixture
def official(url: str) -> easypost.EasyPostClient:
    return easypost.EasyPostClient(API_KEY, api_base=f"{url}/v2")


def bought(official: easypost.EasyPostClient, shipment: dict[str, Any]) -> Any:
    created = official.shipment.create(**shipment)
    return official.shipment.buy(created.id, rate=created.lowest_rate())


def test_a_shipment_is_rated_bought_and_tracked(official: easypost.EasyPostClient, shipment: dict[str, Any]) -> None:
    created = official.shipment.create(**shipment)
    assert {rate.carrier for rate in created.rates} == {"USPS", "UPS", "FedEx"}
    cheapest = created.lowest_rate()
    purchase = official.shipment.buy(created.id, rate=cheapest)
    assert purchase.selected_rate.id == cheapest.id
    assert purchase.postage_label.label_url.endswith(".png")
    assert purchase.tracker.tracking_code == purchase.tracking_code
    assert official.tracker.retrieve(purchase.tracker.id).status == "pre_transit"


def test_a_second_purchase_is_refused(official: easypost.EasyPostClient, shipment: dict[str, Any]) -> None:
    purchase = bought(official, shipment)
    with pytest.raises(InvalidRequestError) as refused:
        official.shipment.buy(purchase.id, rate=purchase.selected_rate)
    assert (refused.value.http_status, refused.value.code) == (422, "SHIPMENT.POSTAGE.EXISTS")


def test_pages_go_backwards_in_time(official: easypost.EasyPostClient, shipment: dict[str, Any]) -> None:
    ids = [bought(official, shipment | {"reference": str(number)}).id for number in range(3)]
    first = official.shipment.all(page_size=2)
    assert [one.id for one in first["shipments"]] == ids[:0:-1]
    second = official.shipment.get_next_page(first, page_size=2)
    assert [one.id for one in second["shipments"]] == ids[:1]
    assert second["has_more"] is False


def test_a_refund_is_submitted_once(official: easypost.EasyPostClient, shipment: dict[str, Any]) -> None:
    purchase = bought(official, shipment)
    assert official.shipment.refund(purchase.id).refund_status == "submitted"
    with pytest.raises(InvalidRequestError, match="already been requested"):
        official.shipment.refund(purchase.id)


def test_addresses_and_parcels_are_kept_and_used_again(
    official: easypost.EasyPostClient, shipment: dict[str, Any]
) -> None:
    address = official.address.create(**shipment["to_address"])
    parcel = official.parcel.create(**shipment["parcel"])
    assert official.address.retrieve(address.id).city == "Austin"
    created = official.shipment.create(**shipment | {"to_address": address, "parcel": parcel})
    assert (created.to_address.id, created.parcel.id) == (address.id, parcel.id)
    assert created.rates


def test_an_address_is_verified_into_a_copy(official: easypost.EasyPostClient, shipment: dict[str, Any]) -> None:
    address = official.address.create(**shipment["to_address"])
    verified = official.address.verify(address.id)
    assert verified.id != address.id
    assert verified.city == "AUSTIN"
    assert verified.verifications.delivery.success is True


def test_an_address_that_mail_cannot_find_is_refused_when_strict(official: easypost.EasyPostClient) -> None:
    assert official.address.create(street1="nowhere", verify=True).verifications.delivery.success is False
    with pytest.raises(InvalidRequestError) as refused:
        official.address.create_and_verify(street1="nowhere")
    assert refused.value.code == "ADDRESS.VERIFY.FAILURE"
    assert [one["field"] for one in refused.value.errors] == ["address", "street1"]  # type: ignore[union-attr]


def test_trackers_are_made_once_for_a_code_and_listed(official: easypost.EasyPostClient) -> None:
    tracker = official.tracker.create(tracking_code="EZ4000000004", carrier="UPS")
    assert tracker.status == "delivered"
    assert official.tracker.create(tracking_code="EZ4000000004", carrier="UPS").id == tracker.id
    listed = official.tracker.all(tracking_code="EZ4000000004")["trackers"]
    assert [one.id for one in listed] == [tracker.id]


def test_a_wrong_key_and_a_wrong_id_are_told_apart(official: easypost.EasyPostClient, url: str) -> None:
    with pytest.raises(NotFoundError):
        official.shipment.retrieve("shp_none")
    with pytest.raises(UnauthorizedError):
        easypost.EasyPostClient("EZTK-other", api_base=f"{url}/v2").shipment.all()
