"""When a step is tried again: after 1, 4, 16 and 60 seconds, then never.

Only transient problems are retried. `Retry-After` is obeyed when it asks for more. An open circuit parks
the flow instead: no attempt was made, so none is counted (the schedule lasts only 81 s; an outage of ten
minutes would otherwise end as a heap of dead letters).
"""

from typing import NamedTuple

from shared.binding.problems import BackendFault, CircuitOpen, InternalFault, Problem

RETRY_DELAYS: tuple[float, ...] = (1.0, 4.0, 16.0, 60.0)
"""Seconds between the attempts at one step."""

LONGEST_PARK = 30.0
"""Seconds after which a parked flow asks again at the latest, unless the breaker said more."""


class Retry(NamedTuple):
    """Try again in `after` seconds; `attempts` and `parks` are the counts from now on."""

    after: float
    attempts: int
    parks: int


def next_try(problem: Problem, attempts: int, parks: int, delays: tuple[float, ...]) -> Retry | None:
    """Decide what follows a failed attempt.

    Args:
        problem: What the attempt ended with.
        attempts: Attempts counted, this one included.
        parks: How often in a row an open circuit put the step off.
        delays: Seconds before the second, third, … attempt.

    Returns:
        None when the step has failed for good.
    """
    if isinstance(problem, CircuitOpen):
        after = problem.retry_after or min(2.0 ** min(parks, 10), LONGEST_PARK)
        return Retry(after, attempts - 1, parks + 1)
    if not problem.transient or attempts > len(delays):
        return None
    return Retry(max(delays[attempts - 1], problem.retry_after or 0.0), attempts, 0)


def leaves_doubt(problem: Problem) -> bool:
    """True when nobody can say whether a write that ended so took effect."""
    return isinstance(problem, (BackendFault, InternalFault))
