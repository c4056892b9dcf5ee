"""Defects put into the engine on purpose, to see that a proof finds them. Nothing imports this but proofs and tests."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Literal
from unittest.mock import patch

from shared.binding.problems import Problem
from shared.durable import attempt, retry_schedule, sqlite_claims, sqlite_rows

Bug = Literal["fence", "attempt", "doubt", "retry"]
"""fence: a worker that lost a flow may still write. attempt: a flow's lost workers are not counted when it is claimed.
doubt: a takeover forgets that a step may have happened. retry: an attempt is counted one attempt late."""

_FENCE = " AND flow.fence = v.column2"


@contextmanager
def planted(bug: Bug | None) -> Generator[None]:
    """The engine with this defect, for the length of the block; as it is for None."""
    with ExitStack() as stack:
        if bug == "fence":
            for texts in (sqlite_rows._STEP_TEXTS, sqlite_rows._CHANGE_TEXTS):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                unfenced = {size: text.replace(_FENCE, "") for size, text in texts.items()}
                stack.enter_context(patch.dict(texts, unfenced))
        elif bug == "attempt":
            uncounted = "UPDATE flow SET in_doubt = 1 WHERE flow_id IN (SELECT value FROM json_each(?))"
            stack.enter_context(patch.object(sqlite_claims, "_TAKE_OVER", uncounted))
        elif bug == "doubt":
            certain = sqlite_claims._TAKE_OVER.replace("in_doubt = 1", "in_doubt = 0")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            stack.enter_context(patch.object(sqlite_claims, "_TAKE_OVER", certain))
        elif bug == "retry":
            stack.enter_context(patch.object(attempt, "next_try", _late))
        yield


def _late(
    problem: Problem, attempts: int, parks: int, delays: tuple[float, ...], rest: float
) -> retry_schedule.Retry | None:
    return retry_schedule.next_try(problem, max(1, attempts - 1), parks, delays, rest)
