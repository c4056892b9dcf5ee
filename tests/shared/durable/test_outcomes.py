"""What an API may show of a flow before it ends."""

from typing import Any

import msgspec

from shared.durable.journal import StepRecord
from shared.durable.outcomes import Outcomes


class Decision(msgspec.Struct, frozen=True):
    approved: bool


def step(seq: int, operation: str, outcome: Any, state: Any = "succeeded", arguments: Any = None) -> StepRecord:
    return StepRecord(
        seq, operation, msgspec.json.encode(arguments or {}), state, msgspec.json.encode(outcome), 1, 0, 0.0, 0.0
    )


def taken(seq: int, name: str, payload: Any) -> StepRecord:
    return step(seq, "flow.wait_for", {"key": name, "payload": payload}, arguments={"name": name, "timeout": 5.0})


def test_the_latest_success_of_a_step_is_told() -> None:
    outcomes = Outcomes([step(1, "erp.make", 1), step(2, "erp.make", 2), step(3, "erp.make", {}, "refused")])
    assert outcomes.of("erp.make", int) == 2
    assert outcomes.of("erp.other", int) is None


def test_an_undo_and_a_step_whose_payload_is_gone_tell_nothing() -> None:
    erased = msgspec.structs.replace(step(1, "erp.make", 1), outcome=b"")
    assert Outcomes([erased, step(-2, "erp.make", 7)]).of("erp.make", int) is None


def test_the_latest_signal_of_a_name_is_told() -> None:
    waits = [taken(1, "approval", {"approved": False}), taken(2, "approval", {"approved": True}), taken(3, "goods", {})]
    assert Outcomes(waits).signal("approval", Decision) == Decision(approved=True)
    assert Outcomes(waits).signal("other", Decision) is None
    timed_out = step(4, "flow.wait_for", {}, "refused", {"name": "approval"})
    assert Outcomes([timed_out]).signal("approval", Decision) is None
