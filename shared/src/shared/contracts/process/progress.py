"""What every long-running business flow tells of itself."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.binding.problems import ProblemDetails

FlowState = Literal[
    "pending", "running", "waiting", "compensating", "completed", "refused", "cancelled", "dead", "discarded"
]


class TimelineEntry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One step of a flow: what was done, when, how often, and what came of it."""

    step: str
    state: Literal["running", "done", "failed", "waiting", "undone"]
    started: datetime
    finished: datetime | None = None
    duration_ms: float | None = None
    attempts: int = 1
    detail: str = ""


class FlowProgress(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How far a flow has come. `problem` is there once it failed."""

    state: FlowState
    created: datetime
    updated: datetime
    correlation_id: str = ""
    problem: ProblemDetails | None = None
    timeline: list[TimelineEntry] = []
