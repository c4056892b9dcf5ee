"""Flows that may be what takes workers down: run one at a time, so that the guilty one is found without the others.

A process that dies takes every flow it was running down with it. Counted alike, they would all be given up after the
same few deaths. So a flow whose workers were lost twice without a step of progress waits in the journal until no other
such flow runs in the process: waiting there it cannot be taken down again, and only the guilty one's count goes on.
"""

from weakref import WeakKeyDictionary

from shared.durable.journal import Change, FlowRecord, Journal, Save

_SUSPECTED_AFTER = 2  # workers lost: once is bad luck, twice may be
_REST = 0.5  # seconds


class Suspects:
    """Who of them runs in this process."""

    def __init__(self) -> None:
        self._running: str | None = None

    def admits(self, flow: FlowRecord, quarantine_after: int) -> bool:
        """Whether a flow that was just claimed may run now; if so and it is one, no other may until it leaves."""
        if not _SUSPECTED_AFTER <= flow.takeovers < quarantine_after:
            return True
        if self._running is not None:
            return False
        self._running = flow.flow_id
        return True

    def leave(self, flow_id: str) -> None:
        """A flow does not run here any more."""
        if self._running == flow_id:
            self._running = None


_of_process: "WeakKeyDictionary[Journal, Suspects]" = WeakKeyDictionary()


def suspects_at(journal: Journal) -> Suspects:
    """Those of all workers that share a journal: they live and die in one process."""
    return _of_process.setdefault(journal, Suspects())


def put_back(flow: FlowRecord) -> Save:
    """What lets go of a claimed flow as it is, for a moment; its payloads stay as the journal has them."""
    state = "compensating" if flow.compensating else "waiting"
    change = Change(
        state, problem=flow.problem, compensating=flow.compensating, in_doubt=flow.in_doubt, next_in=_REST
    )  # fmt: skip
    return Save(flow.flow_id, flow.fence, (), change)
