"""What every wire promises, on real sockets. A new engine passes this suite or is none."""

import asyncio
import gzip
import resource
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from eventually import eventually

from shared.resilience.wire import (
    ConnectionFailed,
    ReplyBroken,
    ReplyHeaders,
    ReplyLost,
    ReplyTooLarge,
    Wire,
    WireStream,
    WireTimeout,
)
from shared.resilience.wire_default import open_wire

GIGABYTE = 1 << 30
Serve = Callable[[Callable[[Any], None]], Any]


@pytest.fixture(params=["asyncio", "aiohttp", "pyreqwest", "httpx"])
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    opened = open_wire(request.param, max_reply=1024 * 1024)
    yield opened
    await opened.aclose()


def answering(*args: Any) -> Callable[[Any], None]:
    def behave(peer: Any) -> None:
        while peer.read() is not None:
            peer.answer(*args)

    return behave


async def consume(arriving: WireStream) -> bytes:
    return b"".join([piece async for piece in arriving.chunks()])


async def test_status_headers_and_body_arrive(wire: Wire, serve: Serve) -> None:
    server = serve(answering(201, b'{"id":1}', "X-Trace: a", "Set-Cookie: a=1", "Set-Cookie: b=2"))
    reply = await wire.send("POST", f"{server.url}/x?y=z", {"X-Key": "k"}, b"body", 5)
    assert (reply.status, reply.body) == (201, b'{"id":1}')
    assert reply.headers["X-TRACE"] == "a"
    assert reply.headers.every("set-cookie") == ["a=1", "b=2"]
    assert reply.headers.get("missing") is None
    head = server.requests[0].lower()
    assert head.startswith(b"post /x?y=z http/1.1\r\n")
    assert b"x-key: k\r\n" in head
    assert head.endswith(b"\r\n\r\nbody")


async def test_one_connection_serves_many_requests(wire: Wire, serve: Serve) -> None:
    server = serve(answering())
    for _ in range(5):
        await wire.send("GET", server.url, {}, None, 60)
    assert server.connections == 1


async def test_redirects_are_not_followed(wire: Wire, serve: Serve) -> None:
    server = serve(answering(302, b"", "Location: http://127.0.0.1:1/"))
    reply = await wire.send("GET", server.url, {}, None, 60)
    assert reply.status == 302
    assert reply.headers["location"] == "http://127.0.0.1:1/"


async def test_gzip_is_unfolded(wire: Wire, serve: Serve) -> None:
    server = serve(answering(200, gzip.compress(b"plain" * 1000), "Content-Encoding: gzip"))
    assert (await wire.send("GET", server.url, {}, None, 60)).body == b"plain" * 1000
    assert b"gzip" in server.requests[0]


async def test_gzip_that_unfolds_beyond_the_cap_is_refused(wire: Wire, serve: Serve) -> None:
    server = serve(answering(200, gzip.compress(bytes(20 * 1024 * 1024)), "Content-Encoding: gzip"))
    with pytest.raises(ReplyTooLarge):
        await wire.send("GET", server.url, {}, None, 60)


