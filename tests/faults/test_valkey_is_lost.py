"""Limits and stored answers live in Valkey; without it reads and orders go on, and it comes back by itself."""

import asyncio
import os
import signal
import statistics
import time
from typing import Any

import pytest
from eventually import eventually

READ = "/process/quote-to-order/v1/orders/nothing"
DECISION_SECONDS = 0.02
SCHEDULING_SECONDS = 0.02
"""What a busy test machine may add to one request."""


async def seconds_of_reads(suite: Any, number: int) -> list[float]:
    """How long reads take that need a decision and touch no backend, each of a client seen for the first time."""
    taken: list[float] = []
    for _ in range(number):
        token = suite.token("quote_to_order")
        began = time.perf_counter()
        answer = await suite.ask("GET", READ, token=token)
        taken.append(time.perf_counter() - began)
        assert answer.status_code == 404, answer.text
    return taken


async def is_well(suite: Any) -> bool:
    return await suite.health_of("valkey") == "pass"


@pytest.mark.parametrize("hurt", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
async def test_orders_and_reads_go_on(calm_suite, hurt: signal.Signals) -> None:
    before, usual = await calm_suite.books(), statistics.median(await seconds_of_reads(calm_suite, 10))
    valkey = calm_suite.valkey()
    os.kill(valkey, hurt)
    ordered = asyncio.gather(*(calm_suite.order() for _ in range(2)))
    taken = await seconds_of_reads(calm_suite, 30)
    orders = await ordered
    if hurt == signal.SIGSTOP:
        assert await calm_suite.health_of("valkey") == "warn"
        os.kill(valkey, signal.SIGCONT)
    assert statistics.median(taken) < usual + 0.5  # beside orders; the next test is more exact
    assert [answer.status_code for _, answer in orders] == [201, 201], [answer.text for _, answer in orders]
    assert await calm_suite.books() == {name: found + 2 for name, found in before.items()}

    await eventually(lambda: is_well(calm_suite), every=0.05)
    assert calm_suite.valkey() == valkey or hurt == signal.SIGKILL


async def test_a_single_decision_is_in_time_while_valkey_hangs(calm_suite) -> None:
    async def in_time() -> bool:  # in one round at least: the machine may have other things to do, and more of them
        os.kill(calm_suite.valkey(), signal.SIGCONT)
        await eventually(lambda: is_well(calm_suite), every=0.05)
        usual = statistics.median(await seconds_of_reads(calm_suite, 20))
        os.kill(calm_suite.valkey(), signal.SIGSTOP)
        first, *others = await seconds_of_reads(calm_suite, 20)
        nobody_is_asked_any_more = statistics.median(others) < usual + SCHEDULING_SECONDS / 2
        return first < usual + DECISION_SECONDS + SCHEDULING_SECONDS and nobody_is_asked_any_more

    await eventually(in_time)


@pytest.mark.parametrize("hurt", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
async def test_an_order_with_an_idempotency_key_is_taken_once_or_refused_but_never_lost(calm_suite, hurt) -> None:
    before = await calm_suite.books()
    os.kill(calm_suite.valkey(), hurt)
    quote, answer = await calm_suite.order(**{"idempotency-key": '"5f0c1e1e-0000-4000-8000-000000000001"'})
    assert answer.status_code in (201, 503), answer.text
    if answer.status_code == 503:
        assert answer.headers["retry-after"]
        assert await calm_suite.settled(quote) == ""
    else:
        assert await calm_suite.settled(quote) == "completed"
    stands = answer.status_code == 201
    assert await calm_suite.books() == {name: found + stands for name, found in before.items()}
    if hurt == signal.SIGKILL:
        await eventually(lambda: calm_suite.valkey() != 0, every=0.05)
