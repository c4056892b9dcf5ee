"""What EasyPostLogistics does against the EasyPost sandbox."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from shared.binding.problems import BackendFault, QuotaExceeded
from shared.contracts.canonical.shipment import LabelPurchase, RateRequest, Rates
from shared.contracts.canonical.values import Address
from shared.contracts.system.logistics import AddressRefused, LabelNotRefundable, RateGone, ShipmentNotFound
from system_apis.easypost import EasyPostLogistics

Purchases = Callable[[], Awaitable[list[dict[str, Any]]]]
Requests = Callable[[], Awaitable[list[str]]]


def take(rates: Rates, number: int = 0) -> LabelPurchase:
    return LabelPurchase(rates.shipment_id, rates.rates[number].rate_id, "q-1")


async def test_rates_are_cheapest_first_in_the_rates_currency(
    logistics: EasyPostLogistics, request_: RateRequest, requests: Requests
) -> None:
    found = await logistics.get_rates(request_)
    prices = [rate.price.amount for rate in found.rates]
    assert prices == sorted(prices)
    assert {rate.price.currency for rate in found.rates} == {"USD"}
    assert {rate.carrier for rate in found.rates} == {"USPS", "UPS", "FedEx"}
    assert all(rate.days for rate in found.rates)
    assert await requests() == ["POST /v2/addresses", "POST /v2/shipments"]


async def test_the_shipment_knows_our_reference(logistics: EasyPostLogistics, request_: RateRequest) -> None:
    found = await logistics.get_rates(request_)
    shipment = await logistics.get_shipment(found.shipment_id)
    assert (shipment.reference, shipment.state, shipment.tracking_code) == ("q-1", "quoted", "")
    assert shipment.price is None


async def test_grams_reach_easypost_as_ounces(
    logistics: EasyPostLogistics, request_: RateRequest, sandbox: str
) -> None:
    found = await logistics.get_rates(request_)
    async with httpx.AsyncClient(auth=("EZTK-tarn-gauge", "")) as client:
        sent = (await client.get(f"{sandbox}/v2/shipments/{found.shipment_id}")).json()
    assert sent["parcel"]["weight"] == 42.4
    assert sent["to_address"]["street1"] == "12 OAK AVE"
    assert sent["from_address"]["company"] == "Tarn Gauge"


async def test_a_shipment_no_carrier_takes_has_no_offers(logistics: EasyPostLogistics, request_: RateRequest) -> None:
    heavy = msgspec.structs.replace(request_.parcel, weight_grams=900_000)
    assert (await logistics.get_rates(msgspec.structs.replace(request_, parcel=heavy))).rates == []


async def test_an_address_nobody_finds_is_refused_by_field(
    logistics: EasyPostLogistics, request_: RateRequest, requests: Requests
) -> None:
    nowhere = msgspec.structs.replace(request_, ship_to=Address("Oak Ave", "", "Austin", "TX", "78701", "US"))
    with pytest.raises(AddressRefused) as caught:
        await logistics.get_rates(nowhere)
    assert [error.pointer for error in caught.value.errors] == ["/shipTo/street"]
    assert await requests() == ["POST /v2/addresses"]


async def test_addresses_are_taken_as_written_where_verification_is_off(
    opened: Callable[..., EasyPostLogistics], request_: RateRequest, requests: Requests
) -> None:
    logistics = opened(verify_addresses=False)
    nowhere = msgspec.structs.replace(request_, ship_to=Address("Oak Ave", "", "Austin", "TX", "78701", "US"))
    assert (await logistics.get_rates(nowhere)).rates
    assert await requests() == ["POST /v2/shipments"]


async def test_an_address_without_a_country_is_refused_before_anything_is_sent(
    logistics: EasyPostLogistics, request_: RateRequest, requests: Requests
) -> None:
    with pytest.raises(AddressRefused):
        await logistics.get_rates(msgspec.structs.replace(request_, ship_to=Address("Oak Ave", "12", "Austin")))
    assert await requests() == []


async def test_buying_books_the_offer(
    logistics: EasyPostLogistics, request_: RateRequest, purchases: Purchases
) -> None:
    rates = await logistics.get_rates(request_)
    shipment = await logistics.purchase_label(take(rates, 1))
    chosen = rates.rates[1]
    assert (shipment.carrier, shipment.service, shipment.price) == (chosen.carrier, chosen.service, chosen.price)
    assert shipment.state == "pre-transit"
    assert shipment.tracking_code
    assert shipment.label_url.endswith(".png")
    assert shipment.delivery is not None
    assert [one.state for one in shipment.events] == ["pre-transit"]
    assert [one["tracking_code"] for one in await purchases()] == [shipment.tracking_code]


async def test_buying_again_answers_with_the_first_label(
    logistics: EasyPostLogistics, request_: RateRequest, purchases: Purchases
) -> None:
    rates = await logistics.get_rates(request_)
    first = await logistics.purchase_label(take(rates))
    assert await logistics.purchase_label(take(rates)) == first
    assert await logistics.purchase_label(take(rates, 2)) == first
    assert len(await purchases()) == 1


async def test_an_offer_that_is_not_of_this_shipment_is_gone(
    logistics: EasyPostLogistics, request_: RateRequest, purchases: Purchases
) -> None:
    rates, others = await logistics.get_rates(request_), await logistics.get_rates(request_)
    with pytest.raises(RateGone, match="ask for rates again"):
        await logistics.purchase_label(LabelPurchase(rates.shipment_id, others.rates[0].rate_id, "q-1"))
    assert await purchases() == []


async def test_a_shipment_that_is_not_there_is_not_found(logistics: EasyPostLogistics) -> None:
    with pytest.raises(ShipmentNotFound, match="shp_0"):
        await logistics.get_shipment("shp_0")
    with pytest.raises(ShipmentNotFound, match="shp_0"):
        await logistics.refund_label("shp_0")
    with pytest.raises(ShipmentNotFound, match="shp_0"):
        await logistics.purchase_label(LabelPurchase("shp_0", "rate_0", "q-1"))


async def test_tracking_follows_the_parcel_to_the_door(
    logistics: EasyPostLogistics, request_: RateRequest, control: httpx.AsyncClient
) -> None:
    bought = await logistics.purchase_label(take(await logistics.get_rates(request_)))
    states: list[str] = []
    for hours in (5, 24 * 30):
        await control.post("/clock", json={"offset_seconds": hours * 3600})
        shipment = await logistics.get_shipment(bought.shipment_id)
        states.append(shipment.state)
    assert states == ["in-transit", "delivered"]
    assert [one.state for one in shipment.events] == ["pre-transit", "in-transit", "out-for-delivery", "delivered"]


async def test_an_unused_label_is_given_back_once(
    logistics: EasyPostLogistics, request_: RateRequest, purchases: Purchases
) -> None:
    bought = await logistics.purchase_label(take(await logistics.get_rates(request_)))
    refunded = await logistics.refund_label(bought.shipment_id)
    assert refunded.state == "refunded"
    assert await logistics.refund_label(bought.shipment_id) == refunded
    assert [one["refund_status"] for one in await purchases()] == ["submitted"]


async def test_a_parcel_on_its_way_cannot_be_given_back(
    logistics: EasyPostLogistics, request_: RateRequest, control: httpx.AsyncClient
) -> None:
    bought = await logistics.purchase_label(take(await logistics.get_rates(request_)))
    await control.post("/clock", json={"offset_seconds": 5 * 3600})
    with pytest.raises(LabelNotRefundable, match="no longer"):
        await logistics.refund_label(bought.shipment_id)


async def test_where_nothing_was_bought_nothing_is_given_back(
    logistics: EasyPostLogistics, request_: RateRequest
) -> None:
    rates = await logistics.get_rates(request_)
    with pytest.raises(LabelNotRefundable, match="nothing to give back"):
        await logistics.refund_label(rates.shipment_id)


async def test_a_key_that_is_refused_is_our_fault_and_stays_secret(
    opened: Callable[..., EasyPostLogistics], request_: RateRequest
) -> None:
    logistics = opened(key="EZTK-old-key")
    with pytest.raises(BackendFault, match="credentials") as caught:
        await logistics.get_rates(request_)
    assert "EZTK" not in str(caught.value.details())
    assert "EZTK" not in repr(logistics._easypost.settings)


async def test_a_used_up_allowance_says_when_to_come_back(
    opened: Callable[..., EasyPostLogistics], control: httpx.AsyncClient
) -> None:
    await control.post("/rate-limit", json={"per_minute": 0})
    with pytest.raises(QuotaExceeded) as caught:
        await opened(retry_delays=()).get_shipment("shp_0")
    assert caught.value.retry_after == 1


async def test_a_return_travels_from_the_customer_to_us(
    logistics: EasyPostLogistics, request_: RateRequest, sandbox: str, purchases: Purchases
) -> None:
    found = await logistics.get_rates(msgspec.structs.replace(request_, is_return=True))
    async with httpx.AsyncClient(auth=("EZTK-tarn-gauge", "")) as client:
        sent = (await client.get(f"{sandbox}/v2/shipments/{found.shipment_id}")).json()
    assert sent["is_return"] is True
    assert (sent["from_address"]["street1"], sent["to_address"]["company"]) == ("12 OAK AVE", "Tarn Gauge")
    bought = await logistics.purchase_label(take(found))
    assert bought.label_url
    assert [(one["is_return"], one["refund_status"]) for one in await purchases()] == [(True, None)]


async def test_a_return_whose_reply_was_lost_is_found_and_not_mistaken_for_the_outward_parcel(
    logistics: EasyPostLogistics,
    request_: RateRequest,
    fail: Callable[..., Awaitable[None]],
    requests: Requests,
) -> None:
    outward = await logistics.get_rates(request_)
    await fail("POST", "/v2/shipments", "lost-reply", times=1)
    back = await logistics.get_rates(msgspec.structs.replace(request_, is_return=True))
    assert back.shipment_id != outward.shipment_id
    assert (await requests()).count("POST /v2/shipments") == 2
