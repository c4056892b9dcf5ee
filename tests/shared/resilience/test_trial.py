"""What a call tells the circuit breaker, and what an open circuit tells about the problem of a call."""

import asyncio
import time

import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendUnavailable, DeadlineExceeded, NotFound, Problem
from shared.resilience.circuit_breaker import CircuitBreaker
from shared.resilience.deadline import Deadline
from shared.resilience.outbound_call import OutboundCall
from shared.resilience.outbound_trial import Trial


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker("erp", clock=time.monotonic, min_calls=3, probe_interval=0.0)


async def call(breaker: CircuitBreaker, problem: Problem | None = None, *, hangs: bool = False) -> None:
    asked = OutboundCall("POST", "http://erp/", None, None, "create", None)
    async with Deadline("erp", 0.02 if hangs else 5.0) as deadline, Trial(breaker, asked, deadline, patience=0.01):
        asked.answered = not hangs
        if hangs:
            await asyncio.sleep(5)
        if problem is not None:
            raise problem


async def fails(breaker: CircuitBreaker, problem: Problem | None = None, *, hangs: bool = False) -> dict[str, object]:
    with pytest.raises(Problem) as raised:
        await call(breaker, problem, hangs=hangs)
    return raised.value.extensions


async def test_the_failure_that_opens_the_circuit_and_those_of_its_probes_say_that_it_is_open(
    breaker: CircuitBreaker,
) -> None:
    said = [await fails(breaker, BackendUnavailable("down")) for _ in range(5)]
    assert said == [{}, {}, {"circuit": "open"}, {"circuit": "open"}, {"circuit": "open"}]


async def test_a_call_given_up_while_the_backend_hangs_says_so_too(breaker: CircuitBreaker) -> None:
    said = [await fails(breaker, hangs=True) for _ in range(4)]
    assert said == [{}, {}, {"circuit": "open"}, {"circuit": "open"}]


async def test_a_refusal_closes_the_circuit_and_says_nothing_of_it(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        await fails(breaker, BackendUnavailable("down"))
    assert await fails(breaker, NotFound("none")) == {}
    assert breaker.state == "closed"


async def test_the_backends_own_refusal_comes_before_its_callers_timer(breaker: CircuitBreaker) -> None:
    async def ask() -> None:
        asked = OutboundCall("GET", "http://erp/", None, None, "read", None)
        async with Deadline("erp", 5.0) as deadline, Trial(breaker, asked, deadline, patience=0.01):
            await asyncio.sleep(5)

    with calling(CallContext(deadline=time.monotonic() + 0.1)), pytest.raises(DeadlineExceeded, match="erp did not"):
        await asyncio.wait_for(ask(), 0.1)
