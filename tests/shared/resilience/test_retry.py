"""What is repeated, how often, and when not."""

import time
from collections.abc import Awaitable, Callable

import pytest

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    NotFound,
    Problem,
    QuotaExceeded,
)
from shared.resilience.deadline import Deadline
from shared.resilience.outbound_faults import LostReply, NotReached
from shared.resilience.retry import Retry, RetryBudget


def failing(*problems: Problem) -> tuple[Callable[[int], Awaitable[str]], list[int]]:
    seen: list[int] = []

    async def attempt(number: int) -> str:
        seen.append(number)
        if number < len(problems):
            raise problems[number]
        return "reply"

    return attempt, seen


def retry(*, delays: tuple[float, ...] = (0.001, 0.002), reserve: float = 10.0) -> Retry:
    return Retry("erp", delays, RetryBudget(0.2, reserve))


async def run(
    policy: Retry,
    *problems: Problem,
    repeatable: bool = True,
    probe: bool = False,
    seconds: float = 10,
) -> list[int]:
    attempt, seen = failing(*problems)
    async with Deadline("erp", seconds) as deadline:
        assert await policy.run(attempt, deadline, repeatable=repeatable, probe=probe) == "reply"
    return seen


async def test_transient_failures_are_repeated() -> None:
    assert await run(retry(), BackendUnavailable("a"), LostReply("b")) == [0, 1, 2]


async def test_the_last_failure_is_raised() -> None:
    with pytest.raises(BackendUnavailable, match="third"):
        await run(retry(), *(BackendUnavailable(which) for which in ("first", "second", "third")))


@pytest.mark.parametrize("problem", [NotFound("x"), BackendFault("x")])
async def test_permanent_failures_are_not_repeated(problem: Problem) -> None:
    attempt, seen = failing(problem)
    async with Deadline("erp", 10) as deadline:
        with pytest.raises(type(problem)):
            await retry().run(attempt, deadline, repeatable=True, probe=False)
    assert seen == [0]


async def test_what_must_not_be_repeated_is_not() -> None:
    with pytest.raises(BackendUnavailable):
        await run(retry(), BackendUnavailable("x"), repeatable=False)


async def test_a_request_that_was_never_sent_is_always_repeated() -> None:
    assert await run(retry(), NotReached("x"), repeatable=False) == [0, 1]


async def test_a_probe_asks_once() -> None:
    with pytest.raises(BackendUnavailable):
        await run(retry(), BackendUnavailable("x"), probe=True)


async def test_repeats_are_a_bounded_share_of_calls() -> None:
    policy = retry(reserve=2.0)
    repeats = 0
    for _ in range(100):
        attempt, seen = failing(*[BackendUnavailable("x")] * 9)
        async with Deadline("erp", 10) as deadline:
            with pytest.raises(BackendUnavailable):
                await policy.run(attempt, deadline, repeatable=True, probe=False)
        repeats += len(seen) - 1
    assert repeats <= 2 + 100 * 0.2


async def test_retry_after_is_obeyed_within_the_deadline() -> None:
    began = time.monotonic()
    assert await run(retry(), QuotaExceeded("x", retry_after=0.2)) == [0, 1]
    assert time.monotonic() - began >= 0.2


async def test_retry_after_beyond_the_deadline_is_handed_on() -> None:
    with pytest.raises(QuotaExceeded) as refusal:
        await run(retry(), QuotaExceeded("x", retry_after=60), seconds=1)
    assert refusal.value.retry_after == 60


@pytest.mark.parametrize("kind", [QuotaExceeded, BackendUnavailable])
async def test_while_the_backend_wants_silence_nobody_calls(kind: type[Problem]) -> None:
    policy = retry()
    with pytest.raises(kind):
        await run(policy, kind("x", retry_after=30), seconds=1)
    attempt, seen = failing()
    async with Deadline("erp", 1) as deadline:
        with pytest.raises(kind, match="nothing was sent") as refusal:
            await policy.run(attempt, deadline, repeatable=False, probe=False)
    assert seen == []
    assert refusal.value.retry_after == pytest.approx(30, abs=1)


async def test_a_short_silence_is_waited_out() -> None:
    policy, began = retry(delays=()), time.monotonic()
    with pytest.raises(QuotaExceeded):
        await run(policy, QuotaExceeded("x", retry_after=0.2))
    assert await run(policy) == [0]
    assert time.monotonic() - began >= 0.2


async def test_no_wait_begins_that_outlasts_the_deadline() -> None:
    began = time.monotonic()
    with pytest.raises(BackendUnavailable):
        await run(retry(delays=(60.0,)), BackendUnavailable("x", retry_after=60), seconds=20)
    assert time.monotonic() - began < 15
