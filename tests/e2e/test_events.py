"""What happens is told: over HTTP with a cursor and a long poll, and on the command line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.company import Quote, company

QUOTE, PLACED = company().quotes_for("plain")[26:28]


def reader(suite: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{suite.edge}/process/flow-operations/v1",
        headers={"authorization": f"Bearer {suite.token('flow_operations')}"},
        timeout=60.0,
    )


async def order(suite: Any, quote: Quote) -> str:
    async with suite.phone() as phone:
        answer = await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})
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
            http.get("/events", params={"after": now["cursor"]}, headers={"prefer": "wait=25"})
        )
        await asyncio.sleep(0.2)
        order_id = await order(calm_suite, QUOTE)
        (told,) = (await waiting).json()["items"]
        assert (told["type"], told["version"], told["producer"]) == ("order-placed", 1, "order-quote@3")
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

        async def caught_up() -> Any:
            shown = {each["consumer"]: each for each in (await http.get("/consumers")).json()}
            return shown if shown.get("order-fulfilment", {"behind": 1})["behind"] == 0 else None

        consumer = (await eventually(caught_up))["order-fulfilment"]
        assert (consumer["source"], consumer["lagSeconds"]) == ("outbox", 0)
    status, out = await triptych(calm_suite, "events", "--consumers")
    assert (status, "order-fulfilment" in out) == (0, True), out


async def test_a_consumer_that_is_none_cannot_be_forgotten(calm_suite: Any) -> None:
    status, out = await triptych(calm_suite, "events", "--forget", "nobody")
    assert (status, "No consumer is called nobody" in out) == (2, True), out


async def test_a_consumer_is_forgotten(calm_suite: Any) -> None:
    status, out = await triptych(calm_suite, "events", "--forget", "order-fulfilment")
    assert (status, "order-fulfilment" in out) == (0, False), out


async def test_the_command_prints_events_and_where_to_go_on(calm_suite: Any) -> None:
    order_id = await order(calm_suite, QUOTE)
    status, out = await triptych(calm_suite, "events", "--type", "order-placed", "--limit", "200")
    assert status == 0, out
    assert order_id in out
    cursor = out.strip().rpartition(" ")[2]
    assert await triptych(calm_suite, "events", "--after", cursor) == (0, "There are none.\n")
    status, out = await triptych(calm_suite, "events", "--after", "nonsense")
    assert status == 2, out


@pytest.fixture
async def idocs(calm_suite: Any) -> AsyncIterator[httpx.AsyncClient]:
    """What SAP posts by its HTTP port arrives here; a client of the contract."""
    base, token = f"{calm_suite.edge}/system/sap-idocs/v1", f"Bearer {calm_suite.token('sap_idocs')}"
    await calm_suite.sandbox("sap", "POST", "idoc-port", {"url": f"{base}/idocs", "authorization": token})
    async with httpx.AsyncClient(base_url=base, headers={"authorization": token}, timeout=60.0) as http:
        yield http
    await calm_suite.sandbox("sap", "POST", "idoc-port", {})


async def emitted(suite: Any, message: str, key: str) -> dict[str, Any]:
    """A document that SAP sent, once it knows that we have it."""
    docnum = (await suite.sandbox("sap", "POST", "idoc-emit", {"message": message, "key": key}))["docnum"]

    async def sent() -> Any:
        rows = (await suite.sandbox("sap", "GET", "ledger"))["idocs"]
        return next((one for one in rows if one["DOCNUM"] == docnum and one["STATUS"] == "03"), None)

    return await eventually(sent)


async def ask(suite: Any, path: str, method: str = "GET", body: Any = None) -> Any:
    api = path.split("/")[1].replace("-", "_")
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {suite.token(api)}"}, timeout=60.0) as http:
        answer = await http.request(method, f"{suite.edge}/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def passed_on(suite: Any, http: httpx.AsyncClient, kind: str, channel: str) -> list[Any]:
    """What came of each document of a channel, in their order, once all are worked on."""
    events = (await http.get("/events", params={"channel": channel})).json()["items"]
    references = [json.loads(one["payload"])["reference"] for one in events if one["payload"] != "null"]
    changes = f"{suite.edge}/process/erp-changes/v1/changes"
    authorization = {"authorization": f"Bearer {suite.token('erp_changes')}"}

    async def outcome(reference: str) -> Any:
        answer = await reading.get(f"{changes}/erp-{kind}-{reference}")
        return answer.json() if answer.status_code == 200 and answer.json()["state"] == "completed" else None

    async with httpx.AsyncClient(headers=authorization, timeout=60.0) as reading:
        return [(await eventually(partial(outcome, one)))["passedOn"] for one in references]


async def test_a_customer_that_changes_in_sap_is_corrected_in_the_crm_once(
    calm_suite: Any, idocs: httpx.AsyncClient
) -> None:
    customer = company().customer_by_number[90]
    shown = f"system/crm/v1/customers/{customer.salesforce_id}"
    before = await ask(calm_suite, shown)
    await ask(calm_suite, f"system/erp/v1/customers/{customer.sap_customer}/block", "POST", {"reason": "Insolvent"})
    sent = await emitted(calm_suite, "DEBMAS", customer.sap_customer)

    async def told() -> bool:
        return (await ask(calm_suite, shown)).get("orderBlocked", False)

    await eventually(told)
    assert await ask(calm_suite, shown) == before | {"orderBlocked": True}
    again = await idocs.post("/idocs", content=sent["document"], headers={"content-type": "text/xml"})
    assert again.json()["idocs"][0]["outcome"] == "repeated"
    await emitted(calm_suite, "DEBMAS", customer.sap_customer)  # SAP says it again, by another document
    first, second = await passed_on(calm_suite, idocs, "customer", "DEBMAS")
    assert first["corrected"] == [f"{customer.salesforce_id}/orderBlocked"]
    assert (second["told"], second["corrected"]) == ([customer.salesforce_id], [])


async def test_a_document_that_cannot_be_understood_is_a_dead_letter_and_holds_nobody_up(
    calm_suite: Any, idocs: httpx.AsyncClient
) -> None:
    broken = (
        '<DELVRY07><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><DOCNUM>0000000000999001</DOCNUM><IDOCTYP>DELVRY07</IDOCTYP>'
        "<MESTYP>SHPCON</MESTYP><SNDPRN>S4HCLNT100</SNDPRN></EDI_DC40><E1EDL20><VBELN>80</VBELN>"
        "<E1EDL24><LFIMG>many</LFIMG></E1EDL24></E1EDL20></IDOC></DELVRY07>"
    )
    answer = await idocs.post("/idocs", content=broken, headers={"content-type": "text/xml"})
    letter = f"erp-deliveries:{answer.json()['idocs'][0]['idocId']}-"

    async def dead() -> Any:
        found = await ask(calm_suite, "process/flow-operations/v1/flows?state=dead")
        return next((one for one in found["items"] if one["flowId"].startswith(letter)), None)

    assert "cannot be read" in (await eventually(dead))["problem"]


async def test_what_sap_delivers_and_bills_is_in_the_crm_long_before_the_next_look(
    calm_suite: Any, idocs: httpx.AsyncClient
) -> None:
    order_id = await order(calm_suite, PLACED)
    standing = (await ask(calm_suite, f"process/quote-to-order/v1/orders/{order_id}"))["order"]
    followed = f"process/order-fulfilment/v1/fulfilments/{order_id}-fulfilment"
    # a test before this one forgot the consumer that begins this by itself, an hour's rest between looks
    await ask(calm_suite, "process/order-fulfilment/v1/fulfilments", "POST", {"orderId": order_id})

    async def resting() -> bool:
        return (await ask(calm_suite, followed))["state"] == "waiting"

    async def fulfilment() -> str:
        return (await ask(calm_suite, f"system/crm/v1/orders/{standing['crmOrderId']}")).get("fulfilment", "")

    async def says(wanted: str) -> bool:
        return await fulfilment() == wanted

    await eventually(resting)
    made = await calm_suite.sandbox("sap", "POST", "fulfil", {"order": standing["erpOrderId"], "until": "invoice"})
    try:
        await emitted(calm_suite, "SHPCON", made["delivery"])
        await eventually(partial(says, "Packed"))
        await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 30 * 86_400})
        await emitted(calm_suite, "INVOIC", made["invoice"])
        await eventually(partial(says, "Invoiced"))
    finally:
        await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 0})

    async def ended() -> Any:
        return (await ask(calm_suite, followed)).get("followed")

    assert (await eventually(ended))["notes"] == 2
    assert [each["told"] for each in await passed_on(calm_suite, idocs, "order", "INVOIC")] == [[order_id]]
