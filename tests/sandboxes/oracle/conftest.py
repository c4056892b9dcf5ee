"""A served Fusion stand-in, and a framework with resources of the tests' own."""

from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal

import httpx
import pytest

from sandboxes.kit import Clock, serve_sandbox
from sandboxes.oracle.app import app_of
from sandboxes.oracle.area import Area
from sandboxes.oracle.framework.behaviours import KEPT
from sandboxes.oracle.framework.declare import Behaviour, Field, Resource, Row, Work, fields

AUTH = ("TRIPTYCH", "sandbox-only")
FSCM = "/fscmRestApi/resources/11.13.18.05"

PARTS = Resource(
    "parts",
    "test_part",
    (Field("PartName", required=True), Field("Weight", "number"), *fields("PartId", "integer")),
    children=(Resource("notes", "test_note", fields("Text"), behaviour=KEPT),),
    behaviour=KEPT,
)


def _paint(work: Work, row: Row | None, sent: Mapping[str, object]) -> object:
    work.records.change(DEVICES, row or {}, {"Colour": str(sent["colour"])})
    return f"painted {sent['colour']}"


def _tally(work: Work, _: Row | None, __: Mapping[str, object]) -> object:
    return {"devices": work.records.count(DEVICES, "1", ())}


DEVICES = Resource(
    "devices",
    "test_device",
    (
        Field("DeviceNumber", required=True, updatable=False, longest=10),
        *fields("Colour Maker"),
        Field("Price", "number"),
        Field("Tested", "boolean", default=False),
        Field("MadeOn", "date"),
        Field("SeenAt", "datetime"),
        Field("DeviceId", "integer", writable=False),
    ),
    key="DeviceNumber",
    alternate=("DeviceNumber",),
    finders={"ByMaker": ("Maker", "Colour")},
    children=(PARTS,),
    behaviour=Behaviour(
        create=KEPT.create,
        update=KEPT.update,
        delete=KEPT.delete,
        actions={"paint": _paint},
        collection_actions={"tally": _tally},
    ),
    lists={"ColourLookup": "labels"},
)
LABELS = Resource("labels", "test_label", fields("Text"))
RATES = Resource(
    "rates",
    "test_rate",
    (
        Field("RateCode", required=True, updatable=False),
        *fields("Percent", "integer"),
        *fields("EffectiveStartDate EffectiveEndDate", "date", writable=False),
    ),
    key="RateCode",
    alternate=("RateCode",),
    behaviour=KEPT,
    effective="RateCode",
)


def _seed(work: Work) -> None:
    for place in range(60):
        values: Row = {
            "DeviceNumber": f"D{place:03}",
            "Colour": ("red", "green", "blue")[place % 3],
            "Maker": f"Maker {place % 7}" if place % 10 else None,
            "Price": Decimal(place) * Decimal("1.5"),
            "Tested": place % 2 == 0,
            "MadeOn": f"2026-01-{1 + place % 28:02}",
            "DeviceId": 9000 + place,
        }
        row = work.records.add(DEVICES, values)
        for number in range(30 if place == 0 else place % 3):
            part: Row = {"PartName": f"part {number}", "Weight": Decimal(number), "PartId": place * 100 + number}
            below = work.records.add(PARTS, part, row["@id"])
            work.records.add(PARTS.children[0], {"Text": f"note {number}"}, below["@id"])
    work.records.add(LABELS, {"Text": "fixed"})


TESTED = Area("tested", {"fscmRestApi": (DEVICES, LABELS, RATES)}, seed=_seed)


@pytest.fixture
async def framework() -> AsyncIterator[httpx.AsyncClient]:
    """Logged on, at the version root of a system of devices."""
    app = app_of((TESTED,), None, Clock())
    transport = httpx.ASGITransport(app=app)  # pyright: ignore[reportArgumentType] - ASGI 3, typed more narrowly
    async with httpx.AsyncClient(transport=transport, base_url=f"http://fusion{FSCM}", auth=AUTH) as client:
        yield client
    app.close()


@pytest.fixture(scope="session")
async def base_url() -> AsyncIterator[str]:
    async with serve_sandbox("oracle") as url:
        yield url


@pytest.fixture
def fresh(base_url: str) -> Iterator[str]:
    """The stand-in for a test that writes; afterwards it is back to its seed."""
    yield base_url
    httpx.post(f"{base_url}/__sandbox__/reset").raise_for_status()


@pytest.fixture
async def fusion(fresh: str) -> AsyncIterator[httpx.AsyncClient]:
    """Logged on to the stand-in, with framework version 4, at its version root."""
    headers = {"rest-framework-version": "4"}
    async with httpx.AsyncClient(base_url=f"{fresh}{FSCM}", auth=AUTH, headers=headers) as client:
        yield client
