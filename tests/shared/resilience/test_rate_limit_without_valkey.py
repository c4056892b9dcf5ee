"""Valkey killed, stopped or hung: decisions stay fast, the limit holds, and the limiter finds back alone."""

import asyncio
import os
import signal
import statistics
import time
from pathlib import Path

import pytest
from eventually import eventually

from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience.rate_limit import Decision, Policy, RateLimiter, Tier

pytestmark = pytest.mark.alone  # it starves Valkey and counts to the permit

_SLOWEST = 0.02


def _tiers(limit: int, window: int, burst: int) -> dict[str, Tier]:
    return {"standard": Tier(Policy("standard", limit, window, burst))}


async def _take(limiter: RateLimiter, client: str = "app") -> Decision:
    return await limiter.take(client, "standard", "crm:read")


async def _back(limiter: RateLimiter) -> None:
    await eventually(lambda: not limiter.local)


async def test_without_a_configured_server_each_process_gets_its_share() -> None:
    limiter = RateLimiter(None, _tiers(60, 60, 20), processes=4)
    decisions = [await _take(limiter) for _ in range(10)]
    assert [each.allowed for each in decisions] == [True] * 5 + [False] * 5
    assert all(each.local for each in decisions)
    assert decisions[-1].retry_after == pytest.approx(4.0, abs=0.1)
    assert limiter.local


async def test_through_five_minutes_alone_four_processes_together_admit_the_limit_and_no_more() -> None:
    now = 0.0
    limiters = [RateLimiter(None, _tiers(600, 60, 40), processes=4, clock=lambda: now) for _ in range(4)]
    admitted = 0
    while now < 300.0:
        for limiter in limiters:
            admitted += (await _take(limiter)).allowed
        now += 0.05
    allowed = 10 * 300 + 40
    assert allowed * 0.98 <= admitted <= allowed * 1.01


async def test_even_a_tiny_share_admits_one_request() -> None:
    limiter = RateLimiter(None, _tiers(60, 60, 2), processes=8)
    assert [(await _take(limiter)).allowed for _ in range(3)] == [True, False, False]


