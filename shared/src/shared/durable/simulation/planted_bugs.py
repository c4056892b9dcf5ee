"""Defects put into the engine on purpose, to see that a proof finds them. Nothing imports this but proofs and tests."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any, Literal
from unittest.mock import patch

import msgspec

from shared.binding.problems import Problem
from shared.durable import attempt, journal_sqlite, retry_schedule, sqlite_claims, sqlite_rows
from shared.durable.journal import Save

Bug = Literal["fence", "attempt", "doubt", "retry", "twice", "unsaved"]
"""fence: a worker that lost a flow may still write. attempt: a flow's lost workers are not counted when it is claimed.
doubt: a takeover forgets that a step may have happened. retry: an attempt is counted one attempt late. twice: a step is
called two times in a row. unsaved: a save says that it is durable, and its steps are not."""

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
        elif bug == "twice":
            stack.enter_context(patch.object(attempt, "_call", _twice))
        elif bug == "unsaved":
            stack.enter_context(patch.object(journal_sqlite, "write_saves", _without_steps))
        if find_spec("asyncpg") is not None:
            stack.enter_context(_planted_in_postgres(bug))
        yield


@contextmanager
def _planted_in_postgres(bug: Bug | None) -> Generator[None]:
    from shared.durable import postgres_claims, postgres_rows, postgres_writer  # noqa: PLC0415 - the driver is optional

    uncounted = "UPDATE flow SET in_doubt = true WHERE number = ANY($1::bigint[])"
    certain = postgres_claims._TAKE_OVER.replace("in_doubt = true", "in_doubt = false")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    lock = postgres_rows._LOCK.replace("(v.fence IS NULL OR flow.fence = v.fence)", "true")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    places: dict[str | None, tuple[Any, str, Any]] = {
        "fence": (postgres_rows, "_LOCK", lock),
        "attempt": (postgres_claims, "_TAKE_OVER", uncounted),
        "doubt": (postgres_claims, "_TAKE_OVER", certain),
        "unsaved": (postgres_writer, "write_saves", _without_steps_in_postgres),
    }
    if bug not in places:
        yield
        return
    with patch.object(*places[bug]):
        yield


_call = attempt._call  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
_write_saves = sqlite_rows.write_saves


async def _twice(*step: Any) -> tuple[bytes, Any]:
    await _call(*step)
    return await _call(*step)


def _stepless(saves: Sequence[Save]) -> list[Save]:
    return [msgspec.structs.replace(save, steps=()) for save in saves]


def _without_steps(connection: Any, saves: Sequence[Save], now: float) -> bool:
    return _write_saves(connection, _stepless(saves), now)


async def _without_steps_in_postgres(connection: Any, server: Any, saves: Sequence[Save], **again: bool) -> list[Any]:
    from shared.durable.postgres_rows import write_saves  # noqa: PLC0415 - the driver is optional

    return await write_saves(connection, server, _stepless(saves), **again)


def _late(
    problem: Problem, attempts: int, parks: int, delays: tuple[float, ...], rest: float
) -> retry_schedule.Retry | None:
    return retry_schedule.next_try(problem, max(1, attempts - 1), parks, delays, rest)
