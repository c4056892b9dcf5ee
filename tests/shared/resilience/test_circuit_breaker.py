"""The circuit breaker against a clock that only moves when told."""

from collections.abc import Callable

import pytest

from shared.binding.problems import CircuitOpen
from shared.resilience.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[tuple[str, str]]) -> CircuitBreaker:
    return CircuitBreaker("erp", clock=clock, min_calls=10, on_change=lambda name, state: changes.append((name, state)))


def calls(breaker: CircuitBreaker, count: int, *, failed: bool | None) -> None:
    for _ in range(count):
        breaker.record(breaker.admit(), failed=failed)


def opened(breaker: CircuitBreaker) -> CircuitBreaker:
    calls(breaker, 10, failed=True)
    return breaker


def test_few_failures_open_nothing(breaker: CircuitBreaker) -> None:
    calls(breaker, 9, failed=True)
    assert breaker.state == "closed"


def test_half_of_enough_calls_failing_opens(breaker: CircuitBreaker, changes: list[tuple[str, str]]) -> None:
    calls(breaker, 5, failed=False)
    calls(breaker, 4, failed=True)
    assert breaker.state == "closed"
    calls(breaker, 1, failed=True)
    assert breaker.state == "open"
    assert changes == [("erp", "open")]


def test_a_minority_of_failures_opens_nothing(breaker: CircuitBreaker) -> None:
    for _ in range(50):
        calls(breaker, 3, failed=False)
        calls(breaker, 2, failed=True)
    assert breaker.state == "closed"


def test_calls_that_say_nothing_do_not_count(breaker: CircuitBreaker) -> None:
    calls(breaker, 9, failed=True)
    calls(breaker, 100, failed=None)
    assert breaker.state == "closed"


@pytest.mark.parametrize(("later", "successes"), [(31.0, 1), (3600.0, 0)])
def test_failures_are_forgotten_after_the_window(
    breaker: CircuitBreaker, clock: Clock, later: float, successes: int
) -> None:
    calls(breaker, 9, failed=True)
    clock.now += later
    calls(breaker, successes, failed=False)
    calls(breaker, 8, failed=True)
    assert breaker.state == "closed"


def test_a_lone_flows_five_attempts_open_the_circuit_when_nothing_else_succeeds(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    for wait in (0, 1, 4, 16):
        clock.now += wait
        calls(breaker, 1, failed=True)
    assert breaker.state == "closed"
    clock.now += 60
    calls(breaker, 1, failed=True)
    assert breaker.state == "open"


def test_one_success_among_few_failures_keeps_it_closed(breaker: CircuitBreaker, clock: Clock) -> None:
    for failed in (True, True, True, False, True, True, True, True):
        clock.now += 29
        calls(breaker, 1, failed=failed)
    assert breaker.state == "closed"


def test_a_burst_of_failures_among_many_successes_opens_nothing(breaker: CircuitBreaker) -> None:
    calls(breaker, 100, failed=False)
    calls(breaker, 50, failed=True)
    calls(breaker, 100, failed=False)
    assert breaker.state == "closed"


def test_failures_spread_over_the_window_add_up(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(10):
        calls(breaker, 1, failed=True)
        clock.now += 2.5
    assert breaker.state == "open"


def test_open_refuses_and_says_when_to_return(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 0.25
    with pytest.raises(CircuitOpen, match="erp") as refusal:
        breaker.admit()
    assert refusal.value.retry_after == pytest.approx(0.75)


def test_one_probe_a_second_reaches_an_ailing_backend(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    probes = 0
    for _ in range(600 * 20):  # ten minutes, twenty callers a second
        clock.now += 0.05
        try:
            permit = breaker.admit()
        except CircuitOpen:
            continue
        probes += 1
        breaker.record(permit, failed=True)
    assert 550 <= probes <= 600


def test_only_one_probe_is_under_way(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 1
    breaker.admit()
    assert breaker.state == "half-open"
    clock.now += 100
    with pytest.raises(CircuitOpen):
        breaker.admit()


def test_successful_probe_closes_and_forgets(
    breaker: CircuitBreaker, clock: Clock, changes: list[tuple[str, str]]
) -> None:
    opened(breaker)
    clock.now += 1
    calls(breaker, 1, failed=False)
    assert [state for _, state in changes] == ["open", "half-open", "closed"]
    calls(breaker, 9, failed=True)
    assert breaker.state == "closed"


def test_probe_that_says_nothing_is_followed_by_another(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 1
    calls(breaker, 1, failed=None)
    calls(breaker, 1, failed=False)
    assert breaker.state == "closed"


@pytest.mark.parametrize("failed", [True, False])
def test_calls_from_before_the_change_no_longer_count(breaker: CircuitBreaker, clock: Clock, failed: bool) -> None:
    late = breaker.admit()
    opened(breaker)
    clock.now += 1
    breaker.admit()
    breaker.record(late, failed=failed)
    assert breaker.state == "half-open"


def test_state_changes_need_no_listener(clock: Callable[[], float]) -> None:
    assert opened(CircuitBreaker("erp", clock=clock)).state == "open"


def test_operators_read_once_that_it_opened_and_once_that_it_closed(
    breaker: CircuitBreaker, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(breaker)
    for failed in (True, True, False):
        clock.now += 2
        calls(breaker, 1, failed=failed)
    said = capsys.readouterr().err
    assert [said.count('"circuit_breaker.opened"'), said.count('"circuit_breaker.closed"')] == [1, 1]
    assert '"backend":"erp"' in said
