"""What refusals of the Pub/Sub API mean (Pub/Sub API, "Error Codes"): the code in a trailer decides, then the status.

Salesforce's sentences stay here; only codes pass.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.system.salesforce_events import ChannelNotFound
from shared.messaging.event_source import PositionExpired
from system_apis.salesforce.faults import LIMIT_PAUSE_SECONDS

_PREFIX: Final = "sfdc.platform.eventbus.grpc."
_CODE: Final = re.compile(r"[a-z][a-z0-9.]{0,99}")
_POSITION: Final = frozenset({"subscription.fetch.replayid.corrupted", "subscription.fetch.replayid.validation.failed"})
_UNKNOWN: Final = frozenset(
    {"topic.not.found", "schema.not.found", "managed.subscription.developer.name.not.found",
     "managed.subscription.not.found"}
)  # fmt: skip
_FORBIDDEN: Final = ("PERMISSION_DENIED", "topic.meta.permission")
_NOT_OURS: Final = frozenset({"service.auth.error", "service.auth.headers.invalid", "service.auth.refresh.invalid"})
_PASSING: Final = frozenset({"UNAVAILABLE", "INTERNAL", "ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "UNKNOWN"})


class SessionOver(BackendFault):
    """The access token is refused: a fresh one may not be."""


def problem_of_call(error: Any, what: str) -> Problem:
    """The problem that a failed call stands for.

    Args:
        error: A `grpc.aio.AioRpcError`.
        what: What was called for, `/data/AccountChangeEvent`.
    """
    return problem_of_code(error.code().name, code_of(error.trailing_metadata()), what)


def code_of(trailers: Any) -> str:
    """The code in a call's trailers, without what all begin with; empty if there is none."""
    found: Mapping[str, Any] = dict(trailers or ())
    code = str(found.get("error-code", "")).removeprefix(_PREFIX)
    return code if _CODE.fullmatch(code) else ""


def problem_of_code(status: str, code: str, what: str) -> Problem:
    """The problem that a gRPC status and a code stand for."""
    shown = code or status
    if code in _POSITION:
        return PositionExpired(f"Salesforce does not go on from our place in {what} ({code}).")
    if code in _UNKNOWN or status == "NOT_FOUND" or (status, code) == _FORBIDDEN:
        return ChannelNotFound(f"Salesforce has no {what} for our user ({shown}); look at its name and permissions.")
    if code in _NOT_OURS or status == "UNAUTHENTICATED":
        return SessionOver(f"Salesforce does not accept our session at {what} ({shown}).")
    if code.endswith("limit.exceeded") or status == "RESOURCE_EXHAUSTED":
        return QuotaExceeded(
            f"Salesforce's allowance for {what} is used up ({shown}).", retry_after=LIMIT_PAUSE_SECONDS
        )
    if status in _PASSING or code.startswith("service.") or code.endswith((".unavailable", "already.active")):
        return BackendUnavailable(f"Salesforce's Pub/Sub API cannot serve {what} now ({shown}).")
    return BackendFault(f"Salesforce's Pub/Sub API refuses {what} ({shown}).")
