"""Calls to backends that fail in every way, on real sockets, through all outbound policies."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    CircuitOpen,
    Conflict,
    DeadlineExceeded,
    Invalid,
    NotFound,
    Overloaded,
    Problem,
    QuotaExceeded,
)
from shared.resilience.credentials import BasicCredentials, Credentials, FetchedCredentials
from shared.resilience.outbound import Backend, BackendSettings, Outbound, Quota
from shared.resilience.outbound_faults import (
    BrokenReply,
    LostReply,
    NotReached,
    OutcomeUnknown,
    decode_json,
    problem_of_status,
)
from shared.resilience.slots import SlotBudget
from shared.resilience.wire import Wire, WireReply
from shared.resilience.wire_default import open_wire
from shared.telemetry import metrics
from shared.telemetry.tracing import Span, add_sink, remove_sink

Serve = Callable[[Callable[[Any], None]], Any]
Connect = Callable[..., Backend]
FAST = {"retry_delays": (0.001, 0.002)}
ONCE: dict[str, Any] = {"retry_delays": ()}


def classify(reply: WireReply) -> Problem | None:
    return problem_of_status(reply, "erp")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = open_wire(max_reply=1024 * 1024)
    yield opened
    await opened.aclose()


@pytest.fixture
def connect(wire: Wire) -> Connect:
    def backend(
        url: str,
        *,
        credentials: Credentials | None = None,
        quota: Quota | None = None,
        clock: Callable[[], float] = time.monotonic,
        name: str = "erp",
        **settings: Any,
    ) -> Backend:
        return Outbound(wire, clock=clock).backend(
            name,
            BackendSettings(url=url, **{**FAST, **settings}),
            credentials=credentials,
            classify=classify,
            quota=quota,
        )

    return backend


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    seen: list[Span] = []
    add_sink(seen.append)
    yield seen
    remove_sink(seen.append)


def answering(*statuses: int, headers: tuple[str, ...] = ()) -> Callable[[Any], None]:
    """The first requests get these statuses, all later ones the last."""

    def behave(peer: Any) -> None:
        while peer.read() is not None:
            number = min(len(peer.server.requests), len(statuses)) - 1
            peer.answer(statuses[number], b"{}", *headers)

    return behave


def hanging(peer: Any) -> None:
    peer.read()
    peer.gone(10)


def header(request: bytes, name: str) -> str:
    for line in request.decode().split("\r\n"):
        if line.lower().startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""


async def test_reply_comes_back_and_the_trace_goes_along(connect: Connect, serve: Serve, spans: list[Span]) -> None:
    server = serve(answering(200))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with calling(CallContext(traceparent=parent)):
        backend = connect(server.url, credentials=BasicCredentials("user", "s3cret"))
        reply = await backend.send("GET", "/orders?token=s3cret", operation="read order")
    assert reply.status == 200
    (span,) = spans
    assert header(server.requests[0], "traceparent") == span.traceparent
    assert span.traceparent[3:35] == parent[3:35]
    assert span.attributes["url.full"] == f"{server.url}/orders"
    assert span.attributes["http.request.method"] == "GET"
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["server.address"] == "127.0.0.1"
    assert "s3cret" not in repr((span.name, span.attributes))
    assert header(server.requests[0], "authorization").startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (409, Conflict), (500, BackendFault), (302, BackendFault), (418, Invalid), (401, BackendFault)],
)
async def test_permanent_answers_become_problems_at_once(
    connect: Connect, serve: Serve, status: int, kind: type[Problem]
) -> None:
    server = serve(answering(status))
    with pytest.raises(kind):
        await connect(server.url).send("GET", "/", operation="read")
    assert len(server.requests) == 1


async def test_each_attempt_is_signed_for_itself_and_holds_a_slot(wire: Wire, serve: Serve) -> None:
    server = serve(answering(503, 200))
    outbound = Outbound(wire)
    slots = outbound.treasury.slots(SlotBudget(name="account", slots=1, max_wait=0.0))
    signed: list[tuple[str, str, int]] = []

    def sign(method: str, url: str, body: bytes | None) -> tuple[Mapping[str, str], bytes | None]:
        signed.append((method, url, slots.held))
        return {"x-nonce": str(len(signed))}, (body or b"") + str(len(signed)).encode()

    backend = outbound.backend(
        "erp", BackendSettings(url=server.url, **FAST), credentials=None, classify=classify, slots=slots, sign=sign
    )
    await backend.send("PUT", "/orders?a=b", body=b"order ", operation="write")
    assert [header(each, "x-nonce") for each in server.requests] == ["1", "2"]
    assert [each.rpartition(b"\r\n\r\n")[2] for each in server.requests] == [b"order 1", b"order 2"]
    assert signed == [("PUT", f"{server.url}/orders?a=b", 1)] * 2
    assert slots.held == 0
    async with slots.hold():
        with pytest.raises(Overloaded, match="account"):
            await backend.send("GET", "/orders", operation="read")
    assert len(server.requests) == 2


async def test_transient_answers_are_repeated(connect: Connect, serve: Serve, spans: list[Span]) -> None:
    server = serve(answering(503, 502, 200))
    assert (await connect(server.url).send("GET", "/", operation="read")).status == 200
    assert [span.attributes.get("http.request.resend_count") for span in spans] == [None, 1, 2]
    assert [span.error for span in spans] == ["503", "502", None]


@pytest.mark.parametrize(("repeatable", "requests"), [(None, 1), (True, 2), (False, 1)])
async def test_post_is_repeated_only_where_the_caller_says_so(
    connect: Connect, serve: Serve, repeatable: bool | None, requests: int
) -> None:
    server = serve(answering(503, 200))
    call = connect(server.url).send("POST", "/", body=b"{}", repeatable=repeatable, operation="create")
    if requests == 1:
        with pytest.raises(BackendUnavailable):
            await call
    else:
        await call
    assert len(server.requests) == requests


async def test_post_without_answer_is_in_doubt_and_sent_once(connect: Connect, serve: Serve) -> None:
    server = serve(lambda peer: peer.read())
    with pytest.raises(OutcomeUnknown) as refusal:
        await connect(server.url).send("POST", "/", body=b"{}", operation="create")
    assert refusal.value.extensions == {"outcome": "unknown"}
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_must_not_be_repeated_goes_once_over_a_connection_that_ends(
    connect: Connect, serve: Serve, method: str
) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.answer()
        peer.read()

    server = serve(behave)
    backend = connect(server.url)
    await backend.send("GET", "/", operation="read")
    with pytest.raises(OutcomeUnknown):
        await backend.send(method, "/", repeatable=False, operation="change")
    assert len(server.requests) == 2


async def test_get_without_answer_is_a_lost_reply_after_repeats(connect: Connect, serve: Serve) -> None:
    with pytest.raises(LostReply):
        await connect(serve(lambda peer: peer.read()).url).send("GET", "/", operation="read")


async def test_unreachable_backend_got_nothing(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200))
    server.close()
    with pytest.raises(NotReached):
        await connect(server.url).send("POST", "/", body=b"{}", operation="create")


async def test_truncated_answer_is_a_502(connect: Connect, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    server = serve(behave)
    with pytest.raises(BrokenReply) as refusal:
        await connect(server.url).send("GET", "/", operation="read")
    assert refusal.value.status == 502
    with pytest.raises(OutcomeUnknown):
        await connect(server.url).send("POST", "/", body=b"{}", operation="create")


async def test_oversized_answer_is_a_502(connect: Connect, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while True:
            peer.send(bytes(65536))

    with pytest.raises(BackendFault, match="stream it"):
        await connect(serve(behave).url).send("GET", "/", operation="read")


class Order(msgspec.Struct):
    number: str


@pytest.mark.parametrize("body", [b"<html>s3cret</html>", b'{"number": "s3cret', b'{"number": 5}', b"", b"\xff"])
async def test_body_of_another_kind_is_a_fault_that_leaks_nothing(connect: Connect, serve: Serve, body: bytes) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.answer(200, body)

    reply = await connect(serve(behave).url).send("GET", "/", operation="read")
    with pytest.raises(BackendFault, match="another shape than agreed") as refusal:
        decode_json(reply, Order, backend="erp")
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_decoding_takes_generic_types() -> None:
    reply = WireReply(200, {}, b'[{"number":"7"}]')  # type: ignore[arg-type]
    assert decode_json(reply, list[Order], backend="erp") == [Order("7")]


async def test_slow_backend_is_given_up_by_name(connect: Connect, serve: Serve) -> None:
    server = serve(hanging)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="erp") as refusal:
        await connect(server.url, timeout=0.2).send("GET", "/", operation="read")
    assert time.monotonic() - began < 5
    assert refusal.value.extensions == {}
    with pytest.raises(DeadlineExceeded) as refusal:
        await connect(server.url, timeout=0.2).send("POST", "/", operation="create")
    assert refusal.value.extensions == {"outcome": "unknown"}


async def test_callers_deadline_bounds_all_repeats(connect: Connect, serve: Serve) -> None:
    server = serve(answering(503))
    backend = connect(server.url, retry_delays=(0.05,) * 1000, retry_share=100.0)
    began = time.monotonic()
    with calling(CallContext(deadline=began + 0.3)), pytest.raises((DeadlineExceeded, BackendUnavailable)):
        await backend.send("GET", "/", operation="read")
    assert time.monotonic() - began < 10


async def test_nothing_is_sent_after_the_deadline(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200))
    with calling(CallContext(deadline=time.monotonic() - 1)), pytest.raises(DeadlineExceeded):
        await connect(server.url).send("GET", "/", operation="read")
    assert server.connections == 0


async def test_slow_backend_does_not_delay_another(connect: Connect, serve: Serve) -> None:
    slow = connect(serve(hanging).url, name="slow", max_concurrent=5, max_wait=0.2, timeout=2)
    quick = connect(serve(answering(200)).url, name="quick")
    stuck = [asyncio.create_task(slow.send("GET", "/", operation="read")) for _ in range(30)]
    await eventually(lambda: slow.in_flight == 5)
    for _ in range(20):
        await quick.send("GET", "/", operation="read")
    assert slow.in_flight == 5
    ends = await asyncio.gather(*stuck, return_exceptions=True)
    assert sum(isinstance(end, Overloaded) for end in ends) == 25
    assert sum(isinstance(end, DeadlineExceeded) for end in ends) == 5
    assert slow.in_flight == 0


async def test_cancelled_call_frees_its_place_and_connection(connect: Connect, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        if peer.gone():
            peer.server.client_left.set()

    server = serve(behave)
    backend = connect(server.url)
    call = asyncio.create_task(backend.send("GET", "/", operation="read"))
    await eventually(lambda: server.requests)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert backend.in_flight == 0
    assert backend.circuit == "closed"
    assert await asyncio.to_thread(server.client_left.wait, 60)


async def failing_calls(backend: Backend, count: int) -> None:
    for _ in range(count):
        with pytest.raises(Problem):
            await backend.send("GET", "/", operation="read")


async def test_failing_backend_is_probed_once_a_second_until_it_recovers(connect: Connect, serve: Serve) -> None:
    healthy = False

    def behave(peer: Any) -> None:
        while peer.read() is not None:
            peer.answer(200 if healthy else 503)

    now = 0.0
    server = serve(behave)
    backend = connect(server.url, clock=lambda: now)
    await failing_calls(backend, 10)
    assert backend.circuit == "open"
    asked = len(server.requests)
    for _ in range(100):
        now += 0.1
        with pytest.raises((CircuitOpen, BackendUnavailable)) as refusal:
            await backend.send("GET", "/", operation="read")
        assert not isinstance(refusal.value, CircuitOpen) or refusal.value.retry_after
    assert len(server.requests) - asked <= 10
    healthy = True
    now += 1
    await backend.send("GET", "/", operation="read")
    assert backend.circuit == "closed"


@pytest.mark.parametrize("status", [400, 404, 409, 422, 429])
async def test_refusals_open_no_circuit(connect: Connect, serve: Serve, status: int) -> None:
    backend = connect(serve(answering(status)).url, **ONCE)
    await failing_calls(backend, 30)
    assert backend.circuit == "closed"


async def test_hanging_backend_opens_the_circuit(connect: Connect, serve: Serve) -> None:
    backend = connect(serve(hanging).url, timeout=0.05, breaker_patience=0.05, breaker_min_calls=3, **ONCE)
    await failing_calls(backend, 3)
    assert backend.circuit == "open"


async def test_impatient_callers_open_no_circuit(connect: Connect, serve: Serve) -> None:
    backend = connect(serve(hanging).url, breaker_min_calls=3)
    for _ in range(5):
        with calling(CallContext(deadline=time.monotonic() + 0.02)):
            await failing_calls(backend, 1)
    assert backend.circuit == "closed"


async def test_retry_after_silences_all_callers(connect: Connect, serve: Serve) -> None:
    server = serve(answering(429, 200, headers=("Retry-After: 60",)))
    backend = connect(server.url)
    with pytest.raises(QuotaExceeded) as refusal:
        await backend.send("GET", "/", operation="read")
    assert refusal.value.retry_after == 60
    with pytest.raises(QuotaExceeded) as refusal:
        await backend.send("POST", "/", operation="create")
    assert refusal.value.retry_after == pytest.approx(60, abs=1)
    assert len(server.requests) == 1


async def test_retry_after_is_waited_out_within_the_deadline(connect: Connect, serve: Serve) -> None:
    server = serve(answering(503, 200, headers=("Retry-After: 1",)))
    began = time.monotonic()
    assert (await connect(server.url).send("GET", "/", operation="read")).status == 200
    assert time.monotonic() - began >= 1.0


def token_server(accepted: list[str]) -> Callable[[Any], None]:
    def behave(peer: Any) -> None:
        while (request := peer.read()) is not None:
            good = header(request, "authorization") == accepted[0]
            time.sleep(0.02)
            peer.answer(200 if good else 401)

    return behave


async def test_one_renewal_serves_all_waiters(connect: Connect, serve: Serve) -> None:
    accepted = ["token-0"]
    issued = 0

    async def fetch() -> Mapping[str, str]:
        nonlocal issued
        await asyncio.sleep(0.05)
        token = f"token-{issued}"
        issued += 1
        return {"authorization": token}

    server = serve(token_server(accepted))
    backend = connect(server.url, credentials=FetchedCredentials(fetch))
    await asyncio.gather(*(backend.send("POST", "/", operation="create") for _ in range(20)))
    assert issued == 1
    accepted[0] = "token-1"
    replies = await asyncio.gather(*(backend.send("POST", "/", operation="create") for _ in range(20)))
    assert {reply.status for reply in replies} == {200}
    assert issued == 2
    assert len(server.requests) == 60


async def test_credentials_refused_twice_are_our_fault_not_the_callers(connect: Connect, serve: Serve) -> None:
    issued = 0

    async def fetch() -> Mapping[str, str]:
        nonlocal issued
        issued += 1
        return {"authorization": f"bad-{issued}"}

    server = serve(token_server(["good"]))
    with pytest.raises(BackendFault, match="credentials"):
        await connect(server.url, credentials=FetchedCredentials(fetch)).send("GET", "/", operation="read")
    assert (issued, len(server.requests)) == (2, 2)


async def test_cancelling_one_waiter_leaves_the_renewal_to_the_others() -> None:
    async def fetch() -> Mapping[str, str]:
        await asyncio.sleep(0.05)
        return {"authorization": "token"}

    credentials = FetchedCredentials(fetch)
    with calling(CallContext(deadline=time.monotonic() + 0.01)):
        first = asyncio.create_task(credentials.headers())
    second = asyncio.create_task(credentials.headers())
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == {"authorization": "token"}


async def test_credentials_grow_old() -> None:
    now = 0.0
    issued = 0

    async def fetch() -> Mapping[str, str]:
        nonlocal issued
        issued += 1
        return {"authorization": str(issued)}

    credentials = FetchedCredentials(fetch, lifetime=100, clock=lambda: now)
    for moment in (0.0, 99.0, 101.0, 150.0):
        now = moment
        await credentials.headers()
    assert issued == 2


async def test_what_nears_its_end_is_replaced_behind_calls_that_go_on_with_it() -> None:
    now = 0.0
    issued = 0
    away = asyncio.Event()

    async def fetch() -> Mapping[str, str]:
        nonlocal issued
        issued += 1
        if issued == 3:
            await away.wait()
            raise BackendUnavailable("away")
        credentials.lasts(1000 if issued == 1 else 50)
        return {"authorization": str(issued)}

    async def held(moment: float) -> str:
        nonlocal now
        now = moment
        return (await credentials.headers())["authorization"]

    async def until(moment: float, token: str) -> bool:
        return await held(moment) == token

    credentials = FetchedCredentials(fetch, clock=lambda: now)
    assert (await held(0), await held(939), issued) == ("1", "1", 1)
    assert await held(940) == "1"
    await eventually(lambda: until(940, "2"))
    assert (await held(984), issued) == ("2", 2)
    assert (await held(985), await held(986)) == ("2", "2")  # while the issuer hangs
    await eventually(lambda: issued == 3)
    away.set()
    await asyncio.sleep(0.05)  # nothing but the loop is between this and its end
    assert (await held(986.4), issued) == ("2", 3)  # a pause after a failure
    await eventually(lambda: until(986.5, "4"))


async def test_credentials_that_ended_are_not_handed_out() -> None:
    now = 0.0
    outcomes: list[Problem | None] = [None, BackendUnavailable("away"), BackendUnavailable("away"), None]

    async def fetch() -> Mapping[str, str]:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        credentials.lasts(100)
        return {"authorization": str(len(outcomes))}

    credentials = FetchedCredentials(fetch, clock=lambda: now)
    assert await credentials.headers() == {"authorization": "3"}
    now = 100.0
    for _ in range(2):
        with pytest.raises(BackendUnavailable):
            await credentials.headers()
    assert await credentials.headers() == {"authorization": "0"}


async def test_failed_fetch_is_tried_again_by_the_next_call(connect: Connect, serve: Serve) -> None:
    outcomes: list[Problem | None] = [BackendFault("no token"), None]

    async def fetch() -> Mapping[str, str]:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        return {}

    backend = connect(serve(answering(200)).url, credentials=FetchedCredentials(fetch))
    with pytest.raises(BackendFault, match="no token"):
        await backend.send("GET", "/", operation="read")
    assert (await backend.send("GET", "/", operation="read")).status == 200


async def test_hanging_fetch_ends() -> None:
    async def fetch() -> Mapping[str, str]:
        await asyncio.sleep(60)
        return {}

    with pytest.raises(BackendUnavailable, match="credentials"):
        await FetchedCredentials(fetch, timeout=0.02).headers()


class Allowance:
    def __init__(self, left: int) -> None:
        self.left = left
        self.observed: list[int] = []

    async def take(self) -> None:
        if not self.left:
            raise QuotaExceeded("The day's calls to erp are used up.")
        self.left -= 1

    def repeat(self) -> None:
        self.left -= 1

    def observe(self, reply: WireReply) -> None:
        self.observed.append(reply.status)


async def test_quota_is_spent_observed_and_respected(connect: Connect, serve: Serve) -> None:
    server = serve(answering(404, 200))
    allowance = Allowance(2)
    backend = connect(server.url, quota=allowance)
    await failing_calls(backend, 1)
    await backend.send("GET", "/", operation="read")
    await failing_calls(backend, 30)
    assert allowance.observed == [404, 200]
    assert len(server.requests) == 2
    assert backend.circuit == "closed"


async def test_each_repeat_is_charged_and_a_stream_is_heard_too(connect: Connect, serve: Serve) -> None:
    server = serve(answering(503, 503, 200, 200))
    allowance = Allowance(3)
    backend = connect(server.url, quota=allowance)
    await backend.send("GET", "/", operation="read")
    assert (allowance.left, allowance.observed) == (0, [503, 503, 200])
    allowance.left = 1
    async with backend.stream("GET", "/", operation="read") as arriving:
        assert arriving.status == 200
    assert (allowance.left, allowance.observed) == (0, [503, 503, 200, 200])


@pytest.mark.parametrize("link", ["http://evil.example/next", "//evil.example/next", "next"])
async def test_links_that_lead_away_are_not_followed(connect: Connect, serve: Serve, link: str) -> None:
    server = serve(answering(200))
    backend = connect(server.url, credentials=BasicCredentials("user", "s3cret"))
    if link.startswith("//"):
        await backend.send("GET", link, operation="read")  # a path on this server, whatever it looks like
        assert server.requests[0].startswith(b"GET //evil.example/next ")
    else:
        with pytest.raises(BackendFault, match="leads away"):
            await backend.send("GET", link, operation="read")
        assert server.requests == []


async def test_links_on_the_same_server_are_followed(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200))
    await connect(f"{server.url}/root/").send("GET", f"{server.url}/next?page=2", operation="read")
    await connect(f"{server.url}/root/").send("GET", "/orders", operation="read")
    assert [request.split(b" ")[1] for request in server.requests] == [b"/next?page=2", b"/root/orders"]


@pytest.mark.parametrize("url", ["ftp://x", "erp.example.com", "http://u:p@x", "http://x?y", "https://"])
def test_backend_urls_are_checked_when_wired(connect: Connect, url: str) -> None:
    with pytest.raises(ValueError, match="erp"):
        connect(url)


async def test_stream_passes_pieces_and_holds_a_place(connect: Connect, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6553600\r\n\r\n")
        for _ in range(100):
            peer.send(bytes(65536))

    backend = connect(serve(behave).url)
    async with backend.stream("GET", "/results", operation="export") as arriving:
        assert backend.in_flight == 1
        assert sum([len(piece) async for piece in arriving.chunks()]) == 6553600
    assert backend.in_flight == 0


async def read_stream(backend: Backend) -> None:
    async with backend.stream("GET", "/", operation="export") as arriving:
        async for piece in arriving.chunks():
            assert piece


async def test_stream_that_breaks_off_is_a_502(connect: Connect, serve: Serve) -> None:
    def behave(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")

    with pytest.raises(BrokenReply):
        await read_stream(connect(serve(behave).url))


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (503, BackendUnavailable), (302, BackendFault)])
async def test_stream_of_a_refusal_never_begins(
    connect: Connect, serve: Serve, status: int, kind: type[Problem]
) -> None:
    with pytest.raises(kind):
        await read_stream(connect(serve(answering(status)).url))


async def test_stream_renews_credentials_once(connect: Connect, serve: Serve) -> None:
    tokens = iter(("stale", "good"))

    async def fetch() -> Mapping[str, str]:
        return {"authorization": next(tokens)}

    await read_stream(connect(serve(token_server(["good"])).url, credentials=FetchedCredentials(fetch)))


async def test_stream_ends_with_the_callers_deadline(connect: Connect, serve: Serve) -> None:
    backend = connect(serve(hanging).url)
    with calling(CallContext(deadline=time.monotonic() + 0.1)), pytest.raises(DeadlineExceeded):
        await read_stream(backend)
    assert backend.in_flight == 0


async def test_a_backend_that_never_failed_shows_a_closed_circuit(connect: Connect) -> None:
    connect("http://127.0.0.1:9", name="untroubled")
    assert metrics.REGISTRY.get_sample_value("triptych_circuit_breaker_state", {"backend": "untroubled"}) == 0
