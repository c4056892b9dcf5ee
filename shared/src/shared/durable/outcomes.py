"""What the steps of a flow came to, for an API that shows more of it than its end."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from shared.durable.journal import StepRecord
from shared.durable.waits import SignalWait, received

_T = TypeVar("_T")


class Outcomes:
    """The outcomes on record; none of a step whose payloads were erased or cannot be opened.

    Args:
        steps: With readable payloads.
    """

    def __init__(self, steps: Sequence[StepRecord]) -> None:
        self._done = [step for step in steps if step.state == "succeeded" and step.outcome and step.seq > 0]

    def of(self, step: str, kind: type[_T]) -> _T | None:
        """What the latest step of this name came to, `erp.create_order`; None if none is done.

        Args:
            step: Qualified operation name.
            kind: What the operation returns.
        """
        found = next((one for one in reversed(self._done) if one.operation == step), None)
        return None if found is None else msgspec.json.decode(found.outcome, type=kind)

    def signal(self, name: str, kind: type[_T]) -> _T | None:
        """The payload of the latest signal of this name that the flow took; None if it took none."""
        waits = [one for one in self._done if one.operation == SignalWait.qualified_name]
        taken = (received(one.arguments, one.outcome, name, kind) for one in reversed(waits))
        return next((one for one in taken if one is not None), None)
