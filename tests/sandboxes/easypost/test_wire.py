"""What goes over the wire, byte by byte where it matters."""

from typing import Any

import httpx
import pytest

DAY = 86_400


async def create(client: httpx.AsyncClient, shipment: dict[str, Any]) -> dict[str, Any]:
    created = await client.post("/shipments", json={"shipment": shipment})
    assert created.status_code == 201
    assert created.headers["location"] == f"/api/v2/shipments/{created.json()['id']}"
    return created.json()


async def buy(client: httpx.AsyncClient, shipment: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(f"/shipments/{shipment['id']}/buy", json={"rate": {"id": shipment["rates"][0]["id"]}})
    assert answer.status_code == 200
    return answer.json()


async def wait(client: httpx.AsyncClient, seconds: float) -> None:
    root = str(client.base_url).removesuffix("/v2/")
    await client.post(f"{root}/__sandbox__/clock", json={"offset_seconds": seconds})


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_the_same_parcel_costs_the_same(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    prices = [[rate["rate"] for rate in (await create(client, shipment))["rates"]] for _ in range(2)]
    assert prices[0] == prices[1]
    assert len(prices[0]) == 5


async def test_heavier_and_bulkier_parcels_cost_more(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    async def cheapest(**parcel: float) -> float:
        rated = await create(
            client, shipment | {"parcel": {"weight": 16, "length": 5, "width": 5, "height": 5} | parcel}
        )
        return min(float(rate["rate"]) for rate in rated["rates"])

    assert await cheapest() < await cheapest(weight=160)
    assert await cheapest() < await cheapest(length=40, width=40)


async def test_parcels_abroad_go_by_other_carriers(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    abroad = shipment["to_address"] | {"country": "JP", "city": "大阪市", "street1": "南港北2丁目1"}
    carriers = {rate["carrier"] for rate in (await create(client, shipment | {"to_address": abroad}))["rates"]}
    assert carriers == {"UPS", "FedEx", "DHLExpress"}


async def test_a_parcel_nobody_takes_gets_a_message_instead_of_rates(
    client: httpx.AsyncClient, shipment: dict[str, Any]
) -> None:
    created = await create(client, shipment | {"parcel": {"weight": 16_000}})
    assert created["rates"] == []
    assert created["messages"][0]["type"] == "rate_error"


async def test_a_shipment_is_found_by_its_reference(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    purchase = await buy(client, await create(client, shipment))
    found = await client.get("/shipments/order-4711")
    assert (found.json()["id"], found.json()["tracking_code"]) == (purchase["id"], purchase["tracking_code"])


async def test_lists_show_bought_shipments_unless_told(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    waiting, taken = await create(client, shipment), await create(client, shipment)
    await buy(client, taken)
    listed = (await client.get("/shipments")).json()
    assert ([one["id"] for one in listed["shipments"]], listed["has_more"]) == ([taken["id"]], False)
    everything = (await client.get("/shipments", params={"purchased": "false"})).json()["shipments"]
    assert [one["id"] for one in everything] == [taken["id"], waiting["id"]]
    later = (await client.get("/shipments", params={"purchased": "false", "after_id": waiting["id"]})).json()
    assert [one["id"] for one in later["shipments"]] == [taken["id"]]


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, "pre_transit"), (5 * 3600, "in_transit"), (4 * DAY - 3600, "out_for_delivery"), (4 * DAY, "delivered")],
)
async def test_parcels_move_with_the_clock(
    client: httpx.AsyncClient, shipment: dict[str, Any], seconds: int, status: str
) -> None:
    purchase = await buy(client, await create(client, shipment))  # the first rate takes four days
    await wait(client, seconds + 1)
    current = (await client.get(f"/shipments/{purchase['id']}")).json()
    assert (current["status"], current["tracker"]["status"]) == (status, status)
    assert current["tracker"]["tracking_details"][-1]["status"] == status
    assert (current["tracker"]["signed_by"] is not None) == (status == "delivered")


async def test_postage_is_not_refunded_once_the_parcel_moves(
    client: httpx.AsyncClient, shipment: dict[str, Any]
) -> None:
    purchase = await buy(client, await create(client, shipment))
    await wait(client, DAY)
    refused = await client.post(f"/shipments/{purchase['id']}/refund")
    assert error(refused) == (422, "SHIPMENT.REFUND.UNAVAILABLE")


async def test_a_shipment_without_postage_has_nothing_to_refund(
    client: httpx.AsyncClient, shipment: dict[str, Any]
) -> None:
    created = await create(client, shipment)
    assert error(await client.post(f"/shipments/{created['id']}/refund")) == (422, "SHIPMENT.POSTAGE.REQUIRED")


async def test_rates_change_their_ids_when_asked_again(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    created = await create(client, shipment)
    rates = (await client.post(f"/shipments/{created['id']}/rerate")).json()["rates"]
    assert [rate["rate"] for rate in rates] == [rate["rate"] for rate in created["rates"]]
    stale = await client.post(f"/shipments/{created['id']}/buy", json={"rate": {"id": created["rates"][0]["id"]}})
    assert error(stale) == (404, "NOT_FOUND")


async def test_the_label_is_a_picture(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    purchase = await buy(client, await create(client, shipment))
    label = await client.get(purchase["postage_label"]["label_url"])
    assert label.content.startswith(b"\x89PNG")


async def test_the_ledger_tells_what_was_bought(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    await create(client, shipment)
    purchase = await buy(client, await create(client, shipment))
    root = str(client.base_url).removesuffix("/v2/")
    (only,) = (await client.get(f"{root}/__sandbox__/ledger")).json()["purchases"]
    assert (only["reference"], only["tracking_code"]) == ("order-4711", purchase["tracking_code"])


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/shipments", {"shipment": {}}, (422, "PARAMETER.REQUIRED")),
        ("/shipments", {"shipment": "x"}, (422, "PARAMETER.REQUIRED")),
        ("/shipments", [], (400, "BAD_REQUEST")),
        ("/parcels", {"parcel": {"length": 1}}, (422, "PARAMETER.REQUIRED")),
        ("/parcels", {"parcel": {"weight": "heavy"}}, (422, "PARAMETER.INVALID")),
        ("/parcels", {"parcel": {"weight": 0}}, (422, "PARAMETER.INVALID")),
        ("/trackers", {"tracker": {"carrier": "UPS"}}, (422, "PARAMETER.REQUIRED")),
        ("/shipments/shp_none/buy", {"rate": {"id": "rate_1"}}, (404, "NOT_FOUND")),
        ("/unheard-of", {}, (404, "NOT_FOUND")),
    ],
)
async def test_what_cannot_be_done_is_refused_in_the_vendors_words(
    client: httpx.AsyncClient, path: str, body: object, expected: tuple[int, str]
) -> None:
    refused = await client.post(path, json=body)
    assert error(refused) == expected
    assert set(refused.json()["error"]) == {"code", "message", "errors"}


async def test_a_purchase_without_a_rate_is_refused(client: httpx.AsyncClient, shipment: dict[str, Any]) -> None:
    created = await create(client, shipment)
    refused = await client.post(f"/shipments/{created['id']}/buy", json={})
    assert error(refused) == (422, "PARAMETER.REQUIRED")
    assert refused.json()["error"]["errors"] == [{"field": "rate", "message": "cannot be blank"}]


async def test_a_page_size_must_be_a_number(client: httpx.AsyncClient) -> None:
    assert error(await client.get("/shipments", params={"page_size": "many"})) == (422, "PARAMETER.INVALID")


@pytest.mark.parametrize("header", ["", "Basic !!!", "Basic eDo=", "Bearer nobody", "Digest x"])
async def test_a_request_without_the_key_is_refused(client: httpx.AsyncClient, header: str) -> None:
    async with httpx.AsyncClient(base_url=client.base_url) as stranger:
        refused = await stranger.get("/shipments", headers={"authorization": header})
    assert error(refused) == (401, "UNAUTHORIZED")


async def test_too_many_requests_are_refused_until_the_next_minute(client: httpx.AsyncClient) -> None:
    root = str(client.base_url).removesuffix("/v2/")
    await client.post(f"{root}/__sandbox__/rate-limit", json={"per_minute": 2})
    answers = [(await client.get("/shipments")).status_code for _ in range(3)]
    assert answers[0] == 200
    assert answers[2] == 429
    await wait(client, 60)
    assert (await client.get("/shipments")).status_code == 200
