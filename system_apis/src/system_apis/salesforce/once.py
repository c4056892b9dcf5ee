"""Writing something once: look, write all or nothing, and look again whenever the outcome is in doubt."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

from shared.resilience.outbound_faults import OutcomeUnknown
from system_apis.salesforce.composite import PartRefused

_Known = TypeVar("_Known")
_Ground = TypeVar("_Ground")
_Answer = TypeVar("_Answer")
_PAUSES: Final = (0.05, 0.2, 0.8)
"""Seconds before looking again: somebody else is recording, or our answer was lost."""


async def recorded_once(
    look: Callable[[], Awaitable[tuple[_Known | None, _Ground]]],
    write: Callable[[_Ground], Awaitable[_Answer]],
    answer: Callable[[_Known], _Answer],
    in_doubt: Collection[str],
) -> _Answer | None:
    """What stands under a reference, written now or before; None when others at work on it never let us see.

    Args:
        look: What is known under the reference, if anything, and what a write rests on.
        write: Writes all of it or nothing, and gives the answer.
        answer: Of what was known.
        in_doubt: Codes of refusals after which somebody else may have written it.

    Raises:
        Problem: What `look` raises, and every other refusal of `write`.
    """
    for pause in _PAUSES:
        known, ground = await look()
        if known is not None:
            return answer(known)
        try:
            return await write(ground)
        except PartRefused as refused:
            if refused.code not in in_doubt:
                raise refused.problem from None
        except OutcomeUnknown:
            pass  # the answer was lost; the next look tells whether it stands
        await asyncio.sleep(pause)
    known, _ = await look()
    return None if known is None else answer(known)
