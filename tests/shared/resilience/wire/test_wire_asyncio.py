"""HTTP/1.1 as servers really speak it, read by the asyncio wire (RFC 9112)."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.resilience.wire import ConnectionFailed, ReplyBroken, WireReply
from shared.resilience.wire_asyncio import AsyncioWire

Serve = Callable[[Callable[[Any], None]], Any]


@pytest.fixture
async def wire() -> AsyncIterator[AsyncioWire]:
    opened = AsyncioWire()
    yield opened
    await opened.aclose()


async def get(wire: AsyncioWire, url: str, method: str = "GET") -> WireReply:
    return await wire.send(method, url, {}, None, 60)


def saying(answer: bytes) -> Callable[[Any], None]:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(answer)
        peer.gone()

    return behave


async def test_answer_arriving_byte_by_byte_is_read(wire: AsyncioWire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.sock.setsockopt(6, 1, 1)  # TCP_NODELAY
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok":
            peer.send(bytes([byte]))

    reply = await get(wire, serve(behave).url)
    assert (reply.status, reply.headers["x-a"], reply.body) == (200, "b", b"ok")


async def test_interim_answers_are_passed_over(wire: AsyncioWire, serve: Serve) -> None:
    answer = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
    )
    reply = await get(wire, serve(saying(answer)).url)
    assert (reply.status, reply.body, "link" in reply.headers) == (201, b"ok", False)


async def test_body_without_length_ends_with_the_connection(wire: AsyncioWire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.0 200 OK\r\n\r\nold ")
        peer.send(b"server")

    assert (await get(wire, serve(behave).url)).body == b"old server"


async def test_answer_to_head_has_no_body(wire: AsyncioWire, serve: Serve) -> None:
    server = serve(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"))
    for _ in range(2):
        reply = await get(wire, server.url, "HEAD")
        assert (reply.status, reply.headers["content-length"], reply.body) == (200, "100", b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_answer_that_has_no_body_leaves_the_connection_usable(
    wire: AsyncioWire, serve: Serve, status: int
) -> None:
    def behave(peer: Any) -> None:
        while peer.read() is not None:
            peer.send(f"HTTP/1.1 {status} X\r\nETag: a\r\n\r\n".encode())

    server = serve(behave)
    for _ in range(3):
        assert (await get(wire, server.url)).status == status
        await asyncio.sleep(0.01)


async def test_connection_the_server_wants_closed_is_not_reused(wire: AsyncioWire, serve: Serve) -> None:
    server = serve(saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
    for _ in range(3):
        assert (await get(wire, server.url)).body == b"ok"
    assert server.connections == 3


async def test_close_that_the_loop_has_not_seen_yet_costs_no_post(wire: AsyncioWire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.answer()

    server = serve(behave)
    for _ in range(5):
        assert (await wire.send("POST", server.url, {}, b"x", 60)).status == 200
        time.sleep(0.05)  # noqa: ASYNC251 - the loop must not run while the server closes
    assert len(server.requests) == 5


async def test_idle_connection_is_dropped_before_the_server_would(wire: AsyncioWire, serve: Serve) -> None:
    server = serve(saying(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok"))
    for _ in range(2):
        await get(wire, server.url)
    assert server.connections == 2


async def test_second_answer_nobody_asked_for_is_never_taken_for_the_next(wire: AsyncioWire, serve: Serve) -> None:
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"

    def behave(peer: Any) -> None:
        peer.read()
        peer.send(one + one.replace(b"one", b"bad"))
        peer.gone()

    server = serve(behave)
    for _ in range(3):
        assert (await get(wire, server.url)).body == b"one"
    assert server.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_malformed_answers_are_broken_replies(wire: AsyncioWire, serve: Serve, answer: bytes) -> None:
    with pytest.raises(ReplyBroken):
        await get(wire, serve(saying(answer)).url)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"x": "a\r\nEvil: 1"}),
        ("/", {"x\nEvil": "1"}),
        ("/\r\nEvil: 1", {}),
        ("/a b", {}),
        ("/ü", {}),
        ("/", {"x": "\0"}),
    ],
)
async def test_line_breaks_never_reach_the_wire(
    wire: AsyncioWire, serve: Serve, path: str, headers: dict[str, str]
) -> None:
    server = serve(saying(b""))
    with pytest.raises(ValueError, match=r"percent-encoded|line break"):
        await wire.send("GET", server.url + path, headers, None, 60)
    assert server.requests == []


async def test_url_may_lack_a_path_and_fragments_stay_here(wire: AsyncioWire, serve: Serve) -> None:
    server = serve(saying(b"HTTP/1.1 204 X\r\n\r\n"))
    for url in (f"{server.url}?q=1#part", f"{server.url}#part"):
        await get(wire, url)
    assert [request.split(b" ")[1] for request in server.requests] == [b"/?q=1", b"/"]


async def test_many_at_once_get_their_own_answers(wire: AsyncioWire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        while (request := peer.read()) is not None:
            peer.answer(200, request.split(b" ")[1])

    server = serve(behave)
    replies = await asyncio.gather(*(get(wire, f"{server.url}/{n}") for n in range(100)))
    assert [reply.body for reply in replies] == [f"/{n}".encode() for n in range(100)]


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "backend")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


async def test_https_is_spoken_to_trusted_servers_only(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(cert, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=served) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        wire = AsyncioWire(tls=ssl.create_default_context(cafile=str(cert)))
        assert (await get(wire, url)).body == b"ok"
        await wire.aclose()
        with pytest.raises(ConnectionFailed):
            await get(AsyncioWire(), url)
