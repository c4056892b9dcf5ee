"""Records with dates: what `Effective-Of` does to their rows, and from which day `effectiveDate` looks."""

from typing import Any

import httpx
import pytest

ALWAYS = "4712-12-31"


async def rows(framework: httpx.AsyncClient) -> list[tuple[str, str, int]]:
    """The rows of the record, found by looking from day to day."""
    found: list[tuple[str, str, int]] = []
    for day in ("2025-06-01", "2026-06-01", "2027-06-01", "2028-06-01", "2029-06-01"):
        answer = await framework.get("/rates/VAT", params={"effectiveDate": day})
        if answer.status_code == 200:
            one = answer.json()
            row = (one["EffectiveStartDate"], one["EffectiveEndDate"], one["Percent"])
            found += [row] if row not in found else []
    return found


async def patch(framework: httpx.AsyncClient, percent: int, effective: str) -> httpx.Response:
    return await framework.patch("/rates/VAT", json={"Percent": percent}, headers={"effective-of": effective})


@pytest.fixture
async def rates(framework: httpx.AsyncClient) -> httpx.AsyncClient:
    """A rate of 16 since 2026, and of 19 since 2028."""
    made = await framework.post(
        "/rates", json={"RateCode": "VAT", "Percent": 16}, headers={"effective-of": "RangeStartDate=2026-01-01"}
    )
    assert made.status_code == 201
    changed = await patch(framework, 19, "RangeMode=UPDATE;RangeStartDate=2028-01-01")
    assert changed.status_code == 200
    assert await rows(framework) == [("2026-01-01", "2027-12-31", 16), ("2028-01-01", ALWAYS, 19)]
    return framework


@pytest.mark.parametrize(
    ("effective", "after"),
    [
        ("RangeMode=UPDATE;RangeStartDate=2027-01-01",
         [("2026-01-01", "2026-12-31", 16), ("2027-01-01", "2027-12-31", 7), ("2028-01-01", ALWAYS, 19)]),
        ("RangeMode=UPDATE;RangeStartDate=2027-01-01;RangeSpan=LOGICAL_ROW_END_DATE",
         [("2026-01-01", "2026-12-31", 16), ("2027-01-01", ALWAYS, 7)]),
        ("RangeMode=UPDATE;RangeStartDate=2026-01-01;RangeEndDate=2026-12-31",
         [("2026-01-01", "2026-12-31", 7), ("2027-01-01", "2027-12-31", 16), ("2028-01-01", ALWAYS, 19)]),
        ("RangeMode=CORRECTION;RangeStartDate=2028-03-01",
         [("2026-01-01", "2027-12-31", 16), ("2028-01-01", ALWAYS, 7)]),
        ("RangeMode=CORRECTION;RangeStartDate=2026-01-01;RangeSpan=LOGICAL_ROW_END_DATE",
         [("2026-01-01", "2027-12-31", 7), ("2028-01-01", ALWAYS, 7)]),
        ("RangeMode=DELETE_CHANGES;RangeStartDate=2028-01-01", [("2026-01-01", ALWAYS, 16)]),
        ("RangeMode=END_DATE;RangeStartDate=2026-01-01;RangeEndDate=2026-12-31", [("2026-01-01", "2026-12-31", 16)]),
    ],
)  # fmt: skip
async def test_each_mode_leaves_the_rows_it_promises(
    rates: httpx.AsyncClient, effective: str, after: list[tuple[str, str, int]]
) -> None:
    assert (await patch(rates, 7, effective)).status_code == 200
    assert await rows(rates) == after


async def test_a_record_is_deleted_as_a_whole_by_zap(rates: httpx.AsyncClient) -> None:
    gone = await rates.delete("/rates/VAT", headers={"effective-of": "RangeMode=ZAP;RangeStartDate=2028-01-01"})
    assert gone.status_code == 204
    assert await rows(rates) == []


async def test_a_read_looks_from_today_or_the_day_asked(rates: httpx.AsyncClient) -> None:
    shown = [
        (await rates.get("/rates", params={"effectiveDate": day})).json()["items"]
        for day in ("2028-05-05", "2020-01-01")
    ]
    assert [[one["Percent"] for one in items] for items in shown] == [[19], []]
    assert (await rates.get("/rates", params={"effectiveDate": "someday"})).status_code == 400


@pytest.mark.parametrize(
    "effective",
    ["", "RangeMode=SOMETHING", "RangeMode=UPDATE;RangeStartDate=then", "RangeMode=UPDATE;Range=1",
     "RangeMode=UPDATE;RangeStartDate=2027-02-01;RangeEndDate=2027-01-01", "RangeMode=UPDATE;RangeSpan=EVER"],
)  # fmt: skip
async def test_a_change_without_a_range_that_can_be_read_is_refused(rates: httpx.AsyncClient, effective: str) -> None:
    before = await rows(rates)
    assert (await patch(rates, 7, effective)).status_code == 400
    assert await rows(rates) == before


async def test_a_record_is_made_once_and_never_by_upsert(rates: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"RateCode": "VAT", "Percent": 5}
    assert (await rates.post("/rates", json=body)).status_code == 400
    assert (await rates.post("/rates", json=body, headers={"upsert-mode": "true"})).status_code == 400


async def test_a_list_of_values_is_linked_and_can_only_be_read(framework: httpx.AsyncClient) -> None:
    device = (await framework.get("/devices/D001")).json()
    (link,) = [one for one in device["links"] if one["rel"] == "lov"]
    assert link["name"] == "ColourLookup"
    assert [one["Text"] for one in (await framework.get(link["href"])).json()["items"]] == ["fixed"]
    assert (await framework.get(f"{link['href']}?q=Text=other")).json()["items"] == []
    assert (await framework.post(link["href"], json={"Text": "x"})).status_code == 405
    assert (await framework.get("/devices/D001/lov/Nothing")).status_code == 404


async def test_dependencies_are_shown_and_not_kept(framework: httpx.AsyncClient) -> None:
    shown = await framework.get("/devices/D001?dependency=Colour=gold,Price=7")
    assert (shown.json()["Colour"], shown.json()["Price"]) == ("gold", 7)
    assert (await framework.get("/devices/D001")).json()["Colour"] == "green"
    for wrong in ("Nothing=1", "Price=cheap"):
        assert (await framework.get(f"/devices/D001?dependency={wrong}")).status_code == 400
