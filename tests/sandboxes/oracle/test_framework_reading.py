"""Collections, items, children, queries and describe of the ADF REST framework."""

from typing import Any

import httpx
import pytest

V = "rest-framework-version"


async def items(client: httpx.AsyncClient, version: int = 1, **parameters: str) -> list[str]:
    """The numbers of the devices that a query finds."""
    found = await client.get("/devices", params={"limit": "500", **parameters}, headers={V: str(version)})
    assert found.status_code == 200, found.text
    return [one["DeviceNumber"] for one in found.json()["items"]]


async def test_a_collection_has_25_items_and_no_total_unless_asked(framework: httpx.AsyncClient) -> None:
    found = await framework.get("/devices")
    assert found.headers["content-type"] == "application/vnd.oracle.adf.resourcecollection+json"
    page = found.json()
    assert {name: page[name] for name in ("count", "hasMore", "limit", "offset")} == {
        "count": 25,
        "hasMore": True,
        "limit": 25,
        "offset": 0,
    }
    assert "totalResults" not in page
    assert page["links"] == [
        {
            "rel": "self",
            "href": "http://fusion/fscmRestApi/resources/11.13.18.05/devices",
            "name": "devices",
            "kind": "collection",
        }
    ]


async def test_total_and_last_page(framework: httpx.AsyncClient) -> None:
    page = (await framework.get("/devices?totalResults=true&limit=20&offset=50")).json()
    assert (page["count"], page["hasMore"], page["offset"], page["totalResults"]) == (10, False, 50, 60)


async def test_a_limit_is_capped_at_500(framework: httpx.AsyncClient) -> None:
    page = (await framework.get("/devices?limit=9999")).json()
    assert (page["limit"], page["count"]) == (500, 60)