async def test_a_stopped_server_costs_one_short_wait_and_then_nothing(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        limiter = RateLimiter(client, _tiers(6_000, 60, 50), recheck_seconds=0.3)
        assert not (await _take(limiter)).local
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            taken: list[float] = []
            for number in range(60):
                began = time.monotonic()
                decision = await _take(limiter, f"app-{number % 5}")
                taken.append(time.monotonic() - began)
                assert decision.local
                assert decision.allowed
                await asyncio.sleep(0.01)
            assert statistics.median(taken) < _SLOWEST / 2  # nobody waits for it any more
            assert max(taken) < _SLOWEST + 0.5  # of which most is the test machine's own scheduling
            assert limiter.take_leased("app-0", "standard", "crm:read") is not None
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await _back(limiter)
        assert not (await _take(limiter)).local
        await limiter.aclose()


async def test_a_server_that_only_paused_is_back_with_its_late_answer_and_what_was_admitted_is_charged(
    tmp_path: Path,
) -> None:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        limiter = RateLimiter(client, _tiers(6, 60, 40), recheck_seconds=30.0)
        assert (await _take(limiter)).remaining == 39
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        decisions = [await _take(limiter) for _ in range(10)]
        os.kill(server.pid, signal.SIGCONT)
        assert all(each.local for each in decisions)
        began = time.monotonic()
        await _back(limiter)
        assert time.monotonic() - began < 25
        stranger = RateLimiter(client, _tiers(6, 60, 40), patience=20.0)
        assert (await _take(stranger)).remaining <= 40 - 12
        await limiter.aclose()


async def test_all_who_wait_when_the_server_hangs_are_answered_in_time(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)

        async def in_time() -> bool:  # in one round at least: the test machine's scheduling takes time too
            limiter = RateLimiter(client, _tiers(6, 60, 10))
            began = time.monotonic()
            decisions = await asyncio.gather(*(_take(limiter) for _ in range(50)))
            took = time.monotonic() - began
            assert sum(each.allowed for each in decisions) == 10
            await limiter.aclose()
            return took <= _SLOWEST + 0.01

        try:
            await eventually(in_time)
        finally:
            os.kill(server.pid, signal.SIGCONT)


async def test_a_killed_server_is_replaced_and_found_again(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        limiter = RateLimiter(client, _tiers(6, 60, 10), recheck_seconds=0.1)
        for _ in range(6):
            assert (await _take(limiter)).allowed
        await client.execute_command("WAITAOF", 1, 0, 5_000)  # on disk, so that the kill cannot take it
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await asyncio.sleep(0.02)
        decisions = [await _take(limiter) for _ in range(8)]
        assert sum(each.allowed for each in decisions) == 4  # no second burst at the start of the outage
        await _back(limiter)
        assert not (await _take(limiter)).allowed  # nor at its end
        await limiter.aclose()


async def test_what_was_admitted_alone_is_charged_when_the_server_is_back(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    async with valkey_client(server.url) as client:
        limiters = [RateLimiter(client, _tiers(6, 60, 40), processes=4, recheck_seconds=0.1) for _ in range(4)]
        await server.stop()
        admitted = [sum([(await _take(each)).allowed for _ in range(20)]) for each in limiters]
        assert admitted == [10, 10, 10, 10]
        await server.start()
        for limiter in limiters:
            await _back(limiter)
        stranger = RateLimiter(client, _tiers(6, 60, 40), patience=20.0)
        assert (await _take(stranger)).remaining <= 3  # what refilled during the test
        for limiter in (*limiters, stranger):
            await limiter.aclose()
    await server.stop()


async def test_a_server_that_refuses_to_write_counts_as_lost(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        await client.config_set("maxmemory", "1")
        limiter = RateLimiter(client, _tiers(60, 60, 10), recheck_seconds=0.05)
        assert (await _take(limiter)).local
        await client.config_set("maxmemory", "0")
        await _back(limiter)
        assert not (await _take(limiter)).local
        await limiter.aclose()


async def test_closing_answers_those_who_still_wait(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        limiter = RateLimiter(client, _tiers(60, 60, 10), patience=5.0)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        waiting = asyncio.create_task(_take(limiter))
        await asyncio.sleep(0.01)
        await limiter.aclose()
        os.kill(server.pid, signal.SIGCONT)
        assert (await waiting).local


async def test_through_an_outage_four_processes_stay_within_the_limit(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    async with valkey_client(server.url) as client:
        tiers = _tiers(400, 1, 400)
        limiters = [RateLimiter(client, tiers, processes=4, recheck_seconds=0.2) for _ in range(4)]
        began = time.monotonic()
        admitted = alone = 0

        async def hammer(limiter: RateLimiter) -> None:
            nonlocal admitted, alone
            while time.monotonic() < began + 3.0:
                for _ in range(5):
                    decision = await _take(limiter)
                    admitted += decision.allowed
                    alone += decision.allowed and decision.local
                await asyncio.sleep(0.001)

        async def outage() -> None:
            await asyncio.sleep(0.8)
            await server.stop()
            await asyncio.sleep(1.0)
            await server.start()

        await asyncio.gather(outage(), *map(hammer, limiters))
        seconds = time.monotonic() - began
        for limiter in limiters:
            await limiter.aclose()
    await server.stop()
    allowed = 400 * seconds + 400
    assert alone > 50
    assert allowed * 0.5 <= admitted <= allowed * 1.01


async def test_a_server_that_only_pauses_is_not_reported_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as client:
        limiter = RateLimiter(client, _tiers(6_000, 60, 50), recheck_seconds=5)
        await _take(limiter)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        assert (await _take(limiter, "another")).local
        os.kill(server.pid, signal.SIGCONT)
        await _back(limiter)
        await limiter.aclose()
    assert "rate_limit.valkey" not in capsys.readouterr().err
