"""What a rate-limit decision costs, and that several processes together never admit too much.

Run: python tests/benchmarks/bench_rate_limit.py
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience.rate_limit import Policy, RateLimiter, Tier, rate_limit_headers

_PROCESSES = 4
_SECONDS = 3.0
_LIMIT, _BURST = 2_000, 500
_WIDE = {
    "internal": Tier(Policy("internal", 100_000_000, 60, 1_000_000)),
    "standard": Tier(Policy("standard", 9, 1, 9)),
}
_TIGHT = {"standard": Tier(Policy("standard", _LIMIT, 1, _BURST))}


async def leased(url: str) -> None:
    """A busy client: all but one decision in thousands come from a lease."""
    async with valkey_client(url) as valkey:
        limiter = RateLimiter(valkey, _WIDE)
        for _ in range(2_000):  # let the lease grow to the demand
            await limiter.take("app", "internal", "crm:read")
        number = 200_000
        began = time.perf_counter()
        for _ in range(number):
            if limiter.take_leased("app", "internal", "crm:read") is None:
                await limiter.take("app", "internal", "crm:read")
        each = (time.perf_counter() - began) / number
        decision = await limiter.take("app", "internal", "crm:read")
        began = time.perf_counter()
        for _ in range(number):
            rate_limit_headers(decision)
        headers = (time.perf_counter() - began) / number
        print(f"leased, amortised  {each * 1e6:8.2f} us   {1 / each:12,.0f} decisions/s")
        print(f"headers            {headers * 1e6:8.2f} us")


async def unleased(url: str) -> None:
    """A new client each time: every decision is a question to Valkey."""
    async with valkey_client(url) as valkey:
        limiter = RateLimiter(valkey, _WIDE)
        took: list[float] = []
        for number in range(5_000):
            began = time.perf_counter()
            await limiter.take(f"app-{number}", "standard", "crm:read")
            took.append(time.perf_counter() - began)
        took.sort()
        mean, middle, slow = statistics.mean(took), took[len(took) // 2], took[int(len(took) * 0.99)]
        print(
            f"asked              {mean * 1e6:8.2f} us   {1 / mean:12,.0f} decisions/s"
            f"   p50 {middle * 1e6:.0f} us  p99 {slow * 1e6:.0f} us"
        )


async def refused(url: str) -> None:
    """A client beyond its limit: the refusal is remembered until it ends."""
    async with valkey_client(url) as valkey:
        limiter = RateLimiter(valkey, _WIDE)
        number = 200_000
        began = time.perf_counter()
        for _ in range(number):
            if limiter.take_leased("loud", "standard", "crm:read") is None:
                await limiter.take("loud", "standard", "crm:read")
        each = (time.perf_counter() - began) / number
        print(f"refused, amortised {each * 1e6:8.2f} us   {1 / each:12,.0f} decisions/s")


async def hammer(url: str) -> None:
    """One of the clients of `over_admission`: prints its first and last decision and what was admitted."""
    async with valkey_client(url) as valkey:
        limiter = RateLimiter(valkey, _TIGHT, processes=_PROCESSES)
        admitted = offered = asked_nobody = alone = 0
        began = time.monotonic()
        while time.monotonic() < began + _SECONDS:
            for _ in range(50):
                decision = limiter.take_leased("app", "standard", "crm:read")
                if decision is None:
                    decision = await limiter.take("app", "standard", "crm:read")
                else:
                    asked_nobody += 1
                offered += 1
                admitted += decision.allowed
                alone += decision.local
            await asyncio.sleep(0.001)  # leave a core to the server
        print("result", began, time.monotonic(), offered, admitted, asked_nobody, alone)


async def over_admission(url: str) -> int:
    """Several processes hammer one allowance; answers by how much they exceeded it."""
    command = [sys.executable, __file__, "hammer", url]
    clients = [await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE) for _ in range(_PROCESSES)]
    outputs = [(await each.communicate())[0].splitlines() for each in clients]
    answers = [line.split()[1:] for lines in outputs for line in lines if line.startswith(b"result ")]
    began = min(float(each[0]) for each in answers)
    ended = max(float(each[1]) for each in answers)
    columns = range(2, 6)
    offered, admitted, asked_nobody, alone = (sum(int(each[nth]) for each in answers) for nth in columns)
    allowed = _LIMIT * (ended - began) + _BURST
    print(
        f"{_PROCESSES} processes, {ended - began:.2f} s: offered {offered:,}, allowed {allowed:,.1f}, admitted "
        f"{admitted:,} ({admitted / allowed:.2%}); {asked_nobody / offered:.2%} decided "
        f"without asking, {alone:,} without the server"
    )
    return max(0, admitted - int(allowed))


async def main() -> int:
    """Measure everything; the exit status is 1 when more was admitted than allowed."""
    with tempfile.TemporaryDirectory() as state:
        async with EmbeddedValkey(Path(state)) as valkey:
            await leased(valkey.url)
            await unleased(valkey.url)
            await refused(valkey.url)
            excess = await over_admission(valkey.url)
    print(f"over-admission     {excess}")
    return 1 if excess else 0


if __name__ == "__main__":
    job = hammer(sys.argv[2]) if sys.argv[1:2] == ["hammer"] else main()
    sys.exit(uvloop.run(job))
