"""The limiter admits what the policy allows, no more over any stretch of time, whoever asks."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from eventually import eventually
from redis.asyncio import Redis

from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience.rate_limit import Decision, Policy, RateLimiter, Tier
from shared.resilience.rate_limit_script import Ask, grant

pytestmark = pytest.mark.alone  # it starves Valkey and counts to the permit


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[Redis]:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        yield client


def _limiter(valkey: Redis, limit: int, window: int, burst: int, *, processes: int = 1) -> RateLimiter:
    tiers = {"standard": Tier(Policy("standard", limit, window, burst))}
    return RateLimiter(valkey, tiers, processes=processes, patience=20.0)  # a busy test machine is no outage


async def _decide(limiter: RateLimiter, client: str = "app", group: str = "crm:read") -> Decision:
    return limiter.take_leased(client, "standard", group) or await limiter.take(client, "standard", group)


async def test_a_burst_is_admitted_exactly_then_refused_with_the_time_to_wait(valkey: Redis) -> None:
    limiter = _limiter(valkey, limit=6, window=60, burst=20)
    decisions = [await _decide(limiter) for _ in range(25)]
    assert [each.allowed for each in decisions] == [True] * 20 + [False] * 5
    assert [each.remaining for each in decisions[:20]] == list(range(19, -1, -1))
    last = decisions[-1]
    assert last.retry_after == pytest.approx(10, abs=8)
    assert last.reset_seconds == pytest.approx(200, abs=8)
    assert not last.local


async def test_a_refused_client_is_admitted_after_the_time_it_was_told(valkey: Redis) -> None:
    limiter = _limiter(valkey, limit=50, window=1, burst=5)
    while (decision := await _decide(limiter)).allowed:
        pass
    assert decision.retry_after is not None
    await asyncio.sleep(decision.retry_after + 0.002)
    assert (await _decide(limiter)).allowed


async def test_clients_groups_and_tiers_do_not_share_an_allowance(valkey: Redis) -> None:
    tiers = {
        "standard": Tier(Policy("standard", 1, 60, 1)),
        "gold": Tier(Policy("gold", 1, 60, 2), groups={"crm:write": Policy("gold-write", 1, 60, 3)}),
    }
    limiter = RateLimiter(valkey, tiers, patience=20.0)

    async def admitted(client: str, tier: str, group: str) -> int:
        return sum([(await limiter.take(client, tier, group)).allowed for _ in range(5)])

    assert await admitted("a", "standard", "crm:read") == 1
    assert await admitted("b", "standard", "crm:read") == 1
    assert await admitted("a", "standard", "erp:read") == 1
    assert await admitted("a", "gold", "crm:read") == 2
    assert await admitted("a", "gold", "crm:write") == 3
    assert await admitted("c", "no-such-tier", "crm:read") == 1


async def test_concurrent_requests_share_one_question_and_the_burst_holds(valkey: Redis) -> None:
    limiter = _limiter(valkey, limit=10, window=60, burst=30)
    decisions = await asyncio.gather(*(_decide(limiter) for _ in range(200)))
    assert sum(each.allowed for each in decisions) == 30
    calls = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert calls <= 3


async def test_a_busy_client_is_decided_from_leases(valkey: Redis) -> None:
    limiter = _limiter(valkey, limit=60_000, window=60, burst=10_000)
    decided = [await _decide(limiter) for _ in range(5_000)]
    assert all(each.allowed for each in decided)
    assert (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"] < 500


async def test_an_occasional_client_gets_no_lease_to_waste(valkey: Redis) -> None:
    limiter = _limiter(valkey, limit=60, window=60, burst=100)
    for _ in range(3):
        await _decide(limiter)
        await asyncio.sleep(0.6)
    assert limiter._accounts["app", "standard", "crm:read"].permits == 0


async def test_several_processes_together_never_exceed_any_window(valkey: Redis) -> None:
    limiters = [_limiter(valkey, limit=500, window=1, burst=100, processes=4) for _ in range(4)]
    admitted: list[float] = []
    end = time.monotonic() + 1.5

    async def hammer(limiter: RateLimiter) -> None:
        while time.monotonic() < end:
            before = time.monotonic()
            if (await _decide(limiter)).allowed:
                admitted.append(before)
            await asyncio.sleep(0)

    await asyncio.gather(*map(hammer, limiters))
    admitted.sort()
    # 20 ms of slack: a decision made there is noted here a round trip later
    for start in range(0, len(admitted), 25):
        for stop in range(start, len(admitted), 25):
            seconds = admitted[stop] - admitted[start] + 0.02
            assert stop - start + 1 <= 500 * seconds + 100 + 1
    assert len(admitted) >= 500 * 1.5 * 0.5


async def test_leased_permits_keep_their_place_in_the_bucket_until_the_lease_ends(valkey: Redis) -> None:
    ask = Ask("k", interval=0.001, burst=100, needed=0, extra=50, debt=0.0, lease=1.0)
    assert (await grant(valkey, ask)).permits == 50
    await asyncio.sleep(0.1)  # the bucket would be full again, but 50 may still be spent
    assert (await grant(valkey, ask._replace(needed=100, extra=0))).permits == 50
    await asyncio.sleep(2.1)  # leases are counted by periods: this one's and the one before
    assert (await grant(valkey, ask._replace(needed=200, extra=0))).permits == 100


async def test_debt_is_charged_even_when_it_overdraws_but_by_one_burst_at_most(valkey: Redis) -> None:
    ask = Ask("k", interval=10.0, burst=10, needed=0, extra=0, debt=4.0, lease=0.1)
    assert (await grant(valkey, ask)).remaining == 6
    assert (await grant(valkey, ask._replace(debt=9.0))).remaining == 0
    nothing_owed = ask._replace(debt=0.0, needed=1)
    assert (await grant(valkey, nothing_owed)).retry_after == pytest.approx(40, abs=8)
    await grant(valkey, ask._replace(debt=500.0))
    assert (await grant(valkey, nothing_owed)).retry_after == pytest.approx(110, abs=8)


async def test_a_time_left_far_ahead_by_a_stepped_clock_heals(valkey: Redis) -> None:
    await valkey.set("k", f"{int((time.time() + 86_400) * 1e6)} 0 0 0")
    ask = Ask("k", interval=0.02, burst=2, needed=1, extra=0, debt=0.0, lease=0.001)
    assert (await grant(valkey, ask)).permits == 0
    await asyncio.sleep(0.07)  # one burst overdrawn, then one permit more
    assert (await grant(valkey, ask)).permits == 1


async def test_an_idle_account_is_forgotten_on_both_sides(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.resilience.rate_limit._MOST_ACCOUNTS", 10)
    limiter = _limiter(valkey, limit=1_000, window=1, burst=1)
    for number in range(100):
        await _decide(limiter, f"app-{number}")
        await asyncio.sleep(0.002)
    assert len(limiter._accounts) <= 12

    async def are_forgotten() -> bool:
        return await valkey.keys("triptych:rate:*") == []

    await eventually(are_forgotten)


def test_a_default_tier_that_does_not_exist_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="default tier 'silver'"):
        RateLimiter(None, default_tier="silver")
