"""CPU per request of each wire, and what the outbound pipeline adds, in one run.

    python tests/benchmarks/bench_wire.py [requests per cell]

The server is a bare asyncio protocol in a process of its own; client and server each keep to one core
where the system allows it. Figures are ratios between neighbours in one table, not absolutes.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

import uvloop

from shared.resilience.outbound import BackendSettings, Outbound
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import ReplyHeaders, WireReply
from shared.resilience.wire_default import WireName, open_wire

WIRES: tuple[WireName, ...] = ("asyncio", "pyreqwest", "aiohttp", "httpx")
CONCURRENCIES = (1, 20, 100)
HEADERS = {
    "authorization": "Bearer 00D000000000001!AQEAQ",
    "accept": "application/json",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
BODY = b'{"name":"' + b"x" * 490 + b'"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 05:00:00 GMT\r\n"
    b"Cache-Control: no-store\r\nX-Request-Id: 2f6b\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class Answering(asyncio.Protocol):
    """Answers every request head alike."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.unread = b""

    def data_received(self, data: bytes) -> None:
        *heads, self.unread = (self.unread + data).split(b"\r\n\r\n")
        self.transport.write(ANSWER * len(heads))  # type: ignore[attr-defined]


async def serve() -> None:
    """Serve until the parent ends this process."""
    keep_to_core(1)
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def keep_to_core(core: int) -> None:
    """Pin this process, where the system has that and the core."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {core})


async def cpu_per_call(call: Callable[[], Awaitable[object]], concurrency: int, total: int) -> float:
    """Microseconds of this process's CPU (all threads) per call, the better of three runs."""

    async def worker(count: int) -> None:
        for _ in range(count):
            await call()

    each = max(1, total // concurrency)
    await asyncio.gather(*(worker(2) for _ in range(concurrency)))
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        await asyncio.gather(*(worker(each) for _ in range(concurrency)))
        best = min(best, (time.process_time() - began) / (each * concurrency) * 1e6)
    return best


class AnsweringAtOnce:
    """A wire without a network: what is left is the pipeline."""

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
        *,
        repeatable: bool = True,
    ) -> WireReply:
        del method, url, headers, body, seconds, repeatable
        return WireReply(200, ReplyHeaders((("content-type", "application/json"),)), BODY)


async def measure(url: str, total: int) -> None:
    """Print both tables."""
    print(f"{'wire, CPU µs/request at':<26}" + "".join(f"{c:>8}" for c in CONCURRENCIES))
    for name in WIRES:
        wire = open_wire(name)
        try:
            cells = [
                await cpu_per_call(lambda w=wire: w.send("GET", url, HEADERS, None, 60.0), c, total)
                for c in CONCURRENCIES
            ]
        finally:
            await wire.aclose()
        print(f"{name:<26}" + "".join(f"{cell:>8.0f}" for cell in cells))
    bare = AnsweringAtOnce()
    backend = Outbound(bare).backend(  # type: ignore[arg-type]
        "crm", BackendSettings(url=url, max_concurrent=1000), credentials=None, classify=no_problem
    )
    alone = await cpu_per_call(lambda: bare.send("GET", url, HEADERS, None, 60.0), 1, total * 5)
    through = await cpu_per_call(lambda: backend.send("GET", "/x?y=z", headers=HEADERS, operation="read"), 1, total * 5)
    print(f"\npipeline over the bare wire: {through - alone:.1f} µs/call (goal: at most 25)")


def no_problem(reply: WireReply) -> None:
    """Every reply is an answer, after the look a translator takes."""
    assert problem_of_status(reply, "crm") is None


def main() -> None:
    """Start the server, measure, end the server."""
    if sys.argv[1:] == ["--serve"]:
        uvloop.run(serve())
        return
    total = int(sys.argv[1]) if sys.argv[1:] else 3000
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        keep_to_core(0)
        uvloop.run(measure(f"http://127.0.0.1:{port}", total))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


if __name__ == "__main__":
    main()
