"""What happens is told: over HTTP with a cursor and a long poll, and on the command line."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from sandboxes.company import Quote, company

QUOTE = company().quotes_for("plain")[26]


def reader(suite: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{suite.edge}/process/flow-operations/v1",
        headers={"authorization": f"Bearer {suite.token('flow_operations')}"},
        timeout=30.0,
    )


async def order(suite: Any, quote: Quote) -> str:
    async with suite.phone() as phone:
        answer = await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=20"})
    assert answer.status_code == 201, answer.text
    return answer.json()["orderId"]


async def triptych(suite: Any, *arguments: str) -> tuple[int, str]:
    state = {"TRIPTYCH_STATE": str(Path(suite.runtime.state)), "COLUMNS": "200", "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", *arguments, env=os.environ | state,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode() + err.decode()


async def test_a_placed_order_is_told_once_and_a_reader_goes_on_after_its_cursor(calm_suite: Any) -> None:
    async with reader(calm_suite) as http:
        now = (await http.get("/events", params={"begin": "latest"})).json()
        assert now["items"] == []
        waiting = asyncio.create_task(
            http.get("/events", params={"after": now["cursor"]}, headers={"prefer": "wait=20"})
        )
        await asyncio.sleep(0.2)
        order_id = await order(calm_suite, QUOTE)
        (told,) = (await waiting).json()["items"]
        assert (told["type"], told["version"], told["producer"]) == ("order-placed", 1, "order-quote@2")
        assert json.loads(told["payload"])["orderId"] == order_id
        again = (await http.get("/events", params={"after": now["cursor"]})).json()
        assert [event["eventId"] for event in again["items"]] == [told["eventId"]]
        rest = (await http.get("/events", params={"after": again["cursor"]})).json()
        assert rest == {"items": [], "cursor": again["cursor"]}


async def test_only_events_of_the_wanted_types_are_sent_and_the_cursor_passes_the_others(calm_suite: Any) -> None:
    order_id = await order(calm_suite, QUOTE)
    async with reader(calm_suite) as http:
        both = {"types": ["order-cancelled", "nothing-ever"]}
        others = (await http.get("/events", params=both)).json()
        assert all(event["type"] == "order-cancelled" for event in others["items"])
        mine = (await http.get("/events", params={"types": "order-placed", "limit": 200})).json()
        assert order_id in {json.loads(event["payload"])["orderId"] for event in mine["items"]}
        assert (await http.get("/events", params={"after": others["cursor"], **both})).json()["items"] == []


async def test_a_cursor_that_was_never_given_or_has_expired_is_refused(calm_suite: Any) -> None:
    async with reader(calm_suite) as http:
        answer = await http.get("/events", params={"after": "qDk5OTk5OTk5"})  # position 99999999
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/cursor-expired"), answer.text
        answer = await http.get("/events", params={"after": "nonsense"})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid")
        assert answer.json()["errors"][0]["parameter"] == "after"


async def test_a_consumer_is_shown_with_its_lag(calm_suite: Any) -> None:
    await order(calm_suite, QUOTE)
    async with reader(calm_suite) as http:
        for _ in range(100):
            (consumer,) = (await http.get("/consumers")).json()
            if consumer["behind"] == 0:
                break
            await asyncio.sleep(0.1)
        assert (consumer["consumer"], consumer["source"], consumer["lagSeconds"]) == ("order-fulfilment", "outbox", 0)
    status, out = await triptych(calm_suite, "events", "--consumers")
    assert (status, "order-fulfilment" in out) == (0, True), out


async def test_a_consumer_that_is_none_cannot_be_forgotten(calm_suite: Any) -> None:
    status, out = await triptych(calm_suite, "events", "--forget", "nobody")
    assert (status, "No consumer is called nobody" in out) == (2, True), out


async def test_a_consumer_is_forgotten(calm_suite: Any) -> None:
    status, out = await triptych(calm_suite, "events", "--forget", "order-fulfilment")
    assert (status, "There are none." in out) == (0, True), out


async def test_the_command_prints_events_and_where_to_go_on(calm_suite: Any) -> None:
    order_id = await order(calm_suite, QUOTE)
    status, out = await triptych(calm_suite, "events", "--type", "order-placed", "--limit", "200")
    assert status == 0, out
    assert order_id in out
    cursor = out.strip().rpartition(" ")[2]
    assert await triptych(calm_suite, "events", "--after", cursor) == (0, "There are none.\n")
    status, out = await triptych(calm_suite, "events", "--after", "nonsense")
    assert status == 2, out


async def test_what_sap_posts_by_its_http_port_is_taken_in_told_and_confirmed_by_200(calm_suite: Any) -> None:
    await calm_suite.sandbox("sap", "POST", "idoc-port", {
        "url": f"{calm_suite.edge}/system/sap-idocs/v1/idocs",
        "authorization": f"Bearer {calm_suite.token('sap_idocs')}",
    })  # fmt: skip
    async with httpx.AsyncClient(
        base_url=f"{calm_suite.edge}/system/sap-idocs/v1",
        headers={"authorization": f"Bearer {calm_suite.token('sap_idocs')}", "prefer": "wait=20"},
        timeout=30.0,
    ) as http:
        await calm_suite.sandbox("sap", "POST", "idoc-emit", {"message": "DEBMAS", "key": "10100001"})
        (told,) = (await http.get("/events", params={"channel": "DEBMAS"})).json()["items"]
        assert told["type"] == "customer-record-changed"
        assert json.loads(told["payload"])["erpNumber"] == "10100001"
        async with asyncio.timeout(20):
            while (await calm_suite.sandbox("sap", "GET", "ledger"))["idocs"][0]["STATUS"] != "03":  # noqa: ASYNC110 - SAP's state
                await asyncio.sleep(0.02)
    await calm_suite.sandbox("sap", "POST", "idoc-port", {})
