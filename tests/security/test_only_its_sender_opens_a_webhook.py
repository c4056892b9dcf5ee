"""The signature matrix: generated, so that a new webhook is in it on the day it is declared."""

import asyncio
import json
from typing import Any

from eventually import eventually

from shared.binding.operation import Operation

HOSTILE = (
    b"", b"\x00", b"{", b"[]", b"null", b'{"id": 1', b'{"id":' * 50_000, b'"\xff"', b"\xef\xbb\xbf{}", b"9" * 100_000,
    b'{"id":{"a":[]}}', b'{"id":"\\ud800"}', b'{"id":1e999}', b"<a/>", b"id=1&id=2", '{"id":"ü"}'.encode("utf-16"),
    b'{"id":[1,2],"description":{},"result":7}', b'{"id":"x","description":"tracker.updated","result":{"id":null}}',
    b'{"id":"' + b"9" * 5000 + b'","description":"tracker.updated","result":{}}',
)  # fmt: skip
"""Documents that were signed all the same: the sender may be broken, or its secret stolen."""

_TRACKER = {"id": "trk_1", "status": "unknown", "tracking_code": "EZ7000000007", "shipment_id": "shp_1"}
BODY = json.dumps({"id": "evt_1", "description": "tracker.updated", "result": _TRACKER}).encode()


def forgeries(suite: Any, operation: Operation) -> dict[str, list[tuple[str, str]]]:
    """Headers that must not open a webhook with `BODY`."""
    right = suite.signed(operation, BODY)
    name, value = right[0]
    token = suite.token(operation, scopes={operation.scope, *operation.contract.scopes()})
    return {
        "nothing": [],
        "a token with its scope": [("authorization", f"Bearer {token}")],
        "the secret of another": suite.signed(operation, BODY, secret="not-the-secret"),
        "the signature of another body": suite.signed(operation, BODY + b" "),
        "an empty signature": [(name, ""), *right[1:]],
        "a digit less": [(name, value[:-1]), *right[1:]],
        "a digit more": [(name, value + "0"), *right[1:]],
        "other letters": [(name, value.swapcase()), *right[1:]],
        "no prefix, or another encoding": [(name, value.rpartition("=")[0] or value[::-1]), *right[1:]],
        "not ASCII": [(name, "\udcff" * 44), *right[1:]],
        "without end": [(name, value * 200), *right[1:]],
        "two, the wrong one first": [(name, "AAAA"), (name, value)],
    }


async def test_nothing_but_its_signature_opens_a_webhook(suite, kit, signed_operation: Operation) -> None:
    before = await suite.books()
    answers = {
        kind: await suite.ask("POST", signed_operation.path, [*headers, *kit.document], BODY)
        for kind, headers in forgeries(suite, signed_operation).items()
    }
    for kind, answer in answers.items():
        assert answer.status == 401, (kind, answer.body)
        assert answer.headers["www-authenticate"] == f'Signature realm="{signed_operation.contract.audience}"', kind
    told = {json.dumps({**answer.problem, "traceId": ""}) for answer in answers.values()}
    assert len(told) == 1, "a forger can tell one refusal from another"
    assert "traceId" in told.pop()
    assert await suite.books() == before


async def test_the_signature_of_its_sender_opens_it_and_no_other_operation(suite, kit, signed_operation) -> None:
    headers = [*suite.signed(signed_operation, BODY), *kit.document]
    answer = await suite.ask("POST", signed_operation.path, headers, BODY)
    assert answer.status in (200, 400), answer.body  # of a sender that sends other documents, 400
    for operation in signed_operation.contract.operations.values():
        if not operation.signed:
            refused = await suite.ask(operation.method, kit.target(operation), headers, BODY)
            assert refused.status == 401, operation.name


async def test_a_message_too_large_is_refused_before_its_signature_is_looked_at(suite, signed_operation) -> None:
    for headers in ([], suite.signed(signed_operation, b"{}")):
        answer = await suite.ask("POST", signed_operation.path, headers, b"x" * 1_048_577)
        assert answer.status == (413 if headers else 401)


async def test_hostile_documents_that_are_signed(suite, kit, signed_operation: Operation) -> None:
    places = asyncio.Semaphore(8)  # fewer than a door reads at once

    async def send(number: int, body: bytes) -> Any:
        headers = [*suite.signed(signed_operation, body, message_id=f"hostile-{number}"), *kit.document]
        async with places:
            return await suite.ask("POST", signed_operation.path, headers, body)

    answers = await asyncio.gather(*(send(number, body) for number, body in enumerate(HOSTILE)))
    for body, answer in zip(HOSTILE, answers, strict=True):
        assert answer.status in (200, 400), (body[:80], answer.body)
        assert b"Traceback" not in answer.body
        assert answer.status == 200 or answer.problem["traceId"] == answer.headers["trace-id"]


async def test_odd_headers_beside_a_signature(suite, kit, signed_operation: Operation) -> None:
    for odd in (
        [("content-encoding", "gzip")], [("x-shopify-topic", "\udcff")], [("x-shopify-webhook-id", "a" * 300)],
        [("x-shopify-topic", "a" * 300)], [("content-type", "text/plain")], [("triptych-deadline-ms", "-1")],
        [("prefer", "wait=9999")], [("idempotency-key", "\udcff")], [("x-shopify-webhook-id", "a\tb")],
    ):  # fmt: skip
        names = {name for name, _ in odd}
        usual = [pair for pair in suite.signed(signed_operation, BODY) if pair[0].lower() not in names]
        answer = await suite.ask("POST", signed_operation.path, [*usual, *odd], BODY)
        assert answer.status in (200, 400, 415), (odd, answer.body)
        assert answer.headers["trace-id"]
    answer = await suite.ask("POST", f"{signed_operation.path}?a=1", suite.signed(signed_operation, BODY), BODY)
    assert answer.status == 400


SUBSCRIBE = """mutation { webhookSubscriptionCreate(topic: ORDERS_CREATE,
  webhookSubscription: {uri: "%s", format: JSON}) { webhookSubscription { id } userErrors { message } } }"""


async def test_the_backend_of_the_running_suite_opens_it_by_itself(suite, kit) -> None:
    """The stand-in signs with the secret that was made for it and for us, and no human hand between."""
    webhook = kit.declared["commerce.receive_webhook"]
    token = (suite.state / "shopify" / "token").read_text()
    subscribed = await suite.backdoor.post(
        f"{suite.runtime.sandboxes['shopify']}/admin/api/2026-04/graphql.json",
        json={"query": SUBSCRIBE % (suite.edge + webhook.path)},
        headers={"x-shopify-access-token": token},
    )
    assert not subscribed.json()["data"]["webhookSubscriptionCreate"]["userErrors"], subscribed.text
    bought = await suite.sandbox("shopify", "POST", "order", {"lines": 1})
    feed = kit.declared["commerce.list_events"]
    headers = [("authorization", f"Bearer {suite.token(feed)}")]

    async def told() -> bool:
        answer = await suite.ask("GET", f"{feed.path}?channel=orders-create", headers)
        return f'\\"recordId\\":\\"{bought["id"]}\\"'.encode() in answer.body

    await eventually(told)
