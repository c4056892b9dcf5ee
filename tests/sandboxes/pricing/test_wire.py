"""The pricing service's wire: key, refusals, validators."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandboxes.company import company
from sandboxes.kit import serve_sandbox
from sandboxes.pricing import API_KEY

CUSTOMER = company().customers[0].sap_customer
SKU = next(one.sku for one in company().products if one.active)
QUERY = {"customer": CUSTOMER, "currency": "EUR", "date": "2026-01-15", "sku": SKU, "quantity": "1"}


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    async with serve_sandbox("pricing") as base_url:
        yield base_url


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": API_KEY}) as session:
        await session.post("/__sandbox__/reset")
        yield session


async def test_no_key_or_another_opens_nothing(client: httpx.AsyncClient) -> None:
    for key in ("", "pk-other"):
        answer = await client.get("/v1/prices", params=QUERY, headers={"x-api-key": key})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": "0"}, {"quantity": "-1"}, {"quantity": "NaN"}, {"quantity": "many"}, {"date": "soon"},
        {"sku": [SKU, SKU]}, {"customer": [CUSTOMER, CUSTOMER]}, {"sku": [SKU] * 51, "quantity": ["1"] * 51},
    ],
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, wrong: dict[str, str | list[str]]
) -> None:
    answer = await client.get("/v1/prices", params={**QUERY, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


async def test_who_has_the_answer_already_is_told_so_until_the_price_changes(client: httpx.AsyncClient) -> None:
    first = await client.get("/v1/prices", params=QUERY)
    assert first.headers["cache-control"] == "private, max-age=60"
    known = {"if-none-match": first.headers["etag"]}
    again = await client.get("/v1/prices", params=QUERY, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    agreed = {"id": "AG-X", "customer": CUSTOMER, "sku": SKU, "currency": "EUR", "net_price": "1.00",
              "valid_from": "2026-01-01", "valid_until": "2026-12-31"}  # fmt: skip
    assert (await client.post("/__sandbox__/agreement", json=agreed)).is_success
    changed = await client.get("/v1/prices", params=QUERY, headers=known)
    assert changed.json()["lines"][0]["net_price"] == "1.00"


async def test_an_answer_about_today_is_not_to_be_kept_into_tomorrow(client: httpx.AsyncClient) -> None:
    today = {name: value for name, value in QUERY.items() if name != "date"}
    await client.post("/__sandbox__/max-age", json={"seconds": 1_000_000})
    answer = await client.get("/v1/prices", params=today)
    assert 0 <= int(answer.headers["cache-control"].rpartition("=")[2] or 0) <= 86_400


async def test_what_is_not_there_is_404_and_another_method_405(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/nothing")).status_code == 404
    assert (await client.post("/v1/prices")).status_code == 405
