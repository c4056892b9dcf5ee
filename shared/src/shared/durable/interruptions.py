"""Why a flow stops where it stands. Flow code must not swallow these, so they are no `Exception`s.

FlowInterrupted
├── Suspended        a step waits for its next attempt
├── GaveUp           a step failed for good, or nobody can say whether it happened: dead letter
├── FlowDiverged     the code no longer makes the calls the journal remembers: dead letter
├── CancelRequested  someone asked to stop
├── Rewound          replay has reached the point where compensation began
├── Stopping         the worker shuts down
├── Disowned         another worker has the flow
└── Unrecorded       the journal cannot be written
"""

from shared.binding.problems import Problem


class FlowInterrupted(BaseException):
    """The flow stops here; the worker knows what follows. `finally` blocks must not call steps."""


class Suspended(FlowInterrupted):
    """The flow rests for `after` seconds."""

    def __init__(self, after: float) -> None:
        super().__init__(after)
        self.after = after


class GaveUp(FlowInterrupted):
    """The flow goes to the dead letter channel with this problem; nothing is undone."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class FlowDiverged(FlowInterrupted):
    """Replayed code asked for something else than the journal remembers.

    Args:
        seq: The step's number.
        expected: What was recorded.
        came: What the code called now.
    """

    def __init__(self, seq: int, expected: str, came: str) -> None:
        super().__init__(seq, expected, came)
        self.seq, self.expected, self.came = seq, expected, came

    def __str__(self) -> str:
        return (
            f"Step {self.seq} was recorded as {self.expected}, but the flow's code now calls {self.came}. Run it "
            "under the code that recorded it, or give the changed flow a new version."
        )


class CancelRequested(FlowInterrupted):
    """Somebody asked to stop this flow."""


class Rewound(FlowInterrupted):
    """The replay has rebuilt everything that happened before compensation began."""


class Stopping(FlowInterrupted):
    """The worker shuts down; the next one carries on from here."""


class Disowned(FlowInterrupted):
    """Another worker claimed this flow; nothing more may be done for it here."""


class Unrecorded(FlowInterrupted):
    """The journal could not be written; what is not recorded is done again, under the same keys."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem
