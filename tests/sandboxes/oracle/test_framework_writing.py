"""POST, PATCH, PUT, DELETE, actions, batches and refusals of the ADF REST framework."""

from typing import Any

import httpx
import pytest

V = "rest-framework-version"
ACTION = {"content-type": "application/vnd.oracle.adf.action+json"}
BATCH = {"content-type": "application/vnd.oracle.adf.batch+json"}
ERROR_JSON = "application/vnd.oracle.adf.error+json"


async def test_post_makes_an_item_with_its_children(framework: httpx.AsyncClient) -> None:
    body = {"DeviceNumber": "N1", "Price": 12.50, "DeviceId": 7, "parts": [{"PartName": "p", "notes": [{"Text": "n"}]}]}
    made = await framework.post("/devices", json=body)
    assert made.status_code == 201
    assert made.headers["location"] == "http://fusion/fscmRestApi/resources/11.13.18.05/devices/N1"
    item = made.json()
    assert (item["Price"], item["Tested"], item["DeviceId"]) == (12.5, False, None)
    assert item["parts"][0]["notes"][0]["Text"] == "n"
    stored = (await framework.get(f"{made.headers['location']}?expand=parts")).json()
    assert [one["PartName"] for one in stored["parts"]] == ["p"]


async def test_a_child_is_made_below_its_parent(framework: httpx.AsyncClient) -> None:
    made = await framework.post("/devices/D001/child/parts", json={"PartName": "late"})
    assert made.status_code == 201
    assert "/devices/D001/child/parts/00020000000EACED" in made.headers["location"]


