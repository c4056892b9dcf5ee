"""A webhook over HTTP: signed, or nothing; and no other way in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually
from litestar import Litestar

from shared.binding import webhook_door
from shared.binding.call_context import CallContext, Principal, calling, current_context
from shared.binding.client import http_client
from shared.binding.declare import Contract, get, webhook
from shared.binding.edge import Edge
from shared.binding.inline import inline_client
from shared.binding.openapi import openapi_document
from shared.binding.problems import SignatureRefused
from shared.binding.routes import routes
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.event_feed import MessageTaken
from shared.host.server import free_port, serving
from shared.resilience.load_shedding import Shedder
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from shared.security.signature import SignatureVerifier, signed_headers
from shared.security.signature_schemes import SHOPIFY, SLACK

SECRET = "hush-hush"
BODY = b'{"isbn": "1"}'
PLACES = 20
"""How many requests the process of the shelf serves at once."""


class Shelf(Contract, tier="system", version="v1"):
    """A shelf that its lift tells of."""

    @webhook("/webhooks", scope="shelf:receive", timeout=25.0)
    async def receive_webhook(self, message: SignedMessage) -> MessageTaken:
        """Take in what the lift tells."""
        ...

    @get("/count", scope="shelf:read")
    async def count(self) -> MessageTaken:
        """Count."""
        ...


class LiftShelf(Shelf):
    signature = SHOPIFY

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self.taken: list[tuple[SignedMessage, CallContext]] = []

    def signatures(self) -> SignatureVerifier:
        return SignatureVerifier(SHOPIFY, [self._secret])

    async def receive_webhook(self, message: SignedMessage) -> MessageTaken:
        self.taken.append((message, current_context()))
        return MessageTaken(message.message_id, "kept")

    async def count(self) -> MessageTaken:
        return MessageTaken(str(len(self.taken)), "kept")


class Door:
    """A served shelf."""

    def __init__(self, shelf: LiftShelf, url: str, port: int) -> None:
        self.shelf, self.url, self.port = shelf, url, port

    async def post(self, body: bytes = BODY, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient() as http:
            return await http.post(self.url, content=body, headers=sent)

    async def signed(self, body: bytes = BODY, **headers: str) -> httpx.Response:
        signature = signed_headers(SHOPIFY, SECRET, body, message_id="m-1", topic="books/create")
        return await self.post(body, **signature, **headers)


@pytest.fixture
async def door(world, tmp_path: Path) -> AsyncIterator[Door]:
    (tmp_path / "webhook_secret").write_text(SECRET)
    shelf, port = LiftShelf(Secret(f"file:{tmp_path / 'webhook_secret'}")), free_port()
    handlers: list[Any] = [*routes(Shelf, shelf, world.inbound, world.issuer.verifier)]
    app = Litestar(route_handlers=handlers, openapi_config=None, logging_config=None)
    async with serving(Edge(app, Shedder(PLACES)), "127.0.0.1", port):
        yield Door(shelf, f"http://127.0.0.1:{port}{Shelf.prefix}/webhooks", port)


async def test_a_signed_message_arrives_byte_for_byte_under_the_name_of_its_sender(door: Door) -> None:
    answer = await door.signed(content_type="application/json; charset=latin-1")
    assert (answer.status_code, answer.json()) == (200, {"messageId": "m-1", "outcome": "kept"})
    ((message, context),) = door.shelf.taken
    assert message == SignedMessage("m-1", "books/create", BODY)
    assert context.principal is not None
    assert (context.principal.subject, context.principal.scopes) == ("shopify", {"shelf:receive"})
    assert context.principal.actor is None


async def test_every_refusal_reads_alike_and_asks_for_no_token(door: Door, world) -> None:
    token = world.issuer.issue("reader", "app", Shelf.audience, {"shelf:receive", "shelf:read"}, tier="gold")
    refusals = [
        await door.post(),
        await door.post(authorization=f"Bearer {token}"),
        await door.post(x_shopify_hmac_sha256="AAAA"),
        await door.post(BODY + b" ", **signed_headers(SHOPIFY, SECRET, BODY)),
    ]
    assert {answer.status_code for answer in refusals} == {401}
    assert len({answer.json()["detail"] for answer in refusals}) == 1
    assert refusals[0].json()["type"] == "/problems/signature-refused"
    assert refusals[0].headers["www-authenticate"] == f'Signature realm="{Shelf.audience}"'
    assert door.shelf.taken == []


async def test_a_body_is_read_only_behind_a_signature_and_only_to_its_limit(door: Door) -> None:
    assert (await door.signed(b"x" * 1_048_577)).status_code == 413
    assert (await door.signed(content_encoding="gzip")).status_code == 415
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    head = f"POST {Shelf.prefix}/webhooks HTTP/1.1\r\nHost: shelf\r\nContent-Length: 1000000\r\n\r\n"
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)  # of the body nothing was sent
    assert answer.startswith(b"HTTP/1.1 401")
    writer.close()


async def test_a_body_that_does_not_end_is_waited_for_a_short_while_and_not_for_the_time_of_the_operation(
    door: Door,
) -> None:
    assert webhook_door.BODY_SECONDS < 5
    reader, writer = await trickled(door)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    assert answer.startswith(b"HTTP/1.1 504")
    writer.close()


async def test_forgers_who_trickle_bodies_leave_places_for_everybody_else(
    door: Door, world, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_door, "BODY_SECONDS", 60.0)
    forged = [await trickled(door) for _ in range(PLACES + 10)]

    async def refused() -> bool:
        answer = await door.signed()
        return (answer.status_code, answer.json().get("type")) == (503, "/problems/overloaded")

    await eventually(refused)
    token = world.issuer.issue("reader", "app", Shelf.audience, {"shelf:read"}, tier="gold")
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}) as http:
        assert (await http.get(f"{door.url.removesuffix('webhooks')}count")).status_code == 200
    for _, writer in forged:
        writer.close()

    async def opened() -> bool:
        return (await door.signed()).status_code == 200

    await eventually(opened)


async def trickled(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A forged message of which the body has begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    head = f"POST {Shelf.prefix}/webhooks HTTP/1.1\r\nHost: shelf\r\nX-Shopify-Hmac-Sha256: AAAA\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n".encode() + b"{")
    return reader, writer


async def test_a_secret_that_cannot_be_read_is_our_fault_and_the_sender_comes_again(door: Door, tmp_path: Path) -> None:
    (tmp_path / "webhook_secret").unlink()
    answer = await door.signed()
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/backend-unavailable")
    assert "webhook_secret" not in answer.text


async def test_what_is_not_for_the_sender_is_refused_as_everywhere(door: Door) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(door.url)).status_code == 405
        answer = await http.post(f"{door.url}?a=1", content=BODY, headers=signed_headers(SHOPIFY, SECRET, BODY))
    assert answer.status_code == 400


async def test_no_client_of_ours_calls_it(door: Door, world) -> None:
    wire = open_wire()
    principal = Principal("ada", "app", Shelf.audience, frozenset({"shelf:receive"}), 4e9, world.issuer.url)

    async def token(*_: object) -> str:
        return "token"

    clients = [
        inline_client(Shelf, door.shelf, world.inbound, lambda _: principal),
        http_client(Shelf, door.url, wire, token),
    ]
    for client in clients:
        with calling(CallContext(principal=principal)), pytest.raises(SignatureRefused):
            await client.receive_webhook(SignedMessage("m-1", "", BODY))
    await wire.aclose()
    assert door.shelf.taken == []


def test_no_token_can_hold_the_scope_of_a_signature() -> None:
    assert Shelf.scopes() == {"shelf:read"}


def test_the_document_names_the_senders_and_their_headers() -> None:
    document = openapi_document(Shelf, schemes=[SHOPIFY, SLACK])
    described = document["paths"]["/system/shelf/v1/webhooks"]["post"]
    assert described["security"] == [{"shopify": []}, {"slack": []}]
    scheme = document["components"]["securitySchemes"]["shopify"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-Shopify-Hmac-Sha256")
    names = {parameter["name"] for parameter in described["parameters"]}
    assert names == {"X-Shopify-Webhook-Id", "X-Shopify-Topic", "X-Slack-Request-Timestamp"}
    assert "403" not in described["responses"]
    assert "no token opens it" in described["description"]
    assert openapi_document(Shelf)["paths"]["/system/shelf/v1/webhooks"]["post"]["security"] == [{"signature": []}]


@pytest.mark.parametrize("verifier", [None, SignatureVerifier(SLACK, [])], ids=["none", "of another sender"])
def test_an_implementation_that_does_not_say_who_signs_does_not_start(world, tmp_path, verifier) -> None:
    (tmp_path / "webhook_secret").write_text(SECRET)

    class Open(LiftShelf):
        def signatures(self) -> Any:
            return verifier

    with pytest.raises(TypeError, match="does not say who signs them"):
        routes(Shelf, Open(Secret(f"file:{tmp_path / 'webhook_secret'}")), world.inbound, world.issuer.verifier)