async def test_chunked_body_is_joined(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            peer.send(b"3\r\nabc\r\n")
            time.sleep(0.01)
        peer.send(b"0\r\n\r\n")

    assert (await wire.send("GET", serve(behave).url, {}, None, 60)).body == b"abcabcabc"


@pytest.mark.parametrize("framing", ["Content-Length: 1073741824", "Transfer-Encoding: chunked"])
async def test_a_gigabyte_is_cut_off_at_the_cap(wire: Wire, serve: Serve, framing: str) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        piece = b"10000\r\n" + bytes(0x10000) + b"\r\n" if "chunked" in framing else bytes(0x10000)
        try:
            for _ in range(GIGABYTE // 0x10000):
                peer.send(piece)
        except OSError:
            peer.server.client_left.set()

    server = serve(behave)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReplyTooLarge):
        await wire.send("GET", server.url, {}, None, 10)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB
    assert await asyncio.to_thread(server.client_left.wait, 3)


async def test_nobody_listening_means_nothing_was_sent(wire: Wire, serve: Serve) -> None:
    server = serve(answering())
    server.close()
    with pytest.raises(ConnectionFailed):
        await wire.send("POST", server.url, {}, b"x", 60)


async def test_name_that_does_not_resolve_means_nothing_was_sent(wire: Wire) -> None:
    with pytest.raises(ConnectionFailed):
        await wire.send("POST", "http://no-such-host.invalid/", {}, b"x", 60)


@pytest.mark.parametrize("linger", [False, True])
async def test_connection_closed_without_answer_is_a_lost_reply(wire: Wire, serve: Serve, linger: bool) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        if linger:
            peer.sock.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER 0: reset

    with pytest.raises(ReplyLost):
        await wire.send("POST", serve(behave).url, {}, b"x", 60)


async def test_truncated_body_is_a_broken_reply(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with pytest.raises(ReplyBroken):
        await wire.send("GET", serve(behave).url, {}, None, 60)


async def test_answer_that_is_not_http_is_a_broken_reply(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"220 mail.example.com ESMTP\r\n\r\n")

    with pytest.raises(ReplyBroken):
        await wire.send("GET", serve(behave).url, {}, None, 60)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
async def test_slow_answer_ends_with_the_time(wire: Wire, serve: Serve, begun: bytes) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(begun)
        peer.gone(10)

    server = serve(behave)
    began = time.monotonic()
    with pytest.raises(WireTimeout):
        await wire.send("GET", server.url, {}, None, 0.2)
    assert time.monotonic() - began < 5


def closing_every_second(peer: Any) -> None:
    peer.read()
    peer.answer()
    peer.read()  # and closes: the kept-alive connection went stale while this request was on its way


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_stale_connection_goes_unnoticed_for_idempotent_methods(wire: Wire, serve: Serve, method: str) -> None:
    server = serve(closing_every_second)
    for _ in range(4):
        assert (await wire.send(method, server.url, {}, None, 60)).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_stale_connection_is_a_lost_reply_for_what_must_not_be_repeated(
    wire: Wire, serve: Serve, method: str
) -> None:
    server = serve(closing_every_second)
    await wire.send("GET", server.url, {}, None, 60)
    with pytest.raises(ReplyLost):
        await wire.send(method, server.url, {}, b"x", 60, repeatable=False)
    assert len(server.requests) == 2


async def test_stale_connection_is_a_lost_reply_for_post(wire: Wire, serve: Serve) -> None:
    server = serve(closing_every_second)
    await wire.send("GET", server.url, {}, None, 60)
    with pytest.raises(ReplyLost):
        await wire.send("POST", server.url, {}, b"x", 60)
    assert len(server.requests) == 2


async def test_connection_closed_while_idle_is_replaced_even_for_post(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.answer()

    server = serve(behave)
    for method in ("POST", "PUT", "POST", "DELETE", "POST"):
        assert (await wire.send(method, server.url, {}, b"x", 60, repeatable=False)).status == 200
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", ["asyncio", "aiohttp", "httpx"])  # pyreqwest holds it until the timeout
async def test_cancelling_frees_the_connection(name: str, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        if peer.gone():
            peer.server.client_left.set()

    server = serve(behave)
    wire = open_wire(name)
    call = asyncio.create_task(wire.send("GET", server.url, {}, None, 30))
    await eventually(lambda: server.requests)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(server.client_left.wait, 60)
    await wire.aclose()


async def test_stream_hands_over_pieces_of_any_number(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n")
        for _ in range(128):
            peer.send(bytes(65536))

    async with wire.stream("GET", serve(behave).url, {}, None, 60) as arriving:
        assert arriving.status == 200
        assert arriving.headers["content-length"] == "8388608"
        assert sum([len(piece) async for piece in arriving.chunks()]) == 8388608


async def test_stream_unfolds_gzip(wire: Wire, serve: Serve) -> None:
    server = serve(answering(200, gzip.compress(b"row\n" * 100_000), "Content-Encoding: gzip"))
    async with wire.stream("GET", server.url, {}, None, 60) as arriving:
        assert b"".join([piece async for piece in arriving.chunks()]) == b"row\n" * 100_000


async def test_stream_that_breaks_off_says_so(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")

    async with wire.stream("GET", serve(behave).url, {}, None, 60) as arriving:
        with pytest.raises(ReplyBroken):
            await consume(arriving)


async def test_stream_that_stalls_ends_with_the_time(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        peer.gone(10)

    async with wire.stream("GET", serve(behave).url, {}, None, 0.2) as arriving:
        with pytest.raises(WireTimeout):
            await consume(arriving)


async def test_stream_left_early_closes_the_connection(wire: Wire, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        try:
            while True:
                peer.send(bytes(65536))
        except OSError:
            peer.server.client_left.set()

    server = serve(behave)
    async with wire.stream("GET", server.url, {}, None, 60) as arriving:
        async for piece in arriving.chunks():
            assert piece
            break
    assert await asyncio.to_thread(server.client_left.wait, 3)


def test_header_values_stay_out_of_representations() -> None:
    assert "s3cret" not in repr(ReplyHeaders([("Set-Cookie", "s3cret")]))
