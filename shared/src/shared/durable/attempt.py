"""One attempt at a step: call, classify, record."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from shared.binding.call_context import CallContext, calling
from shared.binding.operation import Operation
from shared.binding.problems import BackendUnavailable, DeadlineExceeded, InternalFault, Problem
from shared.durable.journal import StepRecord, StepState
from shared.durable.parking import rest_of
from shared.durable.retry_schedule import leaves_doubt, next_try
from shared.durable.step import Step
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import flow_step

StepExecutor = Callable[[Operation, dict[str, Any], CallContext], Awaitable[Any]]
"""Performs an operation with these arguments under this context and returns its result; raises Problems."""

_log = get_logger("durable")


def fault(event: str, error: BaseException, **where: Any) -> InternalFault:
    """Log an error that is nobody's answer, and give the problem that stands for it."""
    _log.error(event, error=type(error).__name__, exc_info=error, **where)
    return InternalFault(f"A defect ended this flow: {type(error).__name__}. The log has the details.")


async def attempt(
    seq: int, step: Step[Any], operation: Operation, known: StepRecord | None, context: CallContext,
    execute: StepExecutor, clock: Callable[[], float], delays: tuple[float, ...], kind: str,
) -> tuple[StepRecord, Any]:  # fmt: skip
    """Try a step once.

    Returns:
        What to record, and the result as the flow shall see it (None when there is none).
    """
    started = clock()
    attempts, parks, first = (known.attempts, known.parks, known.started_at) if known else (0, 0, started)
    problem, outcome, result = None, b"", None
    try:
        outcome, result = await _call(operation, step.arguments, context, execute)
    except Problem as error:
        problem = error
    except Exception as error:  # noqa: BLE001 - executors raise Problems; anything else is a defect
        problem = fault("flow.step_fault", error, key=context.idempotency_key)
    name, finished = operation.qualified_name, clock()
    flow_step(kind.partition("@")[0], name, problem.slug if problem else "ok", max(0.0, finished - started))
    if problem is None:
        return StepRecord(seq, name, step.arguments, "succeeded", outcome, attempts + 1, 0, first, finished), result
    retry = next_try(problem, attempts + 1, parks, delays, rest_of(str(context.idempotency_key), parks))
    record = StepRecord(
        seq, name, step.arguments, "waiting" if retry else _verdict(step, problem),
        msgspec.json.encode(problem.details()),
        retry.attempts if retry else attempts + 1, retry.parks if retry else 0,
        first, finished, retry.after if retry else None,
    )  # fmt: skip
    return record, None


def _verdict(step: Step[Any], problem: Problem) -> StepState:
    """Refusals are answers. A write of unknown effect and exhausted retries are not: somebody must look."""
    if problem.transient or (leaves_doubt(problem) and not step.operation.safe):
        return "dead"
    return "refused"


async def _call(
    operation: Operation, encoded_arguments: bytes, context: CallContext, execute: StepExecutor
) -> tuple[bytes, Any]:
    arguments = operation.decode_arguments(encoded_arguments)
    try:
        async with asyncio.timeout(context.remaining()):
            with calling(context):
                result = await execute(operation, arguments, context)
    except TimeoutError:
        raise DeadlineExceeded(f"{operation.qualified_name} did not answer in time.") from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BackendUnavailable(f"{operation.qualified_name} was cut off.") from None
    encoded = operation.encode_result(result)
    return encoded, operation.decode_result(encoded)