async def test_an_item_has_typed_attributes_and_links(framework: httpx.AsyncClient) -> None:
    found = await framework.get("/devices/D003")
    item = found.json()
    assert (item["Price"], item["Tested"], item["MadeOn"], item["SeenAt"]) == (4.5, False, "2026-01-04", None)
    relations = {(one["rel"], one["name"], one["kind"]) for one in item["links"]}
    assert relations == {
        ("self", "devices", "item"),
        ("canonical", "devices", "item"),
        ("child", "parts", "collection"),
        ("lov", "ColourLookup", "collection"),
    }
    own = item["links"][0]
    assert own["properties"]["changeIndicator"] == found.headers["etag"].strip('"')
    again = await framework.get("/devices/D003", headers={"if-none-match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_only_data_drops_the_links(framework: httpx.AsyncClient) -> None:
    assert "links" not in (await framework.get("/devices/D003?onlyData=true")).json()


@pytest.mark.parametrize(
    ("version", "q", "expected"),
    [
        (1, "Colour=red;Price<10", ["D000", "D003", "D006"]),
        (1, "Price>=10 and <=14;Colour!=red", ["D007", "D008"]),
        (1, "DeviceNumber like 'D05%';Tested=true", ["D050", "D052", "D054", "D056", "D058"]),
        (1, "Maker is null;Price<50", ["D000", "D010", "D020", "D030"]),
        (1, "MadeOn>2026-01-27;Price<60", ["D027"]),
        (2, "Colour='red' and (Price<3 or DeviceNumber like 'D02%')", ["D000", "D021", "D024", "D027"]),
        (2, "not (Price > 3) and Maker is not null", ["D001", "D002"]),
        (2, "DeviceNumber in ('D001', \"D002\", 'nope')", ["D001", "D002"]),
        (2, "Price between 3 and 6;Colour<>'green'", ["D002", "D003"]),
        (2, "UPPER(Colour) = 'BLUE' and Price < 5", ["D002"]),
        (2, "parts.PartName = 'part 2'", ["D000"]),
        (2, "parts.notes.Text = 'note 1' and Price < 10", ["D000", "D002", "D005"]),
        (2, "DeviceNumber not like 'D0%'", []),
        (2, "Maker = 'it''s'", []),
    ],
)
async def test_q(framework: httpx.AsyncClient, version: int, q: str, expected: list[str]) -> None:
    assert await items(framework, version, q=q) == expected


@pytest.mark.parametrize(
    ("version", "q"),
    [
        (1, "Nope=1"),
        (1, "Colour='red' or (Price<3)"),
        (1, "Price=cheap"),
        (1, "Colour"),
        (2, "Colour = 'red"),
        (2, "parts.Nope = 1"),
        (2, "nope.PartName = 1"),
        (2, "(Colour = 'red'"),
        (2, "Colour ~ 'red'"),
    ],
)
async def test_a_q_that_cannot_be_read_is_refused(framework: httpx.AsyncClient, version: int, q: str) -> None:
    assert (await framework.get("/devices", params={"q": q}, headers={V: str(version)})).status_code == 400


async def test_finder(framework: httpx.AsyncClient) -> None:
    assert await items(framework, finder="ByMaker;Maker=Maker 1,Colour=red") == ["D015", "D036", "D057"]
    assert await items(framework, finder="PrimaryKey;DeviceNumber=D004") == ["D004"]
    for wrong in ("Nope;A=1", "ByMaker;Price=1"):
        assert (await framework.get("/devices", params={"finder": wrong})).status_code == 400


async def test_order_by(framework: httpx.AsyncClient) -> None:
    assert (await items(framework, orderBy="Price:desc"))[:2] == ["D059", "D058"]
    assert (await items(framework, orderBy="Colour,Price:desc"))[:2] == ["D059", "D056"]
    assert (await framework.get("/devices?orderBy=Price:down")).status_code == 400


async def test_fields_choose_attributes_of_the_item_and_of_children(framework: httpx.AsyncClient) -> None:
    parameters = {"fields": "DeviceNumber,Price;parts:PartName;parts.notes:Text", "onlyData": "true"}
    item = (await framework.get("/devices/D001", params=parameters)).json()
    parts = [{"PartName": "part 0", "notes": [{"Text": "note 0"}]}]
    assert item == {"DeviceNumber": "D001", "Price": 1.5, "parts": parts}


async def test_fields_win_over_expand(framework: httpx.AsyncClient) -> None:
    item = (await framework.get("/devices/D001?fields=Price&expand=parts&onlyData=true")).json()
    assert item == {"Price": 1.5}


@pytest.mark.parametrize("query", ["fields=Nope", "fields=nope:A", "expand=nope", "expand=parts.nope", "limit=x"])
async def test_what_is_not_there_cannot_be_asked_for(framework: httpx.AsyncClient, query: str) -> None:
    assert (await framework.get(f"/devices?{query}")).status_code == 400


async def test_children_are_arrays_before_version_3(framework: httpx.AsyncClient) -> None:
    item = (await framework.get("/devices/D000?expand=parts.notes", headers={V: "2"})).json()
    assert len(item["parts"]) == 30
    assert item["parts"][0]["notes"][0]["Text"] == "note 0"


async def test_children_are_pages_from_version_3_on(framework: httpx.AsyncClient) -> None:
    found = await framework.get("/devices/D000?expand=all", headers={V: "3"})
    assert found.headers[V] == "3"
    parts: dict[str, Any] = found.json()["parts"]
    assert (parts["count"], parts["hasMore"], parts["limit"], parts["offset"]) == (25, True, 25, 0)
    rest = (await framework.get(f"{parts['links'][0]['href']}?offset=25")).json()
    assert [one["PartName"] for one in rest["items"]] == [f"part {number}" for number in range(25, 30)]


async def test_children_have_opaque_keys_taken_from_links(framework: httpx.AsyncClient) -> None:
    part = (await framework.get("/devices/D001/child/parts")).json()["items"][0]
    links = {one["rel"]: one["href"] for one in part["links"]}
    assert links["self"].rpartition("/")[2].startswith("00020000000EACED")
    assert links["parent"].endswith("/devices/D001")
    assert (await framework.get(links["self"])).json()["PartName"] == "part 0"
    assert (await framework.get("/devices/D002/child/parts/" + links["self"].rpartition("/")[2])).status_code == 404


async def test_version_root_says_which_framework_versions_it_knows(framework: httpx.AsyncClient) -> None:
    root = (await framework.get("/")).json()
    assert root["defaultFrameworkVersion"] == "1"
    assert root["allowedFrameworkVersions"] == [str(one) for one in range(1, 10)]
    assert (await framework.get("/", headers={V: "10"})).status_code == 400


async def test_latest_is_the_version(framework: httpx.AsyncClient) -> None:
    found = await framework.get("http://fusion/fscmRestApi/resources/latest/devices/D001")
    assert found.json()["links"][0]["href"] == "http://fusion/fscmRestApi/resources/latest/devices/D001"
    assert (await framework.get("http://fusion/fscmRestApi/resources/1/devices")).status_code == 404
    assert (await framework.get("http://fusion/crmRestApi/resources/latest/devices")).status_code == 404


async def test_describe(framework: httpx.AsyncClient) -> None:
    described = (await framework.get("/devices/describe")).json()["Resources"]["devices"]
    number = described["attributes"][0]
    assert number == {
        "name": "DeviceNumber",
        "type": "string",
        "updatable": False,
        "mandatory": True,
        "queryable": True,
        "maxLength": 10,
    }
    assert [one["name"] for one in described["item"]["actions"]] == ["get", "update", "delete", "paint"]
    assert described["collection"]["finders"][0]["name"] == "PrimaryKey"
    assert "notes" in described["children"]["parts"]["children"]
    assert set((await framework.get("/describe")).json()["Resources"]) == {"devices", "labels", "rates"}


async def test_media_types(framework: httpx.AsyncClient) -> None:
    plain = await framework.get("/devices/D001", headers={"accept": "application/json"})
    assert plain.headers["content-type"] == "application/json"
    own = await framework.get("/devices/D001", headers={"accept": "application/vnd.oracle.adf.resourceitem+json"})
    assert own.headers["content-type"] == "application/vnd.oracle.adf.resourceitem+json"
    assert (await framework.get("/devices/D001", headers={"accept": "text/csv"})).status_code == 406


async def test_what_is_missing_is_404(framework: httpx.AsyncClient) -> None:
    for path in ("/nope", "/devices/D999", "/devices/D001/child/nope", "/devices/D001/nope"):
        assert (await framework.get(path)).status_code == 404