async def test_everything_wrong_with_a_body_is_said(framework: httpx.AsyncClient) -> None:
    body = {"Price": "cheap", "Nope": 1, "MadeOn": "soon", "parts": [{"Weight": 1}]}
    refused = await framework.post("/devices", json=body, headers={V: "4"})
    assert refused.status_code == 400
    assert refused.headers["content-type"] == ERROR_JSON
    document = refused.json()
    assert (document["title"], document["status"]) == ("Bad Request", "400")
    paths = [one["o:errorPath"] for one in document["o:errorDetails"]]
    assert paths == ["/Price", "/Nope", "/MadeOn", "/parts/0/PartName", "/DeviceNumber"]


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "text/plain"),
        ({V: "3"}, "text/plain"),
        ({V: "4"}, ERROR_JSON),
        ({V: "9"}, ERROR_JSON),
        ({"accept": ERROR_JSON}, ERROR_JSON),
    ],
)
async def test_refusals_are_text_before_version_4(
    framework: httpx.AsyncClient, headers: dict[str, str], kind: str
) -> None:
    refused = await framework.get("/devices/D999", headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (404, kind)
    assert refused.headers.get(V) == headers.get(V)
    if kind == "text/plain":
        assert refused.text == "The resource item was not found."


async def test_patch_changes_what_it_names(framework: httpx.AsyncClient) -> None:
    before = (await framework.get("/devices/D003")).json()
    changed = await framework.patch("/devices/D003", json={"Colour": "pink"})
    assert changed.status_code == 200
    assert {**before, "Colour": "pink", "links": None} == {**changed.json(), "links": None}


@pytest.mark.parametrize("body", [{"DeviceNumber": "other"}, {"DeviceId": 1}, {"Nope": 1}])
async def test_patch_refuses_what_cannot_change(framework: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await framework.patch("/devices/D003", json=body)).status_code == 400


async def test_method_override(framework: httpx.AsyncClient) -> None:
    headers = {"x-http-method-override": "PATCH"}
    changed = await framework.post("/devices/D003", json={"Colour": "grey"}, headers=headers)
    assert (changed.status_code, changed.json()["Colour"]) == (200, "grey")


async def test_put_empties_what_it_leaves_out(framework: httpx.AsyncClient) -> None:
    replaced = (await framework.put("/devices/D003", json={"Colour": "grey"})).json()
    assert (replaced["Colour"], replaced["Price"], replaced["DeviceNumber"]) == ("grey", None, "D003")


async def test_delete(framework: httpx.AsyncClient) -> None:
    assert (await framework.delete("/devices/D005")).status_code == 204
    assert (await framework.get("/devices/D005")).status_code == 404


async def test_upsert_makes_or_changes(framework: httpx.AsyncClient) -> None:
    headers = {"upsert-mode": "true"}
    body = {"DeviceNumber": "U1", "Colour": "red"}
    assert (await framework.post("/devices", json=body, headers=headers)).status_code == 201
    changed = await framework.post("/devices", json={**body, "Colour": "blue"}, headers=headers)
    assert (changed.status_code, changed.json()["Colour"]) == (200, "blue")
    assert (await framework.get("/devices?q=DeviceNumber=U1")).json()["count"] == 1


async def test_a_stale_if_match_is_412(framework: httpx.AsyncClient) -> None:
    tag = (await framework.get("/devices/D004")).headers["etag"]
    assert (await framework.patch("/devices/D004", json={"Colour": "x"}, headers={"if-match": tag})).status_code == 200
    stale = await framework.patch("/devices/D004", json={"Colour": "y"}, headers={"if-match": tag})
    assert stale.status_code == 412
    assert (await framework.delete("/devices/D004", headers={"if-match": tag})).status_code == 412
    assert (await framework.get("/devices/D004")).json()["Colour"] == "x"


async def test_actions(framework: httpx.AsyncClient) -> None:
    painted = await framework.post("/devices/D001/action/paint", content=b'{"colour":"gold"}', headers=ACTION)
    assert painted.json() == {"result": "painted gold"}
    assert painted.headers["content-type"] == "application/vnd.oracle.adf.actionresult+json"
    assert (await framework.get("/devices/D001")).json()["Colour"] == "gold"
    tally = await framework.post("/devices/action/tally", json={})
    assert tally.json() == {"result": {"devices": 60}}
    assert (await framework.post("/devices/D001/action/nope", json={})).status_code == 404
    assert (await framework.get("/devices/D001/action/paint")).status_code == 405


async def test_what_a_resource_does_not_do_is_405(framework: httpx.AsyncClient) -> None:
    assert (await framework.post("/labels", json={"Text": "x"})).status_code == 405
    assert (await framework.patch("/devices", json={})).status_code == 405


async def test_bodies_of_other_kinds_are_415_or_400(framework: httpx.AsyncClient) -> None:
    xml = await framework.post("/devices", content=b"<a/>", headers={"content-type": "application/xml"})
    assert xml.status_code == 415
    for content in (b"{", b"[]"):
        headers = {"content-type": "application/json"}
        assert (await framework.post("/devices", content=content, headers=headers)).status_code == 400


async def test_a_batch_is_done_part_by_part(framework: httpx.AsyncClient) -> None:
    parts: list[dict[str, Any]] = [
        {"id": "p1", "path": "/devices", "operation": "create", "payload": {"DeviceNumber": "B1"}},
        {"id": "p2", "path": "/devices/B1", "operation": "update", "payload": {"Price": 3.25}},
        {"id": "p3", "path": "/devices?q=DeviceNumber=B1&onlyData=true", "operation": "get"},
        {"id": "p4", "path": "/devices", "operation": "upsert", "payload": {"DeviceNumber": "B1", "Colour": "red"}},
        {"id": "p5", "path": "/devices/action/tally", "operation": "invoke", "payload": {}},
        {"id": "p6", "path": "/devices/D007", "operation": "delete"},
        {"id": "p7", "path": "/labels", "operation": "describe"},
    ]
    done = await framework.post("/", json={"parts": parts}, headers=BATCH)
    assert done.status_code == 200
    assert done.headers["content-type"] == "application/vnd.oracle.adf.batch+json"
    answered = {one["id"]: one for one in done.json()["parts"]}
    assert list(answered) == ["p1", "p2", "p3", "p4", "p5", "p6", "p7"]
    assert answered["p3"]["payload"]["items"][0]["Price"] == 3.25
    assert answered["p4"]["payload"]["Colour"] == "red"
    assert answered["p5"]["payload"] == {"result": {"devices": 61}}
    assert "payload" not in answered["p6"]


async def test_a_failing_part_undoes_all_and_is_the_only_one_told(framework: httpx.AsyncClient) -> None:
    parts = [
        {"id": "p1", "path": "/devices", "operation": "create", "payload": {"DeviceNumber": "B2"}},
        {"id": "p2", "path": "/devices/D001", "operation": "update", "ifMatch": "stale", "payload": {"Price": 1}},
        {"id": "p3", "path": "/devices/D002", "operation": "delete"},
    ]
    refused = await framework.post("/", json={"parts": parts}, headers={**BATCH, V: "4"})
    assert refused.status_code == 412
    assert [one["id"] for one in refused.json()["parts"]] == ["p2"]
    assert refused.json()["parts"][0]["error"]["status"] == "412"
    assert (await framework.get("/devices/B2")).status_code == 404
    assert (await framework.get("/devices/D002")).status_code == 200


async def test_a_batch_that_cannot_be_read_is_400(framework: httpx.AsyncClient) -> None:
    bodies: list[dict[str, Any]] = [{}, {"parts": []}, {"parts": [1]}, {"parts": [{"id": "x", "operation": "nope"}]}]
    for body in bodies:
        assert (await framework.post("/", json=body, headers=BATCH)).status_code == 400
