import httpx
import pytest

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def control(client: httpx.AsyncClient, name: str) -> dict[str, list[str]]:
    return (await client.get(f"/__sandbox__/{name}")).json()


async def fault(client: httpx.AsyncClient, **wanted: object) -> None:
    assert (await client.post("/__sandbox__/faults", json=wanted)).status_code == 201


async def test_requests_are_logged_with_their_trace_and_found_by_it(client: httpx.AsyncClient) -> None:
    await client.get("/notes/a")
    await client.get("/nowhere", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})

    everything = await control(client, "requests")
    assert everything["total"] == 2
    assert everything["requests"][0]["trace_id"] is None
    traced = (await client.get("/__sandbox__/requests", params={"trace_id": TRACE})).json()["requests"]
    assert [(one["method"], one["path"], one["status"]) for one in traced] == [("GET", "/nowhere", 404)]
    assert traced[0]["duration_ms"] >= 0
    assert traced[0]["span_id"] == "b7ad6b7169203331"
    assert everything["requests"][0]["span_id"] is None


async def test_limit_keeps_the_newest_requests(client: httpx.AsyncClient) -> None:
    for text in "abc":
        await client.get(f"/notes/{text}")
    newest = (await client.get("/__sandbox__/requests", params={"limit": 2})).json()["requests"]
    assert [one["path"] for one in newest] == ["/notes/b", "/notes/c"]


async def test_a_lost_reply_does_the_work_and_closes_without_an_answer(client: httpx.AsyncClient) -> None:
    await fault(client, fault="lost-reply", method="POST", path="/notes")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/notes", json={"text": "kept"})
    assert (await control(client, "ledger"))["notes"] == ["first", "kept"]
    logged = (await control(client, "requests"))["requests"]
    assert (logged[0]["status"], logged[0]["fault"]) == (0, "lost-reply")


async def test_a_close_does_nothing_and_answers_nothing(client: httpx.AsyncClient) -> None:
    await fault(client, fault="close", path="/notes")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/notes", json={"text": "never"})
    assert (await control(client, "ledger"))["notes"] == ["first"]


async def test_a_truncated_answer_breaks_off_inside_the_body(client: httpx.AsyncClient) -> None:
    await fault(client, fault="truncate", path="/notes/*")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await client.get("/notes/a")


async def test_a_status_fault_carries_its_body_and_headers(client: httpx.AsyncClient) -> None:
    await fault(client, fault="status", status=429, body={"slow": "down"}, headers={"Retry-After": "7"})
    refused = await client.get("/notes/a")
    assert (refused.status_code, refused.json(), refused.headers["retry-after"]) == (
        429,
        {"slow": "down"},
        "7",
    )


async def test_a_status_fault_is_503_unless_told(client: httpx.AsyncClient) -> None:
    await fault(client, fault="status")
    assert (await client.get("/notes/a")).status_code == 503


async def test_nonsense_is_json_in_name_only(client: httpx.AsyncClient) -> None:
    await fault(client, fault="nonsense")
    answer = await client.get("/notes/a")
    assert answer.headers["content-type"] == "application/json"
    with pytest.raises(ValueError):  # noqa: PT011 - any decoder's refusal will do
        answer.json()


async def test_html_comes_where_data_was_asked_for(client: httpx.AsyncClient) -> None:
    await fault(client, fault="html")
    answer = await client.get("/notes/a")
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_latency_delays_the_true_answer(client: httpx.AsyncClient) -> None:
    await fault(client, fault="latency", seconds=0.05)
    answer = await client.get("/notes/a")
    assert answer.json()["text"] == "a"
    assert answer.elapsed.total_seconds() >= 0.05


async def test_a_fault_strikes_as_often_as_told_after_those_it_spares(client: httpx.AsyncClient) -> None:
    await fault(client, fault="status", method="GET", after=1, times=2)
    seen = [(await client.get("/notes/a")).status_code for _ in range(4)]
    assert seen == [200, 503, 503, 200]


async def test_a_fault_without_times_lasts_until_cleared(client: httpx.AsyncClient) -> None:
    await fault(client, fault="status", times=None)
    assert [(await client.get("/notes/a")).status_code for _ in range(3)] == [503] * 3
    assert (await client.delete("/__sandbox__/faults")).status_code == 204
    assert (await client.get("/notes/a")).status_code == 200


async def test_other_methods_and_paths_are_spared(client: httpx.AsyncClient) -> None:
    await fault(client, fault="status", method="POST", path="/notes/x*")
    assert (await client.get("/notes/xylophone")).status_code == 200


@pytest.mark.parametrize("body", [b"{", b'{"fault": "earthquake"}', b'{"fault": "close", "colour": 1}'])
async def test_an_unknown_fault_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    refused = await client.post("/__sandbox__/faults", content=body)
    assert refused.status_code == 400
    assert "faults cannot read this" in refused.json()["error"]


async def test_the_clock_moves(client: httpx.AsyncClient) -> None:
    before = (await client.get("/notes/a")).json()["now"]
    await client.post("/__sandbox__/clock", json={"offset_seconds": 366 * 86400})
    assert (await client.get("/notes/a")).json()["now"][:4] > before[:4]


async def test_a_reset_brings_back_the_seed_the_time_and_good_health(client: httpx.AsyncClient) -> None:
    await client.post("/notes", json={"text": "gone"})
    await client.post("/__sandbox__/clock", json={"offset_seconds": 1e9})
    await fault(client, fault="close", times=None)
    assert (await client.post("/__sandbox__/reset")).status_code == 204
    assert (await control(client, "ledger"))["notes"] == ["first"]
    assert (await control(client, "requests"))["requests"] == []
    assert (await client.get("/notes/a")).json()["now"] < "2050"


async def test_the_apps_own_controls_answer_and_refuse(client: httpx.AsyncClient) -> None:
    assert (await client.post("/__sandbox__/forget", json={"text": "x"})).json() == {"forgotten": "x"}
    assert (await client.post("/__sandbox__/forget")).status_code == 400
    assert (await client.post("/__sandbox__/remember")).status_code == 404
