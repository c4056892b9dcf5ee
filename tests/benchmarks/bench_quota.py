"""What a call costs that is spent from a budget, heard of, refused; and what a visit to the ledger costs.

Run: python tests/benchmarks/bench_quota.py
"""

import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import uvloop

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import QuotaExceeded
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience.quota import Treasurer
from shared.resilience.quota_budget import Budget
from shared.resilience.quota_forecast import forecast
from shared.resilience.quota_ledger import Errand
from shared.resilience.quota_script import ValkeyLedger
from shared.resilience.wire import WireReply
from system_apis.salesforce.limits import ApiUsage

_MANY, _FEW = 200_000, 3_000
_REPLY = WireReply(200, {"sforce-limit-info": "api-usage=18/1000000000"}, b"")


async def measure(what: str, number: int, call: Callable[[], Awaitable[object]]) -> None:
    """Print the microseconds of one call."""
    began = time.perf_counter()
    for _ in range(number):
        await call()
    each = (time.perf_counter() - began) / number
    print(f"{what:<44}{each * 1e6:9.2f} us   {1 / each:12,.0f}/s")


async def main() -> None:
    """Measure everything on one ledger that has a day's books in it."""
    with tempfile.TemporaryDirectory() as state:
        async with EmbeddedValkey(Path(state)) as server, valkey_client(server.url) as valkey:
            budget = Budget(name="bench", allowance=1_000_000_000)
            ledger = ValkeyLedger(valkey, budget)
            day = ValkeyLedger(valkey, budget, lambda: moment)
            for age in range(288, 0, -1):  # one visit in each bucket of the last day
                moment = time.time() - age * 300
                await day.settle(Errand(needed=100, used=200, allowed=budget.allowance))
            usage = ApiUsage(Treasurer(budget, ledger))

            async def spend_and_hear() -> None:
                await usage.take()
                usage.observe(_REPLY)

            async def hear() -> None:
                usage.observe(_REPLY)

            await measure("spend, leases of 256 among them", _MANY, usage.take)
            await measure("hear Sforce-Limit-Info", _MANY, hear)
            await measure("spend and hear", _MANY, spend_and_hear)
            await measure("visit to the ledger", _FEW, lambda: ledger.settle(Errand(needed=1)))
            await measure("read the books of a day and forecast", 300, lambda: _forecast(ledger))
            full = Treasurer(Budget(name="full", allowance=1), ValkeyLedger(valkey, Budget(name="full", allowance=1)))
            await measure("refusal", _MANY // 10, lambda: _refused(full))


async def _forecast(ledger: ValkeyLedger) -> None:
    forecast(await ledger.read())


async def _refused(treasurer: Treasurer) -> None:
    with suppress(QuotaExceeded), calling(CallContext(priority="batch")):
        await treasurer.take()


if __name__ == "__main__":
    uvloop.run(main())
