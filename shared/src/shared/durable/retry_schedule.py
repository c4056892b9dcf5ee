"""When a step is tried again: after 1, 4, 16 and 60 seconds, then never.

Only transient problems are retried. `Retry-After` is obeyed when it asks for more; a used-up allowance that names the
time of its return is no failed attempt, for nothing was done and the day's calls may be back tomorrow. An open circuit
parks the flow instead, as does a call that found a backend with an open circuit still ailing: such attempts are not
counted (the schedule lasts only 81 s; an outage of ten minutes would otherwise end as a heap of dead letters).
"""

from typing import NamedTuple

from shared.binding.problems import CIRCUIT, OPEN, BackendFault, CircuitOpen, InternalFault, Problem, QuotaExceeded

RETRY_DELAYS: tuple[float, ...] = (1.0, 4.0, 16.0, 60.0)
"""Seconds between the attempts at one step."""

LONGEST_PARK = 120.0
"""Seconds after which a parked flow asks by itself at the latest; mostly it is let go earlier (`parking`)."""


class Retry(NamedTuple):
    """Try again in `after` seconds; `attempts` and `parks` are the counts from now on."""

    after: float
    attempts: int
    parks: int


def next_try(
    problem: Problem, attempts: int, parks: int, delays: tuple[float, ...], rest: float = LONGEST_PARK
) -> Retry | None:
    """Decide what follows a failed attempt.

    Args:
        problem: What the attempt ended with.
        attempts: Attempts counted, this one included.
        parks: How often in a row an open circuit put the step off.
        delays: Seconds before the second, third, … attempt.
        rest: Seconds before the step is tried again if it is parked.

    Returns:
        None when the step has failed for good.
    """
    if isinstance(problem, CircuitOpen):
        return Retry(rest, attempts - 1, parks + 1)
    if not problem.transient:
        return None
    if problem.extensions.get(CIRCUIT) == OPEN:
        tried = max(1, attempts - 1)  # it may have taken effect, so it is not as if it had never been tried
        asked = problem.retry_after or 0.0
        return Retry(asked, tried, 0) if asked > rest else Retry(rest, tried, parks + 1)
    if isinstance(problem, QuotaExceeded) and problem.retry_after:
        return Retry(max(problem.retry_after, min(delays, default=0.0)), attempts - 1, 0)
    if attempts > len(delays):
        return None
    return Retry(max(delays[attempts - 1], problem.retry_after or 0.0), attempts, 0)


def leaves_doubt(problem: Problem) -> bool:
    """True when nobody can say whether a write that ended so took effect."""
    return isinstance(problem, (BackendFault, InternalFault))
