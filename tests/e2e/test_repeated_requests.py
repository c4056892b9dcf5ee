"""One Idempotency-Key sent a hundred times at once, again with another body, and while the first is under way."""

import asyncio
from typing import Any

import httpx
from eventually import eventually

from sandboxes.company import company

QUOTES = company().quotes_for("plain")[19:22]
KEY = '"0b7c3f10-0000-4000-8000-00000000002{}"'


async def post(suite: Any, body: dict[str, Any], key: str, **headers: str) -> Any:
    async with suite.phone() as phone:
        return await phone.post("/orders", json=body, headers={"idempotency-key": key, **headers})


async def test_a_hundred_equal_requests_at_once_are_one_order_and_a_hundred_equal_answers(calm_suite: Any) -> None:
    before, body = await calm_suite.effects(), {"quoteId": QUOTES[0].salesforce_id}
    asked = (post(calm_suite, body, KEY.format(1), prefer="respond-async") for _ in range(100))
    answers = await asyncio.gather(*asked)

    async def all_accepted() -> bool:  # who could wait no longer for the first, or was one too many, is told to repeat
        for place, answer in enumerate(answers):
            if answer.status_code in (409, 503):
                answers[place] = await post(calm_suite, body, KEY.format(1), prefer="respond-async")
        return {answer.status_code for answer in answers} == {202}

    await eventually(all_accepted, every=1.0)
    assert len({(answer.content, answer.headers["location"]) for answer in answers}) == 1
    done = await post(calm_suite, body, KEY.format(2), prefer="wait=25")
    assert done.json()["state"] == "completed", done.text
    after = await calm_suite.effects()
    assert {name: after[name] - before[name] for name in ("crm_orders", "erp_orders", "labels")} == {
        "crm_orders": 1, "erp_orders": 1, "labels": 1,
    }  # fmt: skip


async def test_the_key_of_another_request_is_refused(calm_suite: Any) -> None:
    first = await post(calm_suite, {"quoteId": QUOTES[1].salesforce_id}, KEY.format(3), prefer="respond-async")
    assert first.status_code == 202, first.text
    other = await post(calm_suite, {"quoteId": QUOTES[2].salesforce_id}, KEY.format(3), prefer="respond-async")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def is_placed(suite: Any, quote_id: str) -> bool:
    headers = {"authorization": f"Bearer {suite.token('quote_to_order')}"}
    async with httpx.AsyncClient(base_url=suite.edge, headers=headers) as http:
        return (await http.get(f"/process/quote-to-order/v1/orders/order-{quote_id}")).is_success


async def test_a_repeat_while_the_first_is_under_way_is_told_so(calm_suite: Any) -> None:
    await calm_suite.fault("easypost", fault="latency", method="POST", path="/v2/shipments", seconds=6.0, times=1)
    body = {"quoteId": QUOTES[2].salesforce_id}
    first = asyncio.create_task(post(calm_suite, body, KEY.format(4), prefer="wait=25"))
    await eventually(lambda: is_placed(calm_suite, QUOTES[2].salesforce_id))
    repeat = await post(calm_suite, body, KEY.format(4), prefer="wait=25")
    assert (repeat.status_code, repeat.json()["type"]) == (409, "/problems/idempotency-key-in-flight")
    assert int(repeat.headers["retry-after"]) >= 1
    answer = await first
    assert answer.status_code == 201, answer.text
    again = await post(calm_suite, body, KEY.format(4), prefer="wait=25")
    assert (again.status_code, again.content) == (201, answer.content)
