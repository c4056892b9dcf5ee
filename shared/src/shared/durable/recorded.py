"""Problems, steps and waits as the journal records them, and what a replay makes of the record."""

from typing import Any

import msgspec

from shared.binding.problems import Problem, ProblemDetails
from shared.durable.attempt import fault
from shared.durable.journal import JournalUnavailable, StepRecord, StepState
from shared.durable.step import Step
from shared.durable.waits import Came, Look, Outlook

_problem_decoder = msgspec.json.Decoder(ProblemDetails)


def encode_problem(problem: Problem) -> bytes:
    """A problem as the journal keeps it."""
    return msgspec.json.encode(problem.details())


def decode_problem(encoded: bytes) -> Problem:
    """The inverse of `encode_problem`."""
    return Problem.from_details(_problem_decoder.decode(encoded))


def may_change(known: StepRecord) -> bool:
    """A step that was given up, or is tried afresh since an operator resumed the flow, may have other arguments."""
    return known.state == "dead" or (known.state == "waiting" and known.attempts == known.parks == 0)


async def seen(wait: Look, outlook: Outlook) -> tuple[StepState, bytes, float | None]:
    """What looking gave: state and outcome of the step, and seconds until the next look.

    Raises JournalUnavailable.
    """
    try:
        found = await wait.look(outlook)
    except JournalUnavailable:
        raise
    except Problem as problem:
        return "refused", encode_problem(problem), None
    except Exception as error:  # noqa: BLE001 - a codec's, e.g. a key that is gone
        return "dead", encode_problem(fault("flow.wait_fault", error, flow_id=outlook.flow.flow_id)), None
    return ("succeeded", found.outcome, None) if isinstance(found, Came) else ("waiting", b"", found.after)


def difference(known: StepRecord, step: Step[Any]) -> tuple[str, str]:
    """What was recorded and what came, without quoting arguments: they may hold personal details."""
    if known.operation != step.operation.qualified_name:
        return known.operation, step.operation.qualified_name
    return f"{known.operation} with other arguments", f"it with {len(step.arguments)} bytes of new ones"
