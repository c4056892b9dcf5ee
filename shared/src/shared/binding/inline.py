"""A typed client for a contract whose implementation runs in this process.

It keeps wire semantics: arguments and results are copied and validated, problems lose their traceback, the
inbound pipeline runs. So a caller cannot tell it from the HTTP client, except by the time it saves.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from shared.binding.call_context import CallContext, Principal, current_context
from shared.binding.declare import Contract
from shared.binding.inbound import Inbound, Served
from shared.binding.problems import Problem
from shared.binding.webhook_door import by_signature_only
from shared.telemetry.metrics import operation_call
from shared.telemetry.tracing import start_span

_C = TypeVar("_C", bound=Contract)

CallerIdentity = Callable[[CallContext], Principal]
"""Turns the caller's context into the principal it may be at the callee; raises a Problem if it may be nobody."""


def inline_client(contract: type[_C], implementation: Contract, inbound: Inbound, identity: CallerIdentity) -> _C:
    """A `contract` whose calls reach `implementation` through the inbound pipeline.

    Args:
        contract: The declared contract.
        implementation: An instance that implements it.
        inbound: The pipeline of this process.
        identity: Narrows the caller's identity to this API, as a token exchange would.
    """
    methods: dict[str, Any] = {
        name: by_signature_only(operation)
        if operation.signed
        else _method(Served(operation, implementation), inbound, identity)
        for name, operation in contract.operations.items()
    }
    return cast("_C", type(f"Inline{contract.__name__}", (contract,), methods)())


def _method(served: Served, inbound: Inbound, identity: CallerIdentity) -> Any:
    operation = served.operation
    api, name = operation.contract.slug, operation.qualified_name
    attributes = {"triptych.operation": name, "triptych.placement": "inline"}

    async def call(_self: object, *args: Any, **kwargs: Any) -> Any:
        caller = current_context()
        span = start_span(name, kind="internal", parent=caller.traceparent, attributes=attributes)

        async def read() -> tuple[Any, ...]:
            return operation.cross(args, kwargs)

        outcome: str | None = None
        try:
            context = caller.replace(principal=identity(caller), traceparent=span.traceparent)
            return operation.cross_result(await inbound.call(served, context, read))
        except Problem as problem:
            outcome = problem.slug
            raise Problem.from_details(problem.details()) from None
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            span.end(outcome)
            operation_call(api, operation.name, outcome or "ok", span.seconds)

    return call
